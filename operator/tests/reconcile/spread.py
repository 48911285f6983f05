"""Services in several copies, and worlds in which they hold what they were promised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from aif.api.aiservice import AIService
from aif.api.aiservice_status import Placement
from aif.api.computenode import ComputeNode
from aif.domain.cluster import Node, Pod
from aif.reconcile.holding import held
from aif.reconcile.moving.state import destination
from aif.reconcile.outcome import Outcome
from aif.reconcile.placing import place
from aif.reconcile.snapshot import Snapshot
from aif.scheduling.ledger import Ledger
from aif.scheduling.node_table import NodeTable
from tests.builders import NOON, a_compute_node, a_node, an_aiservice
from tests.reconcile.scenes import a_placement, a_snapshot

HOME, NEXT = a_compute_node("gnb-7"), a_compute_node("gnb-8")
READY = (a_node("worker-gnb-7"), a_node("worker-gnb-8"))


def a_world_of(
    service: AIService,
    *compute_nodes: ComputeNode,
    nodes: Iterable[Node] = READY,
    pods: Iterable[Pod] = (),
    **overrides: Any,
) -> Snapshot:
    """Return a world of these nodes, two where none is named, in which ``service`` holds what it was promised."""
    rows = compute_nodes or (HOME, NEXT)
    snapshot = a_snapshot(*rows, nodes=nodes, pods=pods, **overrides)
    ledger = Ledger()
    for claim in held(service, snapshot.table, snapshot.policy):
        ledger.restore(claim)
    table = NodeTable.build(rows, snapshot.nodes, list(pods), ledger, NOON)
    return replace(snapshot, table=table, claims=ledger.claims_of(service.metadata.uid))


def upheld(service: AIService, *compute_nodes: ComputeNode, **world: Any) -> Outcome:
    """Return what is decided about a placed service that holds what it was promised."""
    return place(service, a_world_of(service, *compute_nodes, **world), NOON)


def nodes_of(outcome: Outcome) -> list[tuple[str, int]]:
    """Return where the replicas are, or are on their way to, and how many."""
    there = destination(outcome.placements, outcome.migration)
    return [(placement.node, placement.replicas) for placement in there]


def a_cpu_service(replicas: int, cores: int = 8, **spec: Any) -> AIService:
    """Return a service on the CPU, so that several replicas fit a node."""
    return an_aiservice(
        workload={"image": "plates:1", "replicas": replicas, "resources": {"cpu": cores, "memory": "1Gi"}},
        variants=[{"name": "cpu"}],
        qos={},
        **spec,
    )


def a_spread_service(*replicas: int, **spec: Any) -> AIService:
    """Return a service on gnb-7, gnb-8, … with so many replicas on each."""
    service = a_cpu_service(sum(replicas), **spec)
    placements = [
        a_placement(service, f"gnb-{7 + place}", variant="cpu", replicas=count, score=90 - place)
        for place, count in enumerate(replicas)
    ]
    return with_placements(service, placements)


def with_placements(service: AIService, placements: list[Placement]) -> AIService:
    """Return ``service`` as it is once it has been placed so for its present spec."""
    update = {"placements": placements, "decided_generation": service.metadata.generation}
    return service.model_copy(update={"status": service.status.model_copy(update=update)})


def as_manifest(service: AIService) -> dict[str, Any]:
    """Return the fields of a CPU service as a manifest gives them."""
    spec = service.spec.to_dict()
    return {"workload": spec["workload"], "load": spec["load"], "variants": [{"name": "cpu"}], "qos": {}}


def changed_autonomy(service: AIService, autonomy: dict[str, Any]) -> AIService:
    """Return ``service`` with another say of its user."""
    spec = {**service.spec.to_dict(), "autonomy": autonomy}
    return AIService.model_validate({**service.to_dict(), "spec": spec})
