"""Tables of ComputeNodes whose Nodes are ready and empty, unless a test says otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.domain.cluster import Node, Pod
from aif.domain.policy import Policy
from aif.scheduling.cycle import select
from aif.scheduling.ledger import Claim, Ledger
from aif.scheduling.node_table import NodeTable
from aif.scheduling.selection import Selection
from tests.builders import a_compute_node, a_node

POLICY = Policy()


def the_nodes(compute_nodes: Iterable[ComputeNode], **overrides: Any) -> dict[str, Node]:
    """Return a ready Node behind each of ``compute_nodes``."""
    names = [node.spec.node_name for node in compute_nodes if node.spec.node_name]
    return {name: a_node(name, **overrides) for name in names}


def a_table(
    *compute_nodes: ComputeNode,
    nodes: Mapping[str, Node] | None = None,
    pods: Iterable[Pod] = (),
    claims: Iterable[Claim] = (),
    now: datetime | None = None,
) -> NodeTable:
    """Return the table of ``compute_nodes``, one radio site where none is given."""
    rows = compute_nodes or (a_compute_node(),)
    known = {**the_nodes(rows), **(nodes or {})}
    ledger = Ledger()
    for claim in claims:
        assert ledger.settle(claim.owner, [*ledger.claims_of(claim.owner), claim], known, ()) is None
    return NodeTable.build(rows, known, tuple(pods), ledger, now)


def selected(service: AIService, *compute_nodes: ComputeNode, policy: Policy = POLICY, **table: Any) -> Selection:
    """Return the selection for ``service`` among ``compute_nodes``."""
    return select(service, a_table(*compute_nodes, **table), policy)


def a_claim(owner: str = "uid-other", **overrides: Any) -> Claim:
    """Return a claim of another service on the default node: one accelerator, four cores."""
    defaults: dict[str, Any] = {
        "namespace": "default",
        "service": f"service-of-{owner}",
        "node": "gnb-7",
        "node_name": "worker-gnb-7",
        "resources": {"cpu": 4.0, "nvidia.com/gpu": 1.0},
    }
    return Claim(owner=owner, **{**defaults, **overrides})
