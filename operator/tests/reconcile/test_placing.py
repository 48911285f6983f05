"""Where a service runs: what is kept, what is chosen anew, and what holds a choice back."""

from __future__ import annotations

from typing import Any

import pytest

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.api.conditions import Reason
from aif.reconcile.approval import APPROVE
from aif.reconcile.moving.state import destination
from aif.reconcile.outcome import Outcome
from aif.reconcile.placing import place
from aif.reconcile.snapshot import Snapshot
from tests.builders import A100, CPU_32, GPU_VARIANT, NOON, a_compute_node, a_device, a_link, an_aiservice
from tests.reconcile.scenes import a_snapshot, changed, settled
from tests.reconcile.spread import nodes_of

FAR = [a_link(rttMicroseconds=40_000)]
NEAR = a_compute_node("gnb-7")
EDGE = a_compute_node("edge-1", tier="Edge", links=[a_link(rttMicroseconds=4_000)])
CLOUD = a_compute_node("cloud-1", tier="Cloud", links=FAR, devices=[a_device(count=8), CPU_32])
TWO_GPUS = a_compute_node("gnb-7", devices=[{**A100, "count": 2}, CPU_32])
SLOW = {"latency": {"maxP99Microseconds": 200_000}}
NEW_IMAGE = {"workload": {"image": "plates:2", "resources": {"cpu": 2, "memory": "4Gi"}}}


def node_of(outcome: Outcome) -> str:
    return ", ".join(node for node, _ in nodes_of(outcome))


def decided(service: AIService, snapshot: Snapshot) -> Outcome:
    return place(service, snapshot, NOON)


def the_copy(outcome: Outcome) -> str:
    (placement,) = destination(outcome.placements, outcome.migration)
    return placement.copy_id


def told(outcome: Outcome) -> tuple[str, Reason]:
    return outcome.verdict.status, outcome.verdict.reason


def test_the_radio_site_is_tried_first_and_the_claim_names_the_copy() -> None:
    outcome = decided(an_aiservice(), a_snapshot(EDGE, NEAR))
    assert node_of(outcome) == "gnb-7"
    assert [(claim.node, claim.copy) for claim in outcome.claims] == [("gnb-7", the_copy(outcome))]


def test_without_a_node_that_fits_the_limit_is_told() -> None:
    outcome = decided(an_aiservice(), a_snapshot(CLOUD))
    assert told(outcome) == ("False", Reason.LATENCY_INFEASIBLE)
    assert (outcome.placements, outcome.claims) == ((), ())
    assert "cloud-1" in outcome.verdict.message


def test_a_placement_stays_while_its_spec_does_also_where_a_better_node_comes() -> None:
    service, _ = settled(an_aiservice(), EDGE)
    _, world = settled(an_aiservice(), EDGE)
    richer = a_snapshot(EDGE, NEAR, claims=world.claims, view=world.view)
    outcome = decided(service, richer)
    assert (node_of(outcome), outcome.selection) == ("edge-1", None)
    assert outcome.claims == world.claims


def test_a_placement_on_a_node_that_is_gone_is_chosen_anew() -> None:
    service, world = settled(an_aiservice(), NEAR)
    assert node_of(decided(service, a_snapshot(EDGE, claims=world.claims))) == "edge-1"


def test_a_wider_contract_keeps_copy_and_node() -> None:
    old = an_aiservice()
    service, world = settled(old, NEAR, EDGE, changed_to=changed(old, qos=SLOW))
    outcome = decided(service, world)
    assert the_copy(outcome) == service.status.placements[0].copy_id


def test_a_target_that_the_node_misses_moves_the_service() -> None:
    old = an_aiservice(qos=SLOW)
    service, world = settled(old, CLOUD, changed_to=changed(old, qos={"latency": {"maxP99Microseconds": 20_000}}))
    both = a_snapshot(CLOUD, NEAR, claims=world.claims, view=world.view)
    assert node_of(decided(service, both)) == "gnb-7"


def test_a_new_copy_needs_room_beside_the_one_that_serves() -> None:
    old = an_aiservice()
    service, world = settled(old, NEAR, changed_to=changed(old, **NEW_IMAGE))
    outcome = decided(service, world)
    assert told(outcome) == ("False", Reason.NO_SURGE_CAPACITY)
    assert (node_of(outcome), outcome.claims) == ("gnb-7", world.claims)
    assert "serves on" in outcome.verdict.message


@pytest.mark.parametrize(
    ("node", "spec", "pod"),
    [
        pytest.param(TWO_GPUS, {}, {}, id="with a second accelerator"),
        pytest.param(NEAR, {"update": "Recreate"}, {}, id="with Recreate"),
        pytest.param(NEAR, {}, {"ready": False}, id="where the old copy answers nobody"),
    ],
)
def test_a_new_copy_comes_to_the_same_node_where_there_is_room(
    node: ComputeNode, spec: dict[str, Any], pod: dict[str, Any]
) -> None:
    old = an_aiservice()
    service, world = settled(old, node, changed_to=changed(old, **NEW_IMAGE, **spec), pod=pod)
    outcome = decided(service, world)
    assert told(outcome) == ("True", Reason.AS_EXPECTED)
    assert the_copy(outcome) != service.status.placements[0].copy_id
    assert node_of(outcome) == "gnb-7"


def test_a_new_copy_goes_elsewhere_where_its_node_is_full() -> None:
    old = an_aiservice()
    service, world = settled(old, NEAR, EDGE, changed_to=changed(old, **NEW_IMAGE))
    assert node_of(decided(service, world)) == "edge-1"


def test_a_change_that_nothing_satisfies_leaves_the_copy_and_tells_the_limit() -> None:
    old = an_aiservice()
    service, world = settled(old, NEAR, changed_to=changed(old, qos={"latency": {"maxP99Microseconds": 500}}))
    outcome = decided(service, world)
    assert told(outcome) == ("False", Reason.LATENCY_INFEASIBLE)
    assert (node_of(outcome), outcome.claims) == ("gnb-7", world.claims)


def test_more_replicas_than_fit_leave_those_that_serve_and_are_told_as_missing() -> None:
    old = an_aiservice()
    three = {"workload": {"image": "plates:1.4", "replicas": 3, "resources": {"cpu": 2, "memory": "4Gi"}}}
    service, world = settled(old, NEAR, changed_to=changed(old, **three))
    outcome = decided(service, world)
    assert (outcome.placements, outcome.claims) == (tuple(service.status.placements), world.claims)
    assert told(outcome) == ("True", Reason.AS_EXPECTED)
    assert outcome.shortfall == 2
    assert outcome.degraded is not None
    assert outcome.degraded.message.startswith("2 of 3 replicas find no place: ")


MANUAL: dict[str, Any] = {"autonomy": {"level": "Manual"}}


def asking(*steps: str) -> dict[str, Any]:
    return {"autonomy": {"level": "Partial", "approvalSteps": list(steps)}}


@pytest.mark.parametrize(
    ("spec", "node", "waits_for"),
    [
        pytest.param({}, NEAR, [], id="full autonomy"),
        pytest.param(MANUAL, NEAR, ["Place"], id="none"),
        pytest.param(asking("Place"), NEAR, ["Place"], id="at placing"),
        pytest.param(asking("Migrate"), NEAR, [], id="at moving, and this is the first place"),
        pytest.param(asking("RiseTier"), NEAR, [], id="at rising, and this is the lowest tier"),
        pytest.param(asking("RiseTier"), EDGE, ["RiseTier"], id="at rising to the edge"),
    ],
)
def test_a_choice_waits_at_the_steps_that_the_user_named(
    spec: dict[str, Any], node: ComputeNode, waits_for: list[str]
) -> None:
    outcome = decided(an_aiservice(**spec), a_snapshot(node))
    assert outcome.plan is not None
    assert outcome.plan.waits_for == waits_for
    assert told(outcome)[1] is (Reason.AWAITING_APPROVAL if waits_for else Reason.AS_EXPECTED)
    assert bool(outcome.placements) is not bool(waits_for)


def approved(service: AIService, token: str | None) -> AIService:
    meta = service.metadata.model_copy(update={"annotations": {APPROVE: token or ""}})
    return service.model_copy(update={"metadata": meta})


def test_the_token_of_the_plan_lets_it_go_on() -> None:
    service, world = an_aiservice(**MANUAL), a_snapshot(NEAR)
    plan = decided(service, world).plan
    assert plan is not None
    assert node_of(decided(approved(service, plan.token), world)) == "gnb-7"


@pytest.mark.parametrize("token", ["", "yes", "0" * 8])
def test_another_token_approves_nothing(token: str) -> None:
    assert decided(approved(an_aiservice(**MANUAL), token), a_snapshot(NEAR)).placements == ()


def test_an_approval_holds_for_its_spec_only() -> None:
    service, world = an_aiservice(**MANUAL), a_snapshot(NEAR)
    plan = decided(service, world).plan
    assert plan is not None
    later = approved(changed(service, **MANUAL, **NEW_IMAGE), plan.token)
    assert decided(later, world).placements == ()


def test_a_move_that_waits_for_approval_leaves_the_copy_that_serves() -> None:
    old = an_aiservice(**asking("Migrate"), qos=SLOW)
    now = changed(old, **asking("Migrate"), qos={"latency": {"maxP99Microseconds": 20_000}})
    service, world = settled(old, CLOUD, changed_to=now)
    outcome = decided(service, a_snapshot(CLOUD, NEAR, claims=world.claims, view=world.view))
    assert told(outcome) == ("False", Reason.AWAITING_APPROVAL)
    assert (node_of(outcome), outcome.claims) == ("cloud-1", world.claims)


UE = {"count": 1, "peakFlops": "100T", "watts": 10}


def test_offload_local_deploys_nothing() -> None:
    outcome = decided(an_aiservice(offload="Local", ue=UE), a_snapshot(NEAR))
    assert outcome.local
    assert told(outcome) == ("True", Reason.SERVED_LOCALLY)
    assert (outcome.placements, outcome.claims) == ((), ())


@pytest.mark.parametrize(
    ("flops", "local"), [pytest.param("100T", True, id="strong devices"), pytest.param("1G", False, id="weak devices")]
)
def test_offload_auto_lets_the_roofline_decide(flops: str, *, local: bool) -> None:
    outcome = decided(an_aiservice(offload="Auto", ue={**UE, "peakFlops": flops}), a_snapshot(NEAR))
    assert outcome.local is local


def test_a_variant_that_is_no_longer_named_is_left_once_another_is_ready() -> None:
    old = an_aiservice(variants=[GPU_VARIANT])
    service, world = settled(old, TWO_GPUS, changed_to=changed(old, variants=[{**GPU_VARIANT, "name": "other"}]))
    outcome = decided(service, world)
    there = destination(outcome.placements, outcome.migration)
    assert [placement.variant for placement in there] == ["other"]
