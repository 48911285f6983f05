"""A choice of several nodes passes as a whole, or is held back as a whole."""

from __future__ import annotations

from typing import Any

from aif.api.aiservice import AIService
from aif.api.conditions import Reason
from aif.reconcile.approval import APPROVE
from aif.reconcile.gate import gate
from aif.reconcile.placing import place
from aif.reconcile.snapshot import Snapshot
from aif.scheduling.cycle import select
from aif.scheduling.selection import Selection
from tests.builders import NOON, a_compute_node, a_link, a_node
from tests.reconcile.scenes import a_snapshot
from tests.reconcile.spread import (
    HOME,
    NEXT,
    READY,
    a_cpu_service,
    a_spread_service,
    a_world_of,
    changed_autonomy,
    nodes_of,
)

LIGHT = {"requestsPerSecond": 1}
EDGE = a_compute_node("edge-1", tier="Edge", links=[a_link(rttMicroseconds=4_000)])


def chosen(service: AIService, snapshot: Snapshot) -> Selection:
    selection = select(service, snapshot.table.without(snapshot.claims), snapshot.policy)
    assert selection.chosen is not None
    return selection


def test_replicas_on_several_nodes_are_a_placement_and_a_claim_each() -> None:
    service, snapshot = a_cpu_service(6), a_snapshot(HOME, NEXT)
    outcome = gate(service, snapshot, chosen(service, snapshot), ())
    assert sum(count for _, count in nodes_of(outcome)) == 6
    assert len(outcome.placements) == 2
    assert [(claim.node, claim.copy) for claim in outcome.claims] == [
        (placement.node, placement.copy_id) for placement in outcome.placements
    ]
    assert len({placement.copy_id for placement in outcome.placements}) == 2
    assert outcome.verdict.status == "True"
    assert all(placement.node in outcome.verdict.message for placement in outcome.placements)
    assert outcome.degraded is None


def test_each_claim_is_of_the_replicas_of_its_node() -> None:
    service, snapshot = a_cpu_service(6, cores=8), a_snapshot(HOME, NEXT)
    outcome = gate(service, snapshot, chosen(service, snapshot), ())
    assert [claim.resources["cpu"] for claim in outcome.claims] == [8.0 * count for _, count in nodes_of(outcome)]


def test_replicas_without_a_place_are_told_as_degraded_and_the_rest_is_placed() -> None:
    service, snapshot = a_cpu_service(9), a_snapshot(HOME, NEXT)
    outcome = gate(service, snapshot, chosen(service, snapshot), ())
    assert outcome.verdict.status == "True"
    assert outcome.shortfall == 1
    assert outcome.degraded is not None
    assert (outcome.degraded.type, outcome.degraded.status) == ("Degraded", "True")
    assert outcome.degraded.message.startswith("1 of 9 replicas find no place: ")


def test_what_is_kept_comes_first_and_keeps_what_it_holds() -> None:
    service = a_spread_service(2, load=LIGHT)
    snapshot = a_world_of(service, HOME, EDGE, nodes=[READY[0], a_node("worker-edge-1")])
    more = a_cpu_service(1, load=LIGHT)
    beside = select(more, snapshot.table.besides({"gnb-7"}), snapshot.policy)
    outcome = gate(service, snapshot, beside, service.status.placements)
    assert nodes_of(outcome) == [("gnb-7", 2), ("edge-1", 1)]
    assert outcome.claims[0] == snapshot.claims[0]


def test_an_overflow_to_a_higher_tier_asks_as_any_rise_does() -> None:
    service, snapshot = asking(a_cpu_service(6), "RiseTier"), a_snapshot(HOME, EDGE)
    outcome = place(service, snapshot, NOON)
    assert outcome.verdict.reason is Reason.AWAITING_APPROVAL
    assert (outcome.placements, outcome.claims) == ((), ())
    assert outcome.plan is not None
    assert outcome.plan.waits_for == ["RiseTier"]


def test_a_proposal_stays_while_it_fits_although_a_better_node_comes() -> None:
    service = asking(a_cpu_service(1, load=LIGHT), "Place")
    plan = place(service, a_snapshot(NEXT), NOON).plan
    assert plan is not None
    told = service.model_copy(update={"status": service.status.model_copy(update={"plan": plan})})
    richer = a_compute_node("gnb-6", price={"microUnitsPerDeviceHour": 1})
    assert place(service, a_snapshot(NEXT, richer), NOON).plan != plan
    again = place(told, a_snapshot(NEXT, richer), NOON).plan
    assert again is not None
    assert (again.node, again.token) == (plan.node, plan.token)
    annotated = told.metadata.model_copy(update={"annotations": {APPROVE: plan.token or ""}})
    approved = told.model_copy(update={"metadata": annotated})
    assert nodes_of(place(approved, a_snapshot(NEXT, richer), NOON)) == [("gnb-8", 1)]


def asking(service: AIService, *steps: str) -> AIService:
    """Return ``service`` with a user who wants to be asked at ``steps``."""
    autonomy: dict[str, Any] = {"level": "Partial", "approvalSteps": list(steps)}
    return changed_autonomy(service, autonomy)
