"""How what was measured reads in the status."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aif.api.aiservice import AIService
from aif.api.aiservice_status import DimensionStatus
from aif.api.conditions import Condition
from aif.contract.alarms import Finding, Phase
from aif.contract.limits import limits_of
from aif.contract.readings import Gap
from aif.contract.watch import Judged, current
from aif.domain.conditions import Verdict
from aif.reconcile.measured import BREACHES, conditions, rows, sentence
from tests.builders import NOON, an_aiservice

THEN = NOON.timestamp()
PLANNED = DimensionStatus(dimension="latency", target=20_000, predicted=5_250)


def a_service(**more: Any) -> AIService:
    """Return a service with a hard latency and a soft energy target."""
    energy = {"maxMillijoulesPerRequest": 3000, "enforcement": "Soft"}
    return an_aiservice(qos={"latency": {"maxP99Microseconds": 20_000}, "energy": energy, **more})


def judged(
    dimension: str = "latency", finding: Finding = Finding.MET, of: AIService | None = None, **changes: Any
) -> Judged:
    """Return what is known of a promise: kept, unless told."""
    limit = next(each for each in limits_of(of or a_service()) if each.dimension == dimension)
    known: dict[str, Any] = {
        "gap": Gap.NONE,
        "value": 0.0056,
        "recent": 0.0056,
        "at": THEN,
        "phase": Phase.QUIET,
        "since": THEN - 60,
        "seen": THEN,
        "estimated": False,
    }
    return Judged(limit=limit, finding=finding, **(known | changes))


BROKEN = judged(finding=Finding.BREACHED, value=0.025, phase=Phase.RAISED)
UNKNOWN = judged(finding=Finding.UNKNOWN, gap=Gap.STALE, value=None)
SOFT_BROKEN = judged("energy", Finding.BREACHED, value=4.0, phase=Phase.RAISED)


def said(*known: Judged) -> dict[str, Verdict]:
    """Return the conditions by type."""
    return {verdict.type: verdict for verdict in conditions(a_service(), known)}


def test_a_kept_contract_is_told_as_met_and_measured() -> None:
    verdicts = said(judged())
    assert (verdicts["QoSMet"].status, verdicts["MetricsAvailable"].status) == ("True", "True")
    assert "ThresholdAlarm" not in verdicts


def test_a_promise_that_is_kept_again_is_told_with_the_value_that_says_so() -> None:
    (row,) = [each for each in rows([], [], [judged(value=0.031, recent=0.018)], a_service()) if each.measured]
    assert (row.verdict, row.measured) == ("Met", 18_000)


def test_a_broken_promise_is_told_with_both_numbers() -> None:
    verdict = said(BROKEN)["QoSMet"]
    assert (verdict.status, verdict.reason) == ("False", "LatencyBreached")
    assert verdict.message == "latency is 25000 us; promised: at most 20000 us"
    assert said(BROKEN)["ThresholdAlarm"].message == verdict.message


def test_what_is_unknown_is_neither_met_nor_broken() -> None:
    verdicts = said(UNKNOWN)
    assert (verdicts["QoSMet"].status, verdicts["QoSMet"].reason) == ("Unknown", "MetricsStale")
    assert (verdicts["MetricsAvailable"].status, verdicts["MetricsAvailable"].reason) == ("False", "MetricsStale")


def test_too_few_requests_are_no_fault_of_the_metrics() -> None:
    verdicts = said(judged(finding=Finding.UNKNOWN, gap=Gap.FEW, value=None))
    assert verdicts["QoSMet"].reason == "TooFewRequests"
    assert verdicts["MetricsAvailable"].status == "True"


def test_a_soft_breach_is_an_alarm_and_breaks_no_contract() -> None:
    verdicts = said(judged(), SOFT_BROKEN)
    assert verdicts["QoSMet"].status == "True"
    assert verdicts["ThresholdAlarm"].reason == "EnergyBreached"


def told_before(*known: Judged) -> AIService:
    """Return a service whose conditions are those of an earlier look."""
    service = a_service()
    generation = service.metadata.generation
    before = [
        Condition(
            type=each.type,
            status=each.status,
            reason=str(each.reason),
            message=each.message,
            observed_generation=generation,
            last_transition_time="2029-01-01T00:00:00Z",
        )
        for each in conditions(service, known)
    ]
    return service.model_copy(update={"status": service.status.model_copy(update={"conditions": before})})


def test_a_dimension_that_is_known_again_is_no_longer_named_as_missing() -> None:
    both = told_before(UNKNOWN, judged("energy", Finding.UNKNOWN, gap=Gap.STALE, value=None))
    now = {each.type: each.message for each in conditions(both, [judged(), replace(UNKNOWN, limit=SOFT_BROKEN.limit)])}
    assert now["MetricsAvailable"] == "Nothing usable is measured of: energy"


def test_figures_that_only_move_leave_the_words_of_a_condition_as_they_were() -> None:
    now = {each.type: each for each in conditions(told_before(BROKEN), [replace(BROKEN, value=0.031)])}
    assert now["QoSMet"].message == "latency is 25000 us; promised: at most 20000 us"
    assert now["ThresholdAlarm"].message == now["QoSMet"].message


def test_a_second_broken_promise_is_named_beside_the_first() -> None:
    now = {each.type: each.message for each in conditions(told_before(BROKEN), [BROKEN, SOFT_BROKEN])}
    assert now["ThresholdAlarm"].count("promised") == 2


def test_an_alarm_outlives_the_loss_of_its_metric() -> None:
    verdicts = said(judged(finding=Finding.UNKNOWN, gap=Gap.FAILED, value=None, phase=Phase.RAISED))
    assert verdicts["QoSMet"].status == "Unknown"
    assert verdicts["ThresholdAlarm"].status == "True"


def test_a_known_breach_counts_more_than_an_unknown_dimension() -> None:
    assert said(judged("energy", Finding.UNKNOWN, gap=Gap.MISSING, value=None), BROKEN)["QoSMet"].status == "False"


def test_a_row_has_target_prediction_measurement_and_times() -> None:
    row, energy = rows([PLANNED], [], [BROKEN], a_service())
    assert (row.target, row.predicted, row.measured) == (20_000, 5_250, 25_000)
    assert (row.verdict, row.alarm) == ("Breached", "Raised")
    assert (row.measured_at, row.alarm_since) == ("2030-01-01T12:00:00Z", "2030-01-01T11:59:00Z")
    assert (energy.dimension, energy.verdict) == ("energy", "Unknown")


def test_a_value_that_only_moves_writes_nothing() -> None:
    before = rows([PLANNED], [], [judged()], a_service())
    assert rows([PLANNED], before, [judged(value=0.007, at=THEN + 15)], a_service()) == before


@pytest.mark.parametrize("now", [BROKEN, UNKNOWN], ids=["broken", "unknown"])
def test_a_turn_of_the_verdict_is_written_with_its_time(now: Judged) -> None:
    before = rows([PLANNED], [], [judged(at=THEN - 900, seen=THEN - 900)], a_service())
    (after, _) = rows([PLANNED], before, [now], a_service())
    assert after.since == "2030-01-01T12:00:00Z"
    assert after.since != before[0].since


def test_another_target_is_another_row() -> None:
    before = [
        PLANNED.model_copy(update={"target": 10_000, "verdict": "Met", "measured": 1, "since": "2029-01-01T00:00:00Z"})
    ]
    (after, _) = rows([PLANNED], before, [judged()], a_service())
    assert after.measured == 5600


def test_a_value_at_the_server_is_marked_as_estimated() -> None:
    (row, _) = rows([PLANNED], [], [judged(estimated=True)], a_service())
    assert row.estimated
    assert "estimated" in sentence(judged(estimated=True))


@pytest.mark.parametrize(
    ("qos", "value", "text"),
    [
        ({"availability": {"minPpm": 999_000}}, 0.9985, "998500 ppm; promised: at least 999000 ppm"),
        ({"accuracy": {"minBasisPoints": 7000}}, 0.65, "6500 basis points; promised: at least 7000 basis points"),
        ({"energy": {"maxMillijoulesPerRequest": 3000}}, 3.5, "3500 mJ; promised: at most 3000 mJ"),
    ],
)
def test_each_dimension_is_told_in_the_unit_of_its_spec(qos: dict[str, Any], value: float, text: str) -> None:
    (dimension,) = qos
    assert sentence(judged(dimension, Finding.BREACHED, an_aiservice(qos=qos), value=value)).endswith(text)


@pytest.mark.parametrize(
    "qos",
    [
        pytest.param({"latency": {"maxP99Microseconds": 10_000}}, id="another target"),
        pytest.param({"energy": {"maxMillijoulesPerRequest": 3000}}, id="the dimension is gone"),
        pytest.param({}, id="no contract any more"),
    ],
)
def test_what_was_judged_by_another_contract_tells_nothing_of_this_one(qos: dict[str, Any]) -> None:
    edited = an_aiservice(qos=qos)
    assert current(edited, (BROKEN,)) == ()
    assert {verdict.type: verdict.status for verdict in conditions(edited, current(edited, (BROKEN,)))} == {
        "QoSMet": "Unknown",
        "MetricsAvailable": "Unknown",
    }


def test_what_was_judged_by_the_same_contract_stays() -> None:
    assert current(a_service(), (BROKEN, SOFT_BROKEN)) == (BROKEN, SOFT_BROKEN)
    assert current(a_service(), None) is None


def test_each_dimension_that_can_be_broken_has_a_reason() -> None:
    assert len(set(BREACHES.values())) == len(BREACHES)
