"""What moves a service that could stay, and what keeps it: a person, a broken contract, a better node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aif.api.aiservice import AIService
from aif.api.conditions import Condition, Reason
from aif.api.migration_status import MigrationRecord, Phase
from aif.contract.alarms import Phase as Alarm
from aif.contract.watch import Judged
from aif.domain.actions import Emit
from aif.domain.conditions import timestamp
from aif.reconcile.aiservice import reconcile
from aif.reconcile.outcome import Outcome
from aif.reconcile.placing import place
from aif.reconcile.snapshot import Snapshot
from tests.builders import A100, CPU_32, NOON, a_compute_node, a_link, a_node
from tests.reconcile.moving.moves import a_service, breached, here, judged, told, under_way
from tests.reconcile.spread import HOME

BAD = 0.030
FAR = a_compute_node("gnb-8", links=[a_link(rttMicroseconds=90_000)])


def decided(service: AIService, snapshot: Snapshot, seconds: float = 0.0) -> Outcome:
    return place(service, snapshot, NOON + timedelta(seconds=seconds))


def moved(service: AIService, ago: float = 60.0, **fields: Any) -> AIService:
    """Return ``service`` after a move that ended some seconds ago."""
    usual = {
        "id": 1,
        "source": "gnb-9",
        "to": "gnb-7",
        "trigger": Reason.LATENCY_BREACHED,
        "result": "Completed",
        "generation": service.metadata.generation,
        "ended_at": timestamp(NOON - timedelta(seconds=ago)),
    }
    record = MigrationRecord(**{**usual, **fields})
    records = [*service.status.migrations, record]
    return service.model_copy(update={"status": service.status.model_copy(update={"migrations": records})})


def test_a_broken_contract_moves_the_service_to_where_it_is_predicted_to_hold() -> None:
    service = a_service()
    outcome = decided(service, breached(service))
    move = under_way(outcome)
    assert (move.trigger, move.phase) == ("LatencyBreached", Phase.TARGET_RESERVED)
    assert ([each.node for each in move.sources], [each.node for each in move.targets]) == (["gnb-7"], ["gnb-8"])
    assert outcome.placements == (here(service),)
    assert {claim.node for claim in outcome.claims} == {"gnb-7", "gnb-8"}
    assert [(each.source, each.target) for each in move.figures] == [(30_000, None)]
    assert told(outcome) == ["MoveStarted"]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"value": 0.019, "recent": 0.019}, id="above its level to clear"),
        pytest.param({"recent": 0.012}, id="over by now, as the fast window says"),
        pytest.param({"value": 0.012}, id="a burst, as the slow window says"),
    ],
)
def test_an_alarm_that_is_not_cleared_yet_leaves_no_node_that_keeps_the_contract(values: dict[str, Any]) -> None:
    service = a_service()
    raised = replace(judged(service, BAD), **values)
    outcome = decided(service, replace(breached(service), judged=(raised,)))
    assert (outcome.migration, outcome.placements) == (None, (here(service),))


def soft(known: Judged) -> Judged:
    return replace(known, limit=replace(known.limit, hard=False))


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(lambda known: replace(known, phase=Alarm.PENDING), id="not for long enough"),
        pytest.param(lambda s: replace(s, finding=judged(a_service(), None).finding), id="raised, and unknown by now"),
        pytest.param(soft, id="of a soft promise"),
    ],
)
def test_what_is_no_alarm_of_a_hard_promise_moves_nothing(seen: Callable[[Judged], Judged]) -> None:
    service = a_service()
    snapshot = breached(service)
    assert snapshot.judged is not None
    outcome = decided(service, replace(snapshot, judged=tuple(map(seen, snapshot.judged))))
    assert (outcome.migration, outcome.degraded) == (None, None)


def test_a_contract_that_no_node_can_meet_moves_nothing_and_is_written_once() -> None:
    service = a_service()
    snapshot = breached(service, HOME, FAR)
    first = reconcile(service, snapshot, NOON)
    assert first.status is not None
    assert first.status.migration is None
    degraded = next(each for each in first.status.conditions if each.type == "Degraded")
    assert degraded.reason == "LatencyInfeasible"
    assert "latency is 30000 us" in degraded.message
    assert first.waiting, "a node may come that keeps it"
    again = service.model_copy(update={"status": first.status})
    other = replace(breached(again, HOME, FAR), judged=(judged(again, 0.0312),))
    later = reconcile(again, other, NOON + timedelta(minutes=1))
    assert later.actions == ()


CALIBRATED = {
    "device": "nvidia.com/gpu",
    "updatedAt": "2030-01-01T12:00:00Z",
    "compute": {
        "measuredPercent": 5,
        "efficiencyPercent": 5,
        "confidencePercent": 95,
        "spreadPercent": 5,
        "observations": 90,
    },
}
SLOW = [a_compute_node(name, status={"calibration": [CALIBRATED]}) for name in ("gnb-7", "gnb-8")]
"""Nodes that are known to attain a twentieth of what they declare: none is predicted to keep 20 ms."""


@pytest.mark.parametrize(
    ("known", "stays"),
    [
        pytest.param({"value": BAD}, True, id="it is measured, so no prediction counts"),
        pytest.param({"value": None, "phase": Alarm.RAISED}, True, id="an alarm outlives its metric"),
        pytest.param({"value": None}, False, id="nothing is known but the prediction"),
    ],
)
def test_a_prediction_speaks_against_a_node_only_while_nothing_is_measured_there(
    known: dict[str, Any], *, stays: bool
) -> None:
    service = a_service()
    outcome = decided(service, replace(breached(service, *SLOW), judged=(judged(service, **known),)))
    assert (outcome.migration, outcome.placements) == (None, (here(service),))
    assert (outcome.verdict.status == "True") is stays


@pytest.mark.parametrize(
    "known",
    [
        pytest.param({"value": None, "phase": Alarm.RAISED}, id="the metric is lost"),
        pytest.param({"value": BAD, "recent": 0.012}, id="better for a moment"),
        pytest.param({"value": 0.019, "recent": 0.019, "phase": Alarm.RAISED}, id="not cleared yet"),
    ],
)
def test_what_is_short_stays_named_and_nothing_is_said_again_while_the_alarm_stands(known: dict[str, Any]) -> None:
    service = a_service()
    first = reconcile(service, breached(service, *SLOW), NOON)
    assert first.status is not None
    again = service.model_copy(update={"status": first.status})
    later = reconcile(again, replace(breached(again, *SLOW), judged=(judged(again, **known),)), NOON)
    assert later.status is not None
    words = [{each.type: each.message for each in it.conditions}["Degraded"] for it in (first.status, later.status)]
    assert words[0] == words[1]
    assert "latency is 30000 us" in words[0]
    assert [each for each in later.actions if isinstance(each, Emit)] == []
    assert later.waiting, "a node may come that keeps it"


def test_more_replicas_are_asked_for_where_only_they_would_help() -> None:
    # 930 requests a second are more than one accelerator computes, and less than two do
    service = a_service(load={"requestsPerSecond": 200})
    link = [a_link(upBitsPerSecond="1950G", downBitsPerSecond="1950G")]
    rows = [a_compute_node(name, links=link, devices=_gpus()) for name in ("gnb-7", "gnb-8")]
    nodes = [
        a_node(f"worker-gnb-{n}", allocatable={"cpu": 64.0, "memory": 1e13, "pods": 110.0, "nvidia.com/gpu": 8.0})
        for n in (7, 8)
    ]
    snapshot = breached(service, *rows, nodes=nodes, rate=900.0, recent_rate=900.0)
    outcome = decided(service, snapshot)
    assert outcome.migration is None
    assert outcome.degraded is not None
    assert outcome.degraded.reason is Reason.SCALE_INSTEAD


def _gpus() -> list[dict[str, Any]]:
    return [{**A100, "count": 8}, {**CPU_32, "count": 64}]


def test_a_burst_is_waited_out_where_the_node_keeps_the_contract_at_the_slower_rate() -> None:
    service = a_service()
    outcome = decided(service, breached(service, rate=10.0, recent_rate=90.0))
    assert outcome.migration is None
    assert outcome.degraded is not None
    assert outcome.degraded.reason is Reason.WAITING_OUT_SPIKE
    assert outcome.again_after is not None


def test_a_rate_within_the_plan_is_no_burst() -> None:
    service = a_service()
    assert decided(service, breached(service, rate=2.0, recent_rate=10.0)).migration is not None


@pytest.mark.parametrize(
    ("record", "reason", "again_after"),
    [
        pytest.param({"ago": 60.0}, Reason.COOLING_DOWN, 240.0, id="it moved a minute ago"),
        pytest.param(
            {"ago": 60.0, "result": "RolledBack", "reason": "ContractNotVerified"},
            Reason.ROLLED_BACK,
            240.0,
            id="it came back",
        ),
        pytest.param({"ago": 301.0}, None, None, id="it moved a while ago"),
    ],
)
def test_a_service_rests_after_a_move(record: dict[str, Any], reason: Reason | None, again_after: float | None) -> None:
    service = moved(a_service(), **record)
    outcome = decided(service, breached(service))
    assert (outcome.degraded and outcome.degraded.reason) == reason
    assert outcome.again_after == again_after
    assert (outcome.migration is None) is (reason is not None)


def test_a_service_moves_so_often_in_an_hour_and_no_more() -> None:
    service = a_service()
    for number in range(4):
        service = moved(service, 3000.0 - 600 * number, id=number + 1, source="gnb-5", to="gnb-6")
    outcome = decided(service, breached(service))
    assert outcome.degraded is not None
    assert outcome.degraded.reason is Reason.RATE_LIMITED
    assert outcome.again_after == 600.0


def test_a_budget_of_none_moves_nothing() -> None:
    service = a_service(migration={"maxPerHour": 0})
    outcome = decided(service, breached(service))
    assert outcome.degraded is not None
    assert outcome.degraded.reason is Reason.RATE_LIMITED


@pytest.mark.parametrize(
    ("record", "moves"),
    [
        pytest.param({"source": "gnb-8", "to": "gnb-7"}, False, id="the node that was left for a breach"),
        pytest.param({"source": "gnb-8", "to": "gnb-7", "ago": 3601.0}, True, id="the same, more than an hour ago"),
        pytest.param(
            {"source": "gnb-8", "to": "gnb-7", "trigger": "NodeCordoned"}, True, id="a node that was left for an order"
        ),
        pytest.param(
            {"source": "gnb-7", "to": "gnb-8", "result": "RolledBack", "reason": "ContractNotVerified"},
            False,
            id="a node from which the new copy came back",
        ),
    ],
)
def test_nobody_returns_to_a_node_that_failed_within_the_hour(record: dict[str, Any], *, moves: bool) -> None:
    service = moved(a_service(), **({"ago": 900.0} | record))
    assert (decided(service, breached(service)).migration is not None) is moves


def test_as_many_services_move_at_once_as_the_administrator_allows() -> None:
    service = a_service()
    outcome = decided(service, replace(breached(service), may_start=False))
    assert outcome.migration is None
    assert outcome.again_after == 1.0
    assert reconcile(service, replace(breached(service), may_start=False), NOON).status is not None


def test_a_degraded_condition_of_before_lends_its_words_only_to_the_same_reason() -> None:
    service = a_service(migration={"maxPerHour": 0})
    before = Condition(
        type="Degraded", status="True", reason="CoolingDown", message="old", last_transition_time=timestamp(NOON)
    )
    service = service.model_copy(update={"status": service.status.model_copy(update={"conditions": [before]})})
    outcome = decided(service, breached(service))
    assert outcome.degraded is not None
    assert outcome.degraded.message == "spec.migration.maxPerHour is 0"
