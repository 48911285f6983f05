"""Which ComputeNode speaks for which Node."""

from __future__ import annotations

from collections.abc import Iterable

from aif.api.computenode import ComputeNode

TRUSTED = "net4ai.node-restriction.kubernetes.io"
"""Label prefix that a kubelet cannot set on its own Node, so that trust may rest on it."""

TIER_LABEL = f"{TRUSTED}/tier"
SECURITY_LABEL = f"{TRUSTED}/security-level"
REGISTERED_BY = "net4ai.io/registered-by"


def speakers(nodes: Iterable[ComputeNode]) -> dict[str, str]:
    """Return, per Node name, the ComputeNode that speaks for it: the oldest, by name where two are equally old."""
    claims = ((node.spec.node_name, node) for node in nodes if node.spec.node_name)
    eldest_first = sorted(claims, key=lambda claim: _seniority(claim[1]))
    return {node_name: node.metadata.name for node_name, node in reversed(eldest_first)}


def accepted(nodes: Iterable[ComputeNode]) -> list[ComputeNode]:
    """Return ``nodes`` without those whose Node an older one speaks for."""
    listed = list(nodes)
    speaker = speakers(listed)
    return [n for n in listed if not n.spec.node_name or speaker[n.spec.node_name] == n.metadata.name]


def _seniority(node: ComputeNode) -> tuple[str, str]:
    created = node.metadata.creation_timestamp
    return (created.isoformat() if created else "9999", node.metadata.name)
