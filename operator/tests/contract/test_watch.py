"""From promises to questions, and from answers to what is known of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from aif.api.aiservice import AIService
from aif.contract.alarms import Alarms, Finding, Phase
from aif.contract.answers import Row
from aif.contract.profiles import Profile, Signal
from aif.contract.readings import Gap
from aif.contract.watch import Answers, Judged, Question, Watch, promises_of
from tests.builders import an_aiservice

NOW = 1_900_000_000.0
WAY = 0.002


@dataclass(frozen=True)
class Told:
    """A row of a vector."""

    value: float
    labels: dict[str, str] = field(default_factory=dict)


def of(service: str, value: float, **labels: str) -> Told:
    """Return a row that tells of a service in the namespace of the builders."""
    return Told(value, {"namespace": "default", "aiservice": service, **labels})


def a_profile(point: str = "Client", **queries: str) -> Profile:
    """Return a profile that tells everything about a latency."""
    told = {signal: f"sum by ($by) (x[{signal}])" for signal in ("requestSeconds", "requests", "sampledAt", "buckets")}
    return Profile.model_validate({"name": "runtime", "point": point, "queries": told | queries})


def a_service(name: str = "plates", **changes: Any) -> AIService:
    """Return a service with a latency target of 20 ms, windows of 60 and 300 s, and no delay before an alarm."""
    qos = {"latency": {"maxP99Microseconds": 20_000, "tolerancePercent": 5}}
    spec: dict[str, Any] = {"qos": qos, "evaluation": {"forSeconds": 0}, "metrics": {"profile": "runtime"}}
    return an_aiservice(name, **(spec | changes))


def a_watch(*services: AIService, profile: Profile | None = None, way: float = WAY) -> Watch:
    """Return a watch over services with one metric profile."""
    known = profile or a_profile()
    return Watch(
        [promise for each in services or (a_service(),) for promise in promises_of(each, {known.name: known}, way)]
    )


def answers(fast: Sequence[Row], slow: Sequence[Row], **others: Sequence[Row]) -> dict[Question, Sequence[Row]]:
    """Return answers about the latency of ``plates``, good ones unless told."""
    usual: dict[str, Sequence[Row]] = {
        "requests": [of("plates", 500)],
        "sampledAt": [of("plates", NOW - 10)],
        "buckets": [of("plates", 1, le=bound) for bound in ("0.0195", "0.0205", "+Inf")],
    }
    told = usual | others
    return {
        Question("runtime", Signal.REQUEST_SECONDS, 60): fast,
        Question("runtime", Signal.REQUEST_SECONDS, 300): slow,
        Question("runtime", Signal.REQUESTS, 60): told["requests"],
        Question("runtime", Signal.REQUESTS, 300): told["requests"],
        Question("runtime", Signal.SAMPLED_AT, 0): told["sampledAt"],
        Question("runtime", Signal.BUCKETS, 0): told["buckets"],
    }


def judge(watch: Watch, told: Answers) -> Judged:
    """Return what is known of the first promise."""
    judged, _ = watch.judge(told, Alarms.quiet(len(watch.promises), NOW - 100), NOW)
    return judged[0]


def test_services_of_one_runtime_share_a_handful_of_questions() -> None:
    watch = a_watch(*(a_service(f"s{number}") for number in range(100)))
    assert watch.questions() == set(answers([], []))


def test_a_kept_promise_is_told_with_its_value_and_time() -> None:
    judged = judge(a_watch(), answers([of("plates", 0.010)], [of("plates", 0.012)]))
    limit = a_watch().promises[0].limit
    kept = Judged(limit, Finding.MET, Gap.NONE, 0.012, 0.010, NOW - 10, Phase.QUIET, NOW - 100, NOW, estimated=False)
    assert judged == replace(kept, rate=500 / 300, recent_rate=500 / 60)


def test_a_promise_that_both_windows_break_is_an_alarm() -> None:
    judged = judge(a_watch(), answers([of("plates", 0.030)], [of("plates", 0.025)]))
    assert (judged.finding, judged.phase) == (Finding.BREACHED, Phase.RAISED)


def test_at_the_server_the_way_to_the_users_is_added_and_marked() -> None:
    watch = a_watch(profile=a_profile("Server"), way=0.009)
    told = answers([of("plates", 0.013)], [of("plates", 0.013)], buckets=[of("plates", 1, le="0.011")])
    judged = judge(watch, told)
    assert judged.value == pytest.approx(0.022)
    assert judged.estimated
    assert judged.finding is Finding.BREACHED


def test_an_unknown_way_leaves_a_latency_at_the_server_unknown() -> None:
    watch = a_watch(profile=a_profile("Server"), way=float("nan"))
    judged = judge(watch, answers([of("plates", 0.01)], [of("plates", 0.01)], buckets=[]))
    assert (judged.finding, judged.gap, judged.value) == (Finding.UNKNOWN, Gap.MISSING, None)


GOOD = [of("plates", 0.010)]


@pytest.mark.parametrize(
    ("told", "gap"),
    [
        pytest.param({}, Gap.FAILED, id="no answer at all"),
        pytest.param(answers([], GOOD), Gap.MISSING, id="no row of the service"),
        pytest.param(answers([of("cups", 0.01)], GOOD), Gap.MISSING, id="a row of another service only"),
        pytest.param(answers(GOOD * 2, GOOD), Gap.MISSING, id="two rows of the service"),
        pytest.param(answers([of("plates", float("nan"))], GOOD), Gap.MISSING, id="not a number"),
        pytest.param(answers(GOOD, GOOD, sampledAt=[of("plates", NOW - 100)]), Gap.STALE, id="a stale one"),
        pytest.param(answers(GOOD, GOOD, sampledAt=[of("plates", NOW + 100)]), Gap.STALE, id="one from the future"),
        pytest.param(answers(GOOD, GOOD, requests=[of("plates", 99)]), Gap.FEW, id="too few requests"),
        pytest.param(
            answers(GOOD, GOOD, buckets=[of("plates", 1, le="0.01"), of("plates", 1, le="0.1")]),
            Gap.COARSE,
            id="the target in a wide bucket",
        ),
    ],
)
def test_whatever_is_wrong_with_an_answer_the_promise_is_unknown(told: Answers, gap: Gap) -> None:
    judged = judge(a_watch(), told)
    assert (judged.finding, judged.gap, judged.phase) == (Finding.UNKNOWN, gap, Phase.QUIET)


def test_one_window_that_was_not_answered_is_enough_to_know_nothing() -> None:
    told = answers([of("plates", 0.030)], [])
    del told[Question("runtime", Signal.REQUEST_SECONDS, 300)]
    assert judge(a_watch(), told).gap is Gap.FAILED


def test_a_profile_that_there_is_not_leaves_everything_unknown() -> None:
    watch = a_watch(a_service(metrics={"profile": "other"}))
    assert watch.questions() == set()
    assert judge(watch, {}).gap is Gap.MISSING


def test_a_dimension_that_the_runtime_does_not_tell_is_unknown_and_not_asked_for() -> None:
    qos = {"energy": {"maxMillijoulesPerRequest": 3000}}
    watch = a_watch(a_service(qos=qos))
    assert watch.questions() == set()
    assert judge(watch, {}).gap is Gap.MISSING


def test_buckets_that_nobody_told_of_leave_the_value_unknown() -> None:
    told = {question: rows for question, rows in answers(GOOD, GOOD).items() if question.signal is not Signal.BUCKETS}
    assert judge(a_watch(), told).gap is Gap.FAILED


def test_bounds_that_cannot_be_read_are_left_out() -> None:
    buckets = [of("plates", 1, le=bound) for bound in ("0.0195", "0.0205", "NaN", "wide")] + [of("plates", 1)]
    assert judge(a_watch(), answers(GOOD, GOOD, buckets=buckets)).gap is Gap.NONE


def test_each_service_gets_its_own_answer() -> None:
    watch = a_watch(a_service("plates"), a_service("cups"))
    rows = [of("cups", 0.030), of("plates", 0.010)]
    both: dict[str, Sequence[Row]] = {
        "requests": [of("cups", 500), of("plates", 500)],
        "sampledAt": [of("cups", NOW), of("plates", NOW)],
        "buckets": [],
    }
    judged, found = watch.judge(answers(rows, rows, **both), Alarms.quiet(2, NOW), NOW)
    assert [each.finding for each in judged] == [Finding.MET, Finding.BREACHED]
    assert found.raised.tolist() == [False, True]


def test_the_first_token_is_asked_for_where_the_contract_is_about_it() -> None:
    qos = {"latency": {"maxP99Microseconds": 200_000, "indicator": "FirstToken"}}
    profile = a_profile(firstTokenSeconds="max by ($by) (x)")
    asked = {question.signal for question in a_watch(a_service(qos=qos), profile=profile).questions()}
    assert Signal.FIRST_TOKEN_SECONDS in asked
    assert Signal.REQUEST_SECONDS not in asked


def test_nothing_is_asked_where_nothing_was_promised() -> None:
    watch = a_watch(a_service(qos={}))
    judged, found = watch.judge({}, Alarms.quiet(0, NOW), NOW)
    assert watch.questions() == set()
    assert judged == []
    assert found.due == np.inf
