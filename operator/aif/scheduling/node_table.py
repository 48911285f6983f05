"""All ComputeNodes as columns of figures, so that a decision is arithmetic on arrays and no walk over objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Self

import numpy as np

from aif.api.base import Tier
from aif.api.computenode import ComputeNode, Origin
from aif.domain.cluster import Node, Pod
from aif.planning.arrays import BoolArray, FloatArray, IntArray
from aif.planning.demands import Demand
from aif.planning.kpi.request import Servers
from aif.planning.paths import Network
from aif.scheduling.devices import DeviceColumns, device_columns, no_devices
from aif.scheduling.ledger import Claim, Ledger
from aif.scheduling.patching import arranged, patched, patched_all, patched_row
from aif.scheduling.room import Room
from aif.scheduling.standing import HARD_EFFECTS, bar, condition
from aif.scheduling.usage import Usage, usage_by_node

TIERS = tuple(Tier)

_COLUMNS: Final = (
    "considered",
    "tiers",
    "external",
    "security",
    "bars",
    "stale",
    "lost",
    "ready_since",
    "ready_seconds",
    "price",
    "carbon",
)
"""Attributes of a table that are an array over its rows, and stand for each row by itself."""


@dataclass(frozen=True, slots=True, eq=False)
class NodeTable:
    """n ComputeNodes, a row each; a figure that nobody gave is NaN, never zero.

    Attributes:
        names, node_names: ComputeNodes, and the Nodes behind them; empty where not joined.
        rank: Place of each name in alphabetical order, which settles ties.
        considered: Rows that a decision looks at.
        tiers: Place of the tier in ``TIERS``.
        external: Whether the node belongs to somebody else.
        security: Rank of the security level, 0 lowest.
        bars: Place in ``REASONS`` of what keeps the node from serving anybody, or ``FREE``.
        stale: Whether telemetry of the node is known to be stale.
        taints: Which nodes bear a taint that keeps pods off, per taint key.
        hosts: The Nodes themselves; None where not joined.
        devices: Columns per device type.
        room: What is allocatable and what is free.
        lost: Which Nodes are not ready or not reachable, whatever else keeps them from serving.
        ready_since, ready_seconds: Since when the Node has been ready, in seconds of the epoch, and for how long.
        price, carbon: Currency units per device and hour; grams of CO2 equivalent per kWh.
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
    hosts: tuple[Node | None, ...]
    devices: Mapping[str, DeviceColumns]
    room: Room
    lost: BoolArray
    ready_since: FloatArray
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
        return cls.of(compute_nodes, nodes, usage_by_node(pods), ledger).at(now)

    @classmethod
    def of(
        cls, compute_nodes: Iterable[ComputeNode], nodes: Mapping[str, Node], usage: Mapping[str, Usage], ledger: Ledger
    ) -> Self:
        """Return the table of ``compute_nodes``, whose Nodes have pods that request ``usage``."""
        rows = tuple(compute_nodes)
        joined = [nodes.get(row.spec.node_name or "") for row in rows]
        names = tuple(row.metadata.name for row in rows)
        since = np.array([_ready_since(node) for node in joined], dtype=np.float64)
        return cls(
            names=names,
            node_names=tuple("" if node is None else node.name for node in joined),
            rank=_rank(names),
            considered=np.ones(len(rows), dtype=np.bool_),
            tiers=np.array([TIERS.index(row.spec.tier) for row in rows], dtype=np.int64),
            external=np.array([row.spec.origin is Origin.EXTERNAL for row in rows], dtype=np.bool_),
            security=np.array([row.spec.security_level.rank for row in rows], dtype=np.int64),
            bars=np.array([bar(row, node) for row, node in zip(rows, joined, strict=True)], dtype=np.int64),
            stale=np.array([_stale(row) for row in rows], dtype=np.bool_),
            taints=_taints(joined),
            hosts=tuple(joined),
            devices=device_columns(rows),
            room=Room.of(names, joined, usage, ledger),
            lost=np.array([node is not None and node.ready != "True" for node in joined], dtype=np.bool_),
            ready_since=since,
            ready_seconds=_ready_seconds(since, None),
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

    def declared(self) -> Self:
        """Return the table as the nodes declare themselves, whatever was measured of them."""
        return replace(self, devices={type_: columns.declared for type_, columns in self.devices.items()})

    def heard(self) -> Self:
        """Return the table as if telemetry of all nodes were fresh."""
        return replace(self, stale=np.zeros(len(self), dtype=np.bool_)) if self.stale.any() else self

    @property
    def joined(self) -> BoolArray:
        """Return which rows have a Node."""
        return np.array([name != "" for name in self.node_names], dtype=np.bool_)

    def _named(self, names: Collection[str]) -> BoolArray:
        mask = np.zeros(len(self), dtype=np.bool_)
        mask[[row for name in names if (row := self.room.rows.get(name)) is not None]] = True
        return mask

    def patched(self, at: IntArray, part: Self, network: Network) -> Self:
        """Return the table whose rows ``at`` are those of ``part``, over the links of ``network``."""
        node_names = patched_row(self.node_names, at, part.node_names)
        room = self.room.patched(at, part.room)
        columns: dict[str, Any] = {name: patched(getattr(self, name), at, getattr(part, name)) for name in _COLUMNS}
        if node_names != self.node_names:
            room = replace(room, hosts={name: row for row, name in enumerate(node_names) if name})
        return replace(
            self,
            node_names=node_names,
            hosts=patched_row(self.hosts, at, part.hosts),
            taints=patched_all(self.taints, at, part.taints, np.zeros(len(self), dtype=np.bool_)),
            devices=_patched_devices(self.devices, at, part.devices, len(self)),
            room=room,
            network=network,
            **columns,
        )

    def arranged(self, order: IntArray, names: tuple[str, ...], network: Network) -> Self:
        """Return the table with the rows ``order``, called ``names``, over the links of ``network``."""
        node_names = tuple(self.node_names[row] for row in order)
        columns: dict[str, Any] = {name: np.take(getattr(self, name), order) for name in _COLUMNS}
        return replace(
            self,
            names=names,
            node_names=node_names,
            rank=_rank(names),
            hosts=tuple(self.hosts[row] for row in order),
            taints=arranged(self.taints, order),
            devices={type_: device.arranged(order) for type_, device in self.devices.items()},
            room=self.room.arranged(order, names, node_names),
            network=network,
            **columns,
        )

    def at(self, now: datetime | None) -> Self:
        """Return the table as of ``now``."""
        return replace(self, ready_seconds=_ready_seconds(self.ready_since, now))

    def of_tiers(self, tiers: Collection[Tier]) -> BoolArray:
        """Return which nodes stand in one of ``tiers``."""
        return np.array([tier in tiers for tier in TIERS])[self.tiers]

    def device(self, type_: str) -> DeviceColumns:
        """Return the columns of a device type, all unknown where no node has it."""
        return self.devices.get(type_) or no_devices(len(self))

    def servers(self, demand: Demand) -> Servers:
        """Return what computes one request: a device, or the share of the CPU that the cores of a replica are."""
        return self.device(demand.device).servers(demand)

    def carrying(self, labels: Mapping[str, str]) -> BoolArray:
        """Return which Nodes carry all of ``labels``."""
        wanted = labels.items()
        return np.array([node is not None and wanted <= node.labels.items() for node in self.hosts], dtype=np.bool_)

    def repelling(self, tolerated: Collection[str]) -> BoolArray:
        """Return which Nodes bear a taint whose key is not tolerated."""
        mask = np.zeros(len(self), dtype=np.bool_)
        for key, bearers in self.taints.items():
            if key not in tolerated:
                mask |= bearers
        return mask


def _rank(names: Sequence[str]) -> IntArray:
    return np.argsort(np.argsort(np.array(names, dtype=np.str_)))


def _patched_devices(
    devices: Mapping[str, DeviceColumns], at: IntArray, part: Mapping[str, DeviceColumns], rows: int
) -> dict[str, DeviceColumns]:
    none, nothing = no_devices(rows), no_devices(len(at))
    types = dict.fromkeys((*devices, *part))
    return {type_: devices.get(type_, none).patched(at, part.get(type_, nothing)) for type_ in types}


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


def _ready_since(node: Node | None) -> float:
    return float("nan") if node is None or node.ready_since is None else node.ready_since.timestamp()


def _ready_seconds(since: FloatArray, now: datetime | None) -> FloatArray:
    return np.full(len(since), np.nan) if now is None else np.maximum(0.0, now.timestamp() - since)


def _price(node: ComputeNode) -> float:
    return float("nan") if node.spec.price is None else node.spec.price.micro_units_per_device_hour / 1e6


def _optional(figures: Sequence[float | None]) -> FloatArray:
    return np.array([np.nan if figure is None else figure for figure in figures], dtype=np.float64)
