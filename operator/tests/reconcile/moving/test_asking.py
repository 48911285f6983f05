"""What a person or a better node does to a service that could stay, and who may act."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aif.api.aiservice import AIService
from aif.contract.alarms import Phase as Alarm
from aif.domain.annotations import MIGRATE_TO
from aif.reconcile.aiservice import reconcile
from aif.reconcile.approval import APPROVE
from aif.reconcile.outcome import Outcome
from aif.reconcile.placing import place
from aif.reconcile.snapshot import Snapshot
from tests.builders import NOON, a_compute_node, a_link
from tests.reconcile.moving.moves import a_service, annotated, breached, moving, there, under_way, world
from tests.reconcile.spread import HOME, NEXT

FAR = a_compute_node("gnb-8", links=[a_link(rttMicroseconds=90_000)])


def decided(service: AIService, snapshot: Snapshot) -> Outcome:
    return place(service, snapshot, NOON)


def asked(value: str, **spec: Any) -> AIService:
    return annotated(a_service(**spec), **{MIGRATE_TO: value})


@pytest.mark.parametrize("value", ["gnb-8", "gnb-8#again", "any", "any#1"])
def test_a_person_moves_a_service(value: str) -> None:
    service = asked(value)
    outcome = decided(service, replace(breached(service), judged=None))
    move = under_way(outcome)
    assert (move.trigger, move.request_token) == ("Requested", value)
    assert move.targets[0].node == "gnb-8"
    assert outcome.handled == {"last_handled_migrate_to": value}


def test_a_request_is_answered_once() -> None:
    service = asked("gnb-8#1")
    status = service.status.model_copy(update={"last_handled_migrate_to": "gnb-8#1"})
    service = service.model_copy(update={"status": status})
    assert decided(service, replace(breached(service), judged=None)).migration is None


@pytest.mark.parametrize(
    ("value", "why"),
    [
        pytest.param("gnb-9", "No ComputeNode gnb-9", id="a node that there is not"),
        pytest.param("gnb-7", "gnb-7 serves already", id="the node that serves"),
        pytest.param("gnb-8", "latency short by", id="a node that misses a hard limit"),
        pytest.param("any", "latency short by", id="any, and none fits"),
    ],
)
def test_a_request_that_cannot_be_is_refused_with_its_reason(value: str, why: str) -> None:
    service = asked(value)
    decision = reconcile(service, replace(breached(service, HOME, FAR), judged=None), NOON)
    assert decision.status is not None
    (condition,) = [each for each in decision.status.conditions if each.type == "Migrating"]
    assert (condition.status, condition.reason) == ("False", "MigrationForbidden")
    assert why in condition.message
    assert decision.status.last_handled_migrate_to == value
    again = service.model_copy(update={"status": decision.status})
    assert reconcile(again, replace(breached(again, HOME, FAR), judged=None), NOON).actions == ()


def test_a_request_waits_for_the_move_that_is_under_way() -> None:
    service = annotated(moving(), **{MIGRATE_TO: "gnb-9"})
    outcome = decided(service, world(service))
    assert outcome.migration is not None
    assert outcome.handled == {}


# The contract on who acts


@pytest.mark.parametrize(
    "autonomy",
    [
        pytest.param({"level": "Manual"}, id="manual"),
        pytest.param({"level": "Partial", "approvalSteps": ["Migrate"]}, id="partial"),
    ],
)
def test_a_move_for_the_contract_waits_for_a_person_while_the_service_serves(autonomy: dict[str, Any]) -> None:
    service = a_service(autonomy=autonomy)
    first = reconcile(service, breached(service), NOON)
    status = first.status
    assert status is not None
    assert status.plan is not None
    assert (status.plan.node, status.plan.waits_for) == ("gnb-8", ["Migrate"])
    told_conditions = {each.type: (each.status, each.reason) for each in status.conditions}
    assert told_conditions["ApprovalRequired"] == ("True", "AwaitingApproval")
    assert told_conditions["Placed"] == ("True", "AsExpected")
    again = service.model_copy(update={"status": status})
    assert reconcile(again, breached(again), NOON).actions == ()
    approved = annotated(again, **{APPROVE: status.plan.token or ""})
    assert under_way(decided(approved, breached(approved))).targets == [
        there(service).model_copy(update={**_predicted(approved)})
    ]


def _proposed(service: AIService) -> AIService:
    status = reconcile(service, breached(service), NOON).status
    assert status is not None
    return service.model_copy(update={"status": status})


def test_a_proposal_lapses_once_the_contract_is_kept_again() -> None:
    service = _proposed(a_service(autonomy={"level": "Manual"}))
    kept = reconcile(service, breached(service, value=0.005), NOON)
    status = kept.status
    assert status is not None
    assert status.plan is not None
    assert (status.plan.token, status.plan.node, status.plan.waits_for) == (None, "gnb-7", [])
    assert status.plan.parts[0].where == "gnb-7"
    told_conditions = {each.type: each.status for each in status.conditions}
    assert told_conditions["ApprovalRequired"] == "False"


def test_a_proposal_stands_while_its_alarm_is_raised() -> None:
    service = _proposed(a_service(autonomy={"level": "Manual"}))
    clearing = breached(service, value=0.019, phase=Alarm.RAISED)
    status = reconcile(service, clearing, NOON).status
    assert status is not None
    assert status.plan == service.status.plan


def _predicted(service: AIService) -> dict[str, Any]:
    target = under_way(decided(service, breached(service))).targets[0]
    names = (
        "predicted_latency_microseconds",
        "predicted_network_microseconds",
        "predicted_millijoules_per_request",
        "score",
    )
    return {name: getattr(target, name) for name in names}


def test_a_person_who_names_the_node_has_approved_it() -> None:
    service = asked("gnb-8", autonomy={"level": "Manual"})
    assert under_way(decided(service, replace(breached(service), judged=None))).trigger == "Requested"


# A better node

EDGE = a_compute_node("gnb-8", tier="Edge")


@pytest.mark.parametrize(
    ("spec", "moves"),
    [
        pytest.param({"migration": {"rebalance": True}}, True, id="where it is on"),
        pytest.param({}, False, id="where nobody turned it on"),
        pytest.param({"migration": {"rebalance": True, "minImprovementPercent": 100}}, False, id="too small a gain"),
    ],
)
def test_a_better_node_is_taken(spec: dict[str, Any], *, moves: bool) -> None:
    service = a_service(**spec)
    slow = a_compute_node("gnb-7", links=[a_link(rttMicroseconds=9_000)])
    snapshot = replace(breached(service, slow, NEXT), judged=())
    outcome = decided(service, snapshot)
    assert (outcome.migration is not None) is moves
    if moves:
        assert under_way(outcome).trigger == "Rebalance"
