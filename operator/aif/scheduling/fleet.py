"""The node table, kept up to date change by change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import numpy as np

from aif.api.computenode import ComputeNode
from aif.domain.cluster import Node, Pod
from aif.domain.registry import accepted
from aif.planning.arrays import IntArray
from aif.planning.paths import Network
from aif.scheduling.ledger import Claim, Ledger
from aif.scheduling.node_table import NodeTable
from aif.scheduling.room import Room
from aif.scheduling.usage import Usage, usage_by_node

Value = TypeVar("Value")


class Fleet:
    """All ComputeNodes, from which a table is made at any time; only what changed since the last one is counted anew.

    It listens to the ledger by itself; all other changes it has to be told. Telling is cheap, and many changes of a
    node are counted once.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._compute_nodes: dict[str, ComputeNode] = {}
        self._nodes: dict[str, Node] = {}
        self._pods: dict[str, tuple[Pod, ...]] = {}
        self._usage: dict[str, Usage] = {}
        self._table = NodeTable.build((), {}, (), ledger)
        self._row_of_host: dict[str, str] = {}
        self._arrange = False
        self._relink = False
        self._facts: set[str] = set()
        self._counts: set[str] = set()
        ledger.listen(self.update_claims)

    def update_compute_node(self, name: str, compute_node: ComputeNode | None) -> None:
        """Take note that the ComputeNode ``name`` is now as given; None where it is gone or cannot be read."""
        before = self._compute_nodes.get(name)
        _put(self._compute_nodes, name, compute_node)
        if _place(before) != _place(compute_node):
            self._arrange = True
        if before is None or compute_node is None or before.spec.links != compute_node.spec.links:
            self._relink = True
        self._facts.add(name)

    def update_node(self, name: str, node: Node | None) -> None:
        """Take note that the Node ``name`` is now as given; None where it is gone."""
        before = self._nodes.get(name)
        _put(self._nodes, name, node)
        if before != node and name in self._row_of_host:
            self._facts.add(self._row_of_host[name])

    def update_pods(self, node_name: str, pods: Iterable[Pod]) -> None:
        """Take note that ``pods`` are now all that are bound to the Node ``node_name``."""
        self._pods[node_name] = tuple(pods)
        if node_name in self._row_of_host:
            self._counts.add(self._row_of_host[node_name])

    def update_claims(self, claims: Iterable[Claim]) -> None:
        """Take note that ``claims`` came or went; the ledger tells it."""
        for claim in claims:
            self._counts.update((claim.node, claim.site, self._row_of_host.get(claim.node_name, "")))

    def table(self, now: datetime | None = None) -> NodeTable:
        """Return the table as of ``now``; it stays as it is whatever changes later."""
        for name, pods in self._pods.items():
            _put(self._usage, name, usage_by_node(pods).get(name))
        self._pods.clear()
        if self._arrange:
            self._rearrange()
        if self._facts or self._relink:
            self._refresh()
        if self._counts:
            self._recount()
        return self._table.at(now)

    def _rearrange(self) -> None:
        """Give every ComputeNode that speaks for its Node a row; the order does not matter."""
        self._arrange = False
        rows = accepted(self._compute_nodes.values())
        names = tuple(row.metadata.name for row in rows)
        self._row_of_host = {row.spec.node_name: row.metadata.name for row in rows if row.spec.node_name}
        known = self._table.room.rows
        new = {name for name in names if name not in known}
        if len(new) > len(known):
            self._table = NodeTable.of(rows, self._nodes, self._usage, self._ledger)
            self._facts, self._counts, self._relink = set(), set(), False
        else:
            order = np.array([known.get(name, 0) for name in names], dtype=np.int64)
            self._table = self._table.arranged(order, names, self._table.network)
            self._facts, self._relink = self._facts | new, True

    def _refresh(self) -> None:
        """Build the rows anew whose ComputeNode or Node changed."""
        table = self._table
        names = [name for name in self._facts if name in table.room.rows]
        rows = [self._compute_nodes[name] for name in names]
        part = NodeTable.of(rows, self._nodes, self._usage, self._ledger)
        linked = Network([self._compute_nodes[name] for name in table.names]) if self._relink else table.network
        self._table = table.patched(_rows(table, names), part, linked)
        self._counts.difference_update(names)
        self._facts, self._relink = set(), False

    def _recount(self) -> None:
        """Count anew what is free on the rows whose pods or claims changed."""
        table = self._table
        names = [name for name in self._counts if name in table.room.rows]
        hosts = [table.hosts[table.room.rows[name]] for name in names]
        part = Room.of(names, hosts, self._usage, self._ledger)
        self._table = replace(table, room=table.room.patched(_rows(table, names), part))
        self._counts = set()


def _put(known: dict[str, Value], name: str, value: Value | None) -> None:
    if value is None:
        known.pop(name, None)
    else:
        known[name] = value


def _rows(table: NodeTable, names: list[str]) -> IntArray:
    return np.array([table.room.rows[name] for name in names], dtype=np.int64)


def _place(node: ComputeNode | None) -> object:
    """Return what decides whether and for which Node a ComputeNode has a row."""
    return None if node is None else (node.spec.node_name, node.metadata.creation_timestamp)
