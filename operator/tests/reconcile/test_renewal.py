"""A changed template of a service in several copies: each is replaced, none goes before another can serve."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.api.conditions import Reason
from aif.domain.cluster import Pod
from aif.reconcile.holding import held
from aif.reconcile.outcome import Outcome
from aif.reconcile.placing import place
from aif.reconcile.rollout import rollout
from tests.builders import NOON, a_compute_node, a_node
from tests.reconcile.scenes import a_copys_pod, a_snapshot, a_view, changed, copy_of, said
from tests.reconcile.spread import READY, a_spread_service, a_world_of, as_manifest, nodes_of

LIGHT = {"requestsPerSecond": 1}
THIRD = a_compute_node("gnb-9")
THREE_READY = (*READY, a_node("worker-gnb-9"))


def renewed(service: AIService, cores: int = 8, **spec: Any) -> AIService:
    """Return ``service`` with another image."""
    fields = as_manifest(service)
    workload = {**fields["workload"], "image": "plates:2", "resources": {"cpu": cores, "memory": "1Gi"}}
    return changed(service, **{**fields, "workload": workload} | spec)


def running(service: AIService, *, ready: bool = True) -> list[Pod]:
    """Return a pod per copy, which requests all that the copy holds."""
    claims = {claim.copy: claim for claim in held(service, a_world_of(service).table, a_world_of(service).policy)}
    return [
        a_copys_pod(
            copy_of(service, placement),
            node=placement.node_name,
            ready=ready,
            requests=claims[placement.copy_id].resources,
            uid=placement.copy_id,
        )
        for placement in service.status.placements
    ]


def decided(old: AIService, new: AIService, *rows: ComputeNode, pods: Iterable[Pod] | None = None) -> Outcome:
    """Return what is decided about ``new`` while ``old`` runs."""
    listed = running(old) if pods is None else list(pods)
    nodes = THREE_READY if THIRD in rows else READY
    world = a_world_of(old, *rows, nodes=nodes, pods=listed, view=a_view(pods=listed))
    return place(new, world, NOON)


def test_all_copies_are_renewed_where_they_stand_while_there_is_room_beside_them() -> None:
    old = a_spread_service(2, 2, load=LIGHT)
    new = renewed(old, cores=2)
    outcome = decided(old, new)
    assert {node for node, _ in nodes_of(outcome)} <= {"gnb-7", "gnb-8"}
    assert sum(count for _, count in nodes_of(outcome)) == 4
    assert outcome.migration is not None
    before = {placement.copy_id for placement in old.status.placements}
    fresh = {placement.copy_id for placement in outcome.migration.targets}
    assert not before & fresh
    assert outcome.placements == tuple(old.status.placements), "what serves is placed until the new copies take over"
    assert {claim.copy for claim in outcome.claims} == before | fresh, "both ends are held"


def test_without_room_beside_them_the_old_copies_serve_on_and_keep_what_they_hold() -> None:
    old = a_spread_service(3, 3, load=LIGHT)
    new = renewed(old)
    outcome = decided(old, new)
    assert (outcome.verdict.status, outcome.verdict.reason) == ("False", Reason.NO_SURGE_CAPACITY)
    assert nodes_of(outcome) == [("gnb-7", 3), ("gnb-8", 3)]
    assert {claim.copy for claim in outcome.claims} == {placement.copy_id for placement in old.status.placements}
    assert "the copy on gnb-7, gnb-8 serves on" in outcome.verdict.message


@pytest.mark.parametrize(
    ("spec", "ready"),
    [
        pytest.param({"update": "Recreate"}, True, id="the user says so"),
        pytest.param({}, False, id="none of them answers"),
    ],
)
def test_the_room_of_old_copies_is_used_again_where_they_need_not_be_waited_for(
    spec: dict[str, Any], *, ready: bool
) -> None:
    old = a_spread_service(3, 3, load=LIGHT)
    outcome = decided(old, renewed(old, **spec), pods=running(old, ready=ready))
    assert outcome.verdict.status == "True"
    assert sum(count for _, count in nodes_of(outcome)) == 6


def test_a_new_template_goes_elsewhere_where_its_nodes_are_full() -> None:
    old = a_spread_service(3, load=LIGHT)
    outcome = decided(old, renewed(old), a_compute_node("gnb-7"), THIRD)
    assert nodes_of(outcome) == [("gnb-9", 3)]


def test_the_old_copies_go_when_all_new_ones_are_ready_and_not_one_by_one() -> None:
    old = a_spread_service(2, 2, load=LIGHT)
    new = renewed(old, cores=2)
    moves = decided(old, new).migration
    assert moves is not None
    placements = moves.targets
    fresh = [copy_of(new, placement) for placement in placements]
    stale = [copy_of(old, placement) for placement in old.status.placements]
    replicas = [
        a_copys_pod(child, uid=f"{child.reference.name}-{number}")
        for child, placement in zip(fresh, placements, strict=True)
        for number in range(placement.replicas)
    ]
    for pods, gone in ((replicas[:-1], 0), (replicas, 2)):
        view = a_view(*fresh, *stale, pods=[*running(old), *pods])
        steps = said(rollout(new, placements, a_snapshot(view=view)))
        assert len([step for step in steps if step.startswith("delete Deployment")]) == gone


def test_a_service_that_was_short_of_replicas_is_renewed_with_as_many_as_it_had() -> None:
    old = a_spread_service(1, load=LIGHT)
    wanted = as_manifest(a_spread_service(9, load=LIGHT))
    new = renewed(old, workload={**wanted["workload"], "image": "plates:2"})
    outcome = decided(old, new)
    assert outcome.verdict.status == "True"
    assert sum(count for _, count in nodes_of(outcome)) == 7
    assert outcome.shortfall == 2
