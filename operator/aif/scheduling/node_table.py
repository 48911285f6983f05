"""All ComputeNodes as columns of figures, so that a decision is arithmetic on arrays and no walk over objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

import numpy as np

from aif.api.base import Tier
from aif.api.computenode import CPU, ComputeNode, Origin
from aif.domain.cluster import Node, Pod
from aif.planning.arrays import BoolArray, FloatArray, IntArray
from aif.planning.demands import Demand
from aif.planning.kpi import Servers
from aif.planning.paths import Network
from aif.scheduling.devices import DeviceColumns, device_columns, no_devices
from aif.scheduling.ledger import Claim, Ledger
from aif.scheduling.room import Room
from aif.scheduling.standing import HARD_EFFECTS, bar, condition
from aif.scheduling.usage import usage_by_node

TIERS = tuple(Tier)


@dataclass(frozen=True, slots=True, eq=False)
class NodeTable:
    """n ComputeNodes, a row each; a figure that nobody gave is NaN, never zero.

    Attributes:
        names: ComputeNodes.
        node_names: The Nodes behind them; empty where not joined.
        rank: Place of each name in alphabetical order, which settles ties.
        considered: Rows that a decision looks at.
        tiers: Place of the tier in ``TIERS``.
        external: Whether the node belongs to somebody else.
        security: Rank of the security level, 0 lowest.
        bars: Place in ``REASONS`` of what keeps the node from serving anybody, or ``FREE``.
        stale: Whether telemetry of the node is known to be stale.
        taints: Which nodes bear a taint that keeps pods off, per taint key.
        labels: Rows of the Nodes that carry a label, per key and value.
        devices: Columns per device type.
        room: What is allocatable and what is free.
        lost: Which Nodes are not ready or not reachable, whatever else keeps them from serving.
        ready_seconds: For how long the Node has been ready.
        price: Currency units per device and hour.
        carbon: Grams of CO2 equivalent per kWh.
        network: Links between users and nodes.
    """

    names: tuple[str, ...]
    node_names: tuple[str, ...]
    rank: IntArray
    considered: BoolArray
    tiers: IntArray
    external: BoolArray
    security: IntArray
    bars: IntArray
    stale: BoolArray
    taints: Mapping[str, BoolArray]
    labels: Mapping[tuple[str, str], list[int]]
    devices: Mapping[str, DeviceColumns]
    room: Room
    lost: BoolArray
    ready_seconds: FloatArray
    price: FloatArray
    carbon: FloatArray
    network: Network

    @classmethod
    def build(
        cls,
        compute_nodes: Iterable[ComputeNode],
        nodes: Mapping[str, Node],
        pods: Iterable[Pod],
        ledger: Ledger,
        now: datetime | None = None,
    ) -> Self:
        """Return the table of ``compute_nodes`` in their order.

        Args:
            compute_nodes: The rows; at most one for each Node.
            nodes: Nodes by name.
            pods: All pods that have not ended, ours or not.
            ledger: What is promised.
            now: The time, from which it follows how long a Node has been ready; without it nobody knows.
        """
        rows = tuple(compute_nodes)
        joined = [nodes.get(row.spec.node_name or "") for row in rows]
        names = tuple(row.metadata.name for row in rows)
        efficiency = np.array([_efficiency(row) for row in rows], dtype=np.float64)
        return cls(
            names=names,
            node_names=tuple("" if node is None else node.name for node in joined),
            rank=np.argsort(np.argsort(np.array(names, dtype=np.str_))),
            considered=np.ones(len(rows), dtype=np.bool_),
            tiers=np.array([TIERS.index(row.spec.tier) for row in rows], dtype=np.int64),
            external=np.array([row.spec.origin is Origin.EXTERNAL for row in rows], dtype=np.bool_),
            security=np.array([row.spec.security_level.rank for row in rows], dtype=np.int64),
            bars=np.array([bar(row, node) for row, node in zip(rows, joined, strict=True)], dtype=np.int64),
            stale=np.array([_stale(row) for row in rows], dtype=np.bool_),
            taints=_taints(joined),
            labels=_labels(joined),
            devices=device_columns(rows, efficiency),
            room=Room.of(names, joined, usage_by_node(pods), ledger),
            lost=np.array([node is not None and node.ready != "True" for node in joined], dtype=np.bool_),
            ready_seconds=np.array([_ready_seconds(node, now) for node in joined], dtype=np.float64),
            price=np.array([_price(row) for row in rows], dtype=np.float64),
            carbon=_optional([row.spec.carbon_grams_per_kwh for row in rows]),
            network=Network(rows),
        )

    def __len__(self) -> int:
        return len(self.names)

    def only(self, names: Collection[str]) -> Self:
        """Return the table of which a decision looks at ``names`` alone."""
        return replace(self, considered=self.considered & self._named(names))

    def besides(self, names: Collection[str]) -> Self:
        """Return the table of which a decision does not look at ``names``."""
        return replace(self, considered=self.considered & ~self._named(names))

    def without(self, claims: Iterable[Claim]) -> Self:
        """Return the table as if what ``claims`` hold, and the pods that use them, were gone."""
        gone = tuple(claims)
        return replace(self, room=self.room.without(gone)) if gone else self

    def holding(self, claims: Iterable[Claim]) -> Self:
        """Return the table as if ``claims`` were held too."""
        come = tuple(claims)
        return replace(self, room=self.room.holding(come)) if come else self

    def settled(self) -> Self:
        """Return the table as if pods of our services that no claim names, old copies on their way out, were gone.

        So it is judged whether a placement may stay: what leaves is no reason to move.
        """
        return replace(self, room=self.room.settled()) if self.room.leaving else self

    def lost_share(self, tier: Tier) -> tuple[int, int]:
        """Return how many Nodes of ``tier`` are not ready or not reachable, and how many there are."""
        joined = self.of_tiers({tier}) & self.joined
        return int(np.count_nonzero(joined & self.lost)), int(np.count_nonzero(joined))

    @property
    def joined(self) -> BoolArray:
        """Return which rows have a Node."""
        return np.array([name != "" for name in self.node_names], dtype=np.bool_)

    def _named(self, names: Collection[str]) -> BoolArray:
        mask = np.zeros(len(self), dtype=np.bool_)
        mask[[row for name in names if (row := self.room.rows.get(name)) is not None]] = True
        return mask

    def of_tiers(self, tiers: Collection[Tier]) -> BoolArray:
        """Return which nodes stand in one of ``tiers``."""
        return np.array([tier in tiers for tier in TIERS])[self.tiers]

    def device(self, type_: str) -> DeviceColumns:
        """Return the columns of a device type, all unknown where no node has it."""
        return self.devices.get(type_) or no_devices(len(self))

    def servers(self, demand: Demand) -> Servers:
        """Return what computes one request: a device, or the share of the CPU that the cores of a replica are."""
        device = self.device(demand.device)
        share = np.minimum(1.0, demand.cores / device.count) if demand.device == CPU else np.ones(len(self))
        return Servers(share * device.peak[demand.precision], share * device.bandwidth, share * device.watts)

    def carrying(self, labels: Mapping[str, str]) -> BoolArray:
        """Return which Nodes carry all of ``labels``."""
        mask = np.ones(len(self), dtype=np.bool_)
        for label in labels.items():
            carriers = np.zeros(len(self), dtype=np.bool_)
            carriers[self.labels.get(label, [])] = True
            mask &= carriers
        return mask

    def repelling(self, tolerated: Collection[str]) -> BoolArray:
        """Return which Nodes bear a taint whose key is not tolerated."""
        mask = np.zeros(len(self), dtype=np.bool_)
        for key, bearers in self.taints.items():
            if key not in tolerated:
                mask |= bearers
        return mask


def _efficiency(node: ComputeNode) -> float:
    observed = node.status.observed
    return 1.0 if observed is None or observed.efficiency_percent is None else observed.efficiency_percent / 100


def _stale(node: ComputeNode) -> bool:
    fresh = condition(node, "TelemetryFresh")
    return fresh is not None and fresh.status == "False"


def _taints(nodes: Sequence[Node | None]) -> dict[str, BoolArray]:
    bearers: defaultdict[str, BoolArray] = defaultdict(lambda: np.zeros(len(nodes), dtype=np.bool_))
    for row, node in enumerate(nodes):
        for taint in node.taints if node else ():
            if taint.effect in HARD_EFFECTS:
                bearers[taint.key][row] = True
    return dict(bearers)


def _labels(nodes: Sequence[Node | None]) -> dict[tuple[str, str], list[int]]:
    carriers: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for row, node in enumerate(nodes):
        for label in node.labels.items() if node else ():
            carriers[label].append(row)
    return dict(carriers)


def _ready_seconds(node: Node | None, now: datetime | None) -> float:
    if node is None or node.ready_since is None or now is None:
        return float("nan")
    return max(0.0, (now - node.ready_since).total_seconds())


def _price(node: ComputeNode) -> float:
    return float("nan") if node.spec.price is None else node.spec.price.micro_units_per_device_hour / 1e6


def _optional(figures: Sequence[float | None]) -> FloatArray:
    return np.array([np.nan if figure is None else figure for figure in figures], dtype=np.float64)
