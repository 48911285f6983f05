"""What is free on n nodes: the resources of Kubernetes, and compute rate and links as a second layer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from aif.domain.cluster import Node
from aif.planning.arrays import FloatArray
from aif.planning.demands import PODS
from aif.scheduling.ledger import Claim, Ledger, covered, uncovered
from aif.scheduling.usage import Usage, added


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """Amounts on n nodes.

    Attributes:
        rows: Row of each ComputeNode.
        usage: Requests of bound pods, by Node.
        allocatable: What the Node offers, per resource; 0 where it does not list it, as Kubernetes counts.
        free: Of that, what neither a pod nor a claim takes; below zero where more is taken than allocatable.
        busy: Share of the node's devices that claims keep busy, per device type.
        up_held, down_held: bit/s that claims hold on the link between the users and the node.
    """

    rows: Mapping[str, int]
    usage: Mapping[str, Usage]
    allocatable: Mapping[str, FloatArray]
    free: Mapping[str, FloatArray]
    busy: Mapping[str, FloatArray]
    up_held: FloatArray
    down_held: FloatArray

    @classmethod
    def of(cls, names: Sequence[str], nodes: Sequence[Node | None], usage: Mapping[str, Usage], ledger: Ledger) -> Self:
        """Return the room on the ComputeNodes ``names`` with their ``nodes``, None where not joined."""
        allocatable = [{} if node is None else {PODS: np.inf, **node.allocatable} for node in nodes]
        free = [{} if node is None else ledger.free(node, usage.get(node.name, Usage())) for node in nodes]
        room = cls(
            rows={name: row for row, name in enumerate(names)},
            usage=usage,
            allocatable=_columns(allocatable),
            free=_columns(free),
            busy={},
            up_held=np.zeros(len(names)),
            down_held=np.zeros(len(names)),
        )
        return room.shifted(ledger.claims, +1.0)

    def allocatable_of(self, resource: str) -> FloatArray:
        """Return what each node offers of ``resource``."""
        return self.allocatable.get(resource, np.zeros(len(self.rows)))

    def free_of(self, resource: str) -> FloatArray:
        """Return what is free of ``resource`` on each node."""
        return self.free.get(resource, np.zeros(len(self.rows)))

    def busy_of(self, device: str) -> FloatArray:
        """Return the share of the devices of that type that claims keep busy."""
        return self.busy.get(device, np.zeros(len(self.rows)))

    def without(self, claim: Claim) -> Self:
        """Return the room as if what ``claim`` holds, and the pods that use it, were gone."""
        if claim.node not in self.rows:
            return self.shifted([claim], -1.0)
        usage, row = self.usage.get(claim.node_name, Usage()), self.rows[claim.node]
        returned = added(covered(claim, usage), uncovered(claim, usage))
        free = {resource: _plus(column, row, returned.get(resource, 0.0)) for resource, column in self.free.items()}
        return replace(self, free=free).shifted([claim], -1.0)

    def shifted(self, claims: Iterable[Claim], sign: float) -> Self:
        """Return the room with compute rate and links of ``claims`` taken (+1) or given back (-1)."""
        busy = defaultdict(
            lambda: np.zeros(len(self.rows)), {type_: column.copy() for type_, column in self.busy.items()}
        )
        up, down = self.up_held.copy(), self.down_held.copy()
        for claim in claims:
            if (row := self.rows.get(claim.node)) is not None:
                busy[claim.device][row] += sign * claim.utilisation
            if (row := self.rows.get(claim.site)) is not None:
                up[row] += sign * claim.up_bits_per_second
                down[row] += sign * claim.down_bits_per_second
        return replace(self, busy=dict(busy), up_held=up, down_held=down)


def _columns(amounts: Sequence[Mapping[str, float]]) -> dict[str, FloatArray]:
    resources = {resource for row in amounts for resource in row}
    return {resource: np.array([row.get(resource, 0.0) for row in amounts], dtype=np.float64) for resource in resources}


def _plus(column: FloatArray, row: int, amount: float) -> FloatArray:
    changed = column.copy()
    changed[row] += amount
    return changed
