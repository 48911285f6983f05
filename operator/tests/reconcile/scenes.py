"""Scenes for decisions: a service, the nodes around it, and what exists of it already."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any, Final

from aif.api.aiservice import AIService
from aif.api.aiservice_status import Placement
from aif.api.computenode import ComputeNode
from aif.domain.actions import Action, Apply, Delete, Emit, MakeCertificates, WriteStatus
from aif.domain.cluster import COPY_LABEL, SERVICE_LABEL, Child, Node, ObjectReference, Pod, ServiceView
from aif.domain.policy import Policy
from aif.reconcile.children import disruption_budget, front
from aif.reconcile.copies import copy_id, deployment
from aif.reconcile.placing import place
from aif.reconcile.report import report
from aif.reconcile.snapshot import Snapshot
from aif.scheduling.ledger import Ledger
from aif.scheduling.node_table import NodeTable
from tests.builders import GIB, NOON, a_compute_node, a_node, a_pod, an_aiservice

HOME: Final = "gnb-7"


def a_snapshot(
    *compute_nodes: ComputeNode,
    nodes: Iterable[Node] | None = None,
    pods: Iterable[Pod] = (),
    ledger: Ledger | None = None,
    **overrides: Any,
) -> Snapshot:
    """Return a world of these ComputeNodes (the default one where none is named), each with a ready Node."""
    rows = compute_nodes or (a_compute_node(HOME),)
    joined = [_node_of(row) for row in rows] if nodes is None else list(nodes)
    by_name = {node.name: node for node in joined}
    table = NodeTable.build(rows, by_name, list(pods), ledger or Ledger(), NOON)
    return Snapshot(**{"table": table, "nodes": by_name, **overrides})


def _node_of(row: ComputeNode) -> Node:
    counts = {device.type: float(device.count) for device in row.spec.capability.devices}
    return a_node(row.spec.node_name or "", allocatable={"memory": 128 * GIB, "pods": 110.0, **counts})


def a_placement(service: AIService, node: str = HOME, **overrides: Any) -> Placement:
    """Return the placement of ``service`` in its first variant on the Node behind ``node``."""
    variant = service.variants[0]
    fields = {
        "node": node,
        "node_name": f"worker-{node}",
        "tier": "RAN",
        "variant": variant.name,
        "replicas": 1,
        "score": 88,
        "copy_id": copy_id(service, f"worker-{node}", variant),
    }
    return Placement(**{**fields, **overrides})


def placed(service: AIService, placement: Placement | None = None, **status: Any) -> AIService:
    """Return ``service`` as it is once it has been placed for its present spec."""
    update = {
        "placements": [placement or a_placement(service)],
        "decided_generation": service.metadata.generation,
        **status,
    }
    return service.model_copy(update={"status": service.status.model_copy(update=update)})


def changed(service: AIService, **spec: Any) -> AIService:
    """Return ``service`` after its user changed its spec; fields as in a manifest."""
    fresh = an_aiservice(service.metadata.name, namespace=service.metadata.namespace, **spec)
    meta = service.metadata.model_copy(update={"generation": service.metadata.generation + 1})
    return fresh.model_copy(update={"metadata": meta, "status": service.status})


def copy_of(service: AIService, placement: Placement | None = None, **fields: Any) -> Child:
    """Return the Deployment of a copy as the API server shows it."""
    place = placement or a_placement(service)
    return a_child(deployment(service, place, service.variants[0], place.node_name, Policy()), **fields)


def a_child(body: Mapping[str, Any], **overrides: Any) -> Child:
    """Return ``body`` as it is seen once it exists; ``None`` for ``owner_uid`` takes the owner's uid."""
    meta = body["metadata"]
    reference = ObjectReference(
        body["apiVersion"], body["kind"], meta["namespace"], meta["name"], f"uid-{meta['name']}"
    )
    fields = {
        "reference": reference,
        "resource_version": "7",
        "owner_uid": meta["ownerReferences"][0]["uid"],
        "labels": meta["labels"],
        "body": copy.deepcopy(dict(body)),
    }
    return Child(**{**fields, **overrides})


def a_copys_pod(child: Child, **overrides: Any) -> Pod:
    """Return a ready pod of the copy that ``child`` is the Deployment of."""
    labels = child.labels
    own = {"service": labels[SERVICE_LABEL], "copy": labels[COPY_LABEL], "namespace": child.reference.namespace}
    return a_pod(f"{child.reference.name}-0", **{**own, **overrides})


def a_view(*children: Child, pods: Iterable[Pod] = (), ready_endpoints: int | None = None) -> ServiceView:
    """Return what exists of a service; without a number, every ready pod is an endpoint."""
    listed = tuple(pods)
    answering = sum(pod.ready for pod in listed) if ready_endpoints is None else ready_endpoints
    return ServiceView(children, listed, answering)


def said(actions: Iterable[Action]) -> list[str]:
    """Return actions in a few words, in order."""
    return [_said(action) for action in actions]


def _said(action: Action) -> str:
    match action:
        case Apply(body):
            return f"apply {body['kind']} {body['metadata']['name']}"
        case Delete(target):
            return f"delete {target.kind} {target.name}"
        case WriteStatus(target):
            return f"status {target.kind} {target.name}"
        case Emit():
            return f"event {action.reason}"
        case MakeCertificates(body):
            return f"create {body['kind']} {body['metadata']['name']}"


def settled(
    service: AIService,
    *compute_nodes: ComputeNode,
    changed_to: AIService | None = None,
    pod: Mapping[str, Any] | None = None,
) -> tuple[AIService, Snapshot]:
    """Return ``service`` as it is once it runs with one ready replica, and the world around it.

    With ``changed_to`` its user has changed the spec since; ``pod`` overrides fields of its one pod.
    """
    rows = compute_nodes or (a_compute_node(HOME),)
    empty = a_snapshot(*rows)
    outcome = place(service, empty, NOON)
    assert outcome.placements, outcome.verdict.message
    (placement,), (claim,) = outcome.placements, outcome.claims
    ledger = Ledger()
    assert ledger.settle(service.metadata.uid, outcome.claims, empty.nodes, ()) is None
    child = copy_of(service, placement)
    bound = {"node": placement.node_name, "requests": claim.resources}
    running = a_copys_pod(child, **{**bound, **(pod or {})})
    shared = [a_child(front(service)), a_child(disruption_budget(service, placement.replicas))]
    view = a_view(child, *shared, pods=[running])
    world = a_snapshot(*rows, pods=[running], ledger=ledger, claims=outcome.claims, view=view)
    status = report(service, world, outcome, NOON)
    return (changed_to or service).model_copy(update={"status": status}), world
