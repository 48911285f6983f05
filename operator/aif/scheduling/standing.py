"""Whether a node may serve anybody at all: accepted, verified, joined, ready, not cordoned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aif.api.computenode import ComputeNode, Origin
from aif.api.conditions import Condition, Reason
from aif.domain.cluster import Node

REASONS: Final = tuple(Reason)
FREE: Final = -1
"""Code of a node that nothing keeps from serving."""

HARD_EFFECTS: Final = frozenset({"NoSchedule", "NoExecute"})
"""Taint effects that keep pods off a node, rather than make it less liked."""


_RETURNING: Final[Mapping[str, Reason]] = {
    "node.kubernetes.io/not-ready": Reason.NODE_NOT_READY,
    "node.kubernetes.io/unreachable": Reason.NODE_UNREACHABLE,
}
"""Taints that a Node bears while it is lost, and for a moment longer: what runs there tolerates them meanwhile."""


def bar(compute_node: ComputeNode, node: Node | None) -> int:
    """Return the place in ``REASONS`` of what keeps the node from serving anybody; ``FREE`` where nothing does."""
    reason = _bar(compute_node, node)
    return FREE if reason is None else REASONS.index(reason)


def _bar(compute_node: ComputeNode, node: Node | None) -> Reason | None:
    if (reason := _unaccepted(compute_node) or _unverified(compute_node)) is not None:
        return reason
    if node is None:
        return Reason.NODE_NOT_JOINED
    if node.ready != "True":
        return Reason.NODE_NOT_READY if node.ready == "False" else Reason.NODE_UNREACHABLE
    if (returning := next((taint.key for taint in node.taints if taint.key in _RETURNING), None)) is not None:
        return _RETURNING[returning]
    return Reason.NODE_CORDONED if node.unschedulable or compute_node.metadata.deletion_timestamp else None


def _unaccepted(compute_node: ComputeNode) -> Reason | None:
    accepted = condition(compute_node, "Accepted")
    return _reason(accepted, Reason.INVALID_SPEC) if accepted and accepted.status == "False" else None


def _unverified(compute_node: ComputeNode) -> Reason | None:
    """Return why an external node is not trusted: until it says Verified, it is not (NEF check of [AIF])."""
    verified = condition(compute_node, "Verified")
    if verified is None:
        return None if compute_node.spec.origin is Origin.IN_NETWORK else Reason.VERIFICATION_PENDING
    trusted = verified.status == "True" or (
        verified.status == "Unknown" and compute_node.spec.origin is Origin.IN_NETWORK
    )
    return None if trusted else _reason(verified, Reason.VERIFICATION_PENDING)


def condition(compute_node: ComputeNode, name: str) -> Condition | None:
    """Return the condition of that type; None where it was never judged."""
    return next((condition for condition in compute_node.status.conditions if condition.type == name), None)


def _reason(told: Condition, otherwise: Reason) -> Reason:
    return Reason(told.reason) if told.reason in REASONS else otherwise
