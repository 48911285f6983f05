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


def told_of(service: AIService, snapshot: Snapshot) -> AIService:
    """Return ``service`` once a person was asked about what would be done now."""
    plan = place(service, snapshot, NOON).plan
    assert plan is not None
    return service.model_copy(update={"status": service.status.model_copy(update={"plan": plan})})


def approved(service: AIService) -> AIService:
    """Return ``service`` once a person has approved its plan."""
    plan = service.status.plan
    assert plan is not None
    metadata = service.metadata.model_copy(update={"annotations": {APPROVE: plan.token or ""}})
    return service.model_copy(update={"metadata": metadata})


def test_one_approval_lets_all_nodes_of_a_proposal_go_on() -> None:
    snapshot = a_snapshot(HOME, NEXT)
    service = told_of(asking(a_cpu_service(6), "Place"), snapshot)
    assert all(name in place(service, snapshot, NOON).verdict.message for name in ("gnb-7", "gnb-8"))
    outcome = place(approved(service), snapshot, NOON)
    assert sum(count for _, count in nodes_of(outcome)) == 6
    assert outcome.shortfall == 0


def test_a_proposed_node_that_takes_only_a_part_by_now_is_proposed_anew_with_others() -> None:
    service = told_of(asking(a_cpu_service(4), "Place"), a_snapshot(HOME))
    small = [a_node(f"worker-{name}", allocatable={"cpu": 16.0, "memory": 1e12, "pods": 110.0}) for name in NAMES]
    snapshot = a_snapshot(HOME, NEXT, nodes=small)
    outcome = place(approved(service), snapshot, NOON)
    assert outcome.verdict.reason is Reason.AWAITING_APPROVAL
    assert nodes_of(place(approved(told_of(service, snapshot)), snapshot, NOON)) == [("gnb-7", 2), ("gnb-8", 2)]


def test_replicas_without_a_place_are_told_when_a_proposal_of_several_nodes_is_approved() -> None:
    snapshot = a_snapshot(HOME, NEXT)
    service = approved(told_of(asking(a_cpu_service(9), "Place"), snapshot))
    outcome = place(service, snapshot, NOON)
    assert sum(count for _, count in nodes_of(outcome)) == 8
    assert outcome.shortfall == 1


NAMES = ("gnb-7", "gnb-8")
FAST_PHONE = {"count": 1, "peakFlops": "900T", "watts": 1}


def test_offloading_is_decided_for_the_first_copy_and_further_ones_only_follow() -> None:
    service = a_spread_service(2, load=LIGHT, offload="Auto", ue=FAST_PHONE)
    snapshot = a_world_of(service, HOME, EDGE, nodes=[READY[0], a_node("worker-edge-1")])
    beside = select(a_cpu_service(1, load=LIGHT), snapshot.table.besides({"gnb-7"}), snapshot.policy)
    assert gate(service, snapshot, beside, ()).local, "the phone alone would be faster"
    outcome = gate(service, snapshot, beside, service.status.placements)
    assert nodes_of(outcome) == [("gnb-7", 2), ("edge-1", 1)]


def asking(service: AIService, *steps: str) -> AIService:
    """Return ``service`` with a user who wants to be asked at ``steps``."""
    autonomy: dict[str, Any] = {"level": "Partial", "approvalSteps": list(steps)}
    return changed_autonomy(service, autonomy)
