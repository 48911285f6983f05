"""The node table, kept up to date change by change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from aif.api.computenode import ComputeNode
from aif.domain.cluster import Node, Pod
from aif.domain.registry import accepted
from aif.scheduling.ledger import Claim, Ledger
from aif.scheduling.node_table import NodeTable


class Fleet:
    """All ComputeNodes, from which a table is made at any time; only what changed since the last one is counted anew.

    It listens to the ledger by itself; all other changes it has to be told.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._compute_nodes: dict[str, ComputeNode] = {}
        self._nodes: dict[str, Node] = {}
        self._pods: dict[str, tuple[Pod, ...]] = {}
        ledger.listen(self.update_claims)

    def update_compute_node(self, name: str, compute_node: ComputeNode | None) -> None:
        """Take note that the ComputeNode ``name`` is now as given; None where it is gone or cannot be read."""
        self._compute_nodes.pop(name, None)
        if compute_node is not None:
            self._compute_nodes[name] = compute_node

    def update_node(self, name: str, node: Node | None) -> None:
        """Take note that the Node ``name`` is now as given; None where it is gone."""
        self._nodes.pop(name, None)
        if node is not None:
            self._nodes[name] = node

    def update_pods(self, node_name: str, pods: Iterable[Pod]) -> None:
        """Take note that ``pods`` are now all that are bound to the Node ``node_name``."""
        self._pods[node_name] = tuple(pods)

    def update_claims(self, claims: Iterable[Claim]) -> None:
        """Take note that ``claims`` came or went; the ledger tells it."""

    def table(self, now: datetime | None = None) -> NodeTable:
        """Return the table as of ``now``; it stays as it is whatever changes later."""
        pods = [pod for pods in self._pods.values() for pod in pods]
        return NodeTable.build(accepted(self._compute_nodes.values()), self._nodes, pods, self._ledger, now)
