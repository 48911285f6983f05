"""Copies of services that move: what is asked about each, over which window, and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from aif.contract.alarms import Finding
from aif.contract.answers import Row
from aif.contract.comparison import Bearing, compare
from aif.contract.copies import FAILURES, CopyWatch, Mover, promises_of_copy, tells_copies_apart, window_of
from aif.contract.profiles import EACH_COPY, Profile, Signal
from aif.contract.readings import Gap
from aif.contract.watch import Question
from aif.gateways.prometheus.profiles import load
from tests.builders import an_aiservice
from tests.contract.test_watch import NOW, Told, a_profile, a_service

OLD, NEW = "0a", "1b"


def of(copy: str, value: float, **labels: str) -> Told:
    """Return a row that tells of a copy."""
    return Told(value, {"namespace": "default", "aiservice": "plates", "copy": copy, **labels})


def profiles(*, per_copy: bool = True) -> dict[str, Profile]:
    """Return a profile that tells latencies and failures."""
    profile = a_profile(successShare="sum by ($by) (x)")
    return {"runtime": profile.model_copy(update={"per_copy": per_copy})}


def a_watch(window: int = 30) -> CopyWatch:
    """Return a watch over both copies of a service."""
    return CopyWatch([Mover(a_service(), {OLD: 0.0, NEW: 0.0}, window)], profiles())


def answers(old: float, new: float, requests: float = 500.0) -> dict[Question, Sequence[Row]]:
    """Return what is answered about the latency of both copies."""

    def asked(signal: Signal, window: int = 30) -> Question:
        return Question("runtime", signal, window, EACH_COPY)

    return {
        asked(Signal.REQUEST_SECONDS): [of(OLD, old), of(NEW, new)],
        asked(Signal.REQUESTS): [of(OLD, requests), of(NEW, requests)],
        asked(Signal.SUCCESS_SHARE): [of(OLD, 1.0), of(NEW, 0.5)],
        asked(Signal.SAMPLED_AT, 0): [of(OLD, NOW), of(NEW, NOW)],
        asked(Signal.BUCKETS, 0): [of(copy, 1, le=bound) for copy in (OLD, NEW) for bound in ("0.0195", "0.0205")],
    }


def test_each_copy_is_asked_about_by_its_label_and_within_one_window() -> None:
    questions = a_watch().questions()
    assert {question.by for question in questions} == {EACH_COPY}
    assert {question.window_seconds for question in questions} == {0, 30}


def test_each_copy_gets_its_own_answer() -> None:
    looks = a_watch().judge(answers(0.030, 0.010), NOW)[a_service().metadata.uid]
    found = {copy: [each.finding for each in look.judged] for copy, look in looks.items()}
    assert found == {OLD: [Finding.BREACHED, Finding.MET], NEW: [Finding.MET, Finding.BREACHED]}
    assert [each.dimension for each in looks[NEW].judged] == ["latency", FAILURES]
    assert (looks[NEW].requests, looks[NEW].began, looks[NEW].window_seconds) == (500.0, NOW - 30, 30)


def test_a_copy_of_which_no_row_tells_is_unknown() -> None:
    looks = a_watch().judge({}, NOW)[a_service().metadata.uid]
    assert {each.gap for look in looks.values() for each in look.judged} == {Gap.FAILED}
    assert compare(looks[NEW].judged, {}, 0.1).bearing is Bearing.UNKNOWN


@pytest.mark.parametrize(
    ("seconds", "window"),
    [
        pytest.param(4.0, None, id="too short to say anything"),
        pytest.param(12.0, 10, id="a rounded one"),
        pytest.param(3600.0, 60, id="the fast window at most"),
    ],
)
def test_the_window_is_as_long_as_the_copies_have_served(seconds: float, window: int | None) -> None:
    assert window_of(a_service(), seconds) == window


def test_a_profile_says_whether_copies_can_be_told_apart() -> None:
    service = a_service()
    assert tells_copies_apart(service, profiles())
    assert not tells_copies_apart(service, profiles(per_copy=False))
    assert not tells_copies_apart(service, {})


def watched(**qos: object) -> list[str]:
    """Return what a copy of a service with this contract is watched for."""
    service = an_aiservice(qos={"latency": {"maxP99Microseconds": 20_000}, **qos})
    mover = Mover(service, {"c0ffee": 0.01}, 10)
    return [each.limit.dimension for each in promises_of_copy(mover, "c0ffee", 0.01, load())]


@pytest.mark.parametrize(
    ("qos", "dimensions"),
    [
        pytest.param({}, ["latency", FAILURES], id="and that it answers"),
        pytest.param({"availability": {"minPpm": 999_000}}, ["latency", "availability"], id="which may be promised"),
        pytest.param({"accuracy": {"minBasisPoints": 7000}}, ["latency", FAILURES], id="what no copy can show"),
    ],
)
def test_a_copy_is_watched_for_what_its_profile_can_tell(qos: dict[str, object], dimensions: list[str]) -> None:
    assert watched(**qos) == dimensions
