"""Compute management registers the network's own nodes from what Kubernetes knows of them ([AIF])."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from aif.api.base import API_VERSION, FIELD_MANAGER, Level, Tier
from aif.api.computenode import CPU, ComputeNode, Origin
from aif.domain import events
from aif.domain.actions import Action, Apply, Delete
from aif.domain.cluster import Node, ObjectReference
from aif.domain.registry import REGISTERED_BY, SECURITY_LABEL, TIER_LABEL
from aif.planning.catalogue import accelerator, cpu_estimate
from aif.reconcile.children import covers
from aif.reconcile.copies import Json

PRODUCT_LABELS = {"nvidia.com/gpu": "nvidia.com/gpu.product", "amd.com/gpu": "amd.com/gpu.product-name"}
"""Where the vendors' feature discovery names the product of an accelerator."""


def register(node: Node, known: ComputeNode | None) -> list[Action]:
    """Return what makes the ComputeNode of ``node`` say what the Node says.

    The operator applies capability, tier and place only: links, price or location that a person applies to the same
    object stay theirs. A ComputeNode that the operator did not register is never touched.
    """
    if known is not None and not is_registered(known):
        return []
    if TIER_LABEL not in node.labels:
        return [] if known is None else [_delete(known)]
    try:
        intent = computenode(node)
    except ValueError as error:
        return [events.unregistrable(node_reference(node), "InvalidSpec", str(error))] if known is None else []
    if known is not None and covers(known.to_dict(), {"spec": intent["spec"]}):
        return []
    announcement = [] if known else [events.registered(node_reference(node), node.labels[TIER_LABEL])]
    return [Apply(intent, known=known is not None), *announcement]


def is_registered(node: ComputeNode) -> bool:
    """Tell whether the operator made this ComputeNode; a person who removes the label takes it over."""
    return node.metadata.labels.get(REGISTERED_BY) == FIELD_MANAGER


def computenode(node: Node) -> Json:
    """Return the ComputeNode for a Node that opted in by its tier label.

    Raises:
        ValueError: The label names no tier, or no security level.
    """
    return {
        "apiVersion": API_VERSION,
        "kind": "ComputeNode",
        "metadata": {
            "name": node.name,
            "labels": {REGISTERED_BY: FIELD_MANAGER},
            "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": node.name, "uid": node.uid}],
        },
        "spec": {
            "tier": _one_of(Tier, node, TIER_LABEL),
            "origin": Origin.IN_NETWORK.value,
            "nodeName": node.name,
            "securityLevel": _one_of(Level, node, SECURITY_LABEL) if SECURITY_LABEL in node.labels else Level.LOW.value,
            "capability": {"devices": list(_devices(node))},
        },
    }


def _one_of(levels: type[Tier | Level], node: Node, label: str) -> str:
    value = node.labels[label]
    if value not in list(levels):
        raise ValueError(f"label {label} is {value!r}: set it to one of {', '.join(levels)}")
    return value


def _devices(node: Node) -> Iterator[Json]:
    cores = node.allocatable.get("cpu", 0.0)
    estimate = cpu_estimate(cores).to_dict()
    yield estimate | {"name": CPU, "type": CPU, "count": max(1, int(cores)), "memory": _whole(node, "memory")}
    for resource, amount in sorted(node.allocatable.items()):
        if "/" in resource and amount >= 1 and not resource.startswith("hugepages-"):
            yield _accelerators(node, resource, int(amount))


def _accelerators(node: Node, resource: str, count: int) -> Json:
    product = node.labels.get(PRODUCT_LABELS.get(resource, ""), "")
    figures = accelerator(product)
    name = resource.replace("/", "-").replace(".", "-").lower()[:63].strip("-")
    known = figures.to_dict() if figures is not None else {"model": product} if product else {}
    return known | {"name": name, "type": resource, "count": count}


def _whole(node: Node, resource: str) -> str:
    return str(Decimal(int(max(1.0, node.allocatable.get(resource, 1.0)))))


def _delete(known: ComputeNode) -> Delete:
    meta = known.metadata
    return Delete(ObjectReference(API_VERSION, "ComputeNode", "", meta.name, meta.uid), meta.resource_version)


def node_reference(node: Node) -> ObjectReference:
    """Return the identity of a Kubernetes Node."""
    return ObjectReference("v1", "Node", "", node.name, node.uid)
