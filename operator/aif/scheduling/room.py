"""What is free on n nodes: the resources of Kubernetes, and compute rate and links as a second layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from aif.domain.cluster import Node
from aif.planning.arrays import FloatArray, IntArray
from aif.planning.demands import PODS
from aif.scheduling.asking import Asked, Kind, copied, count, counted
from aif.scheduling.ledger import Claim, Ledger, free_of, uncovered
from aif.scheduling.patching import arranged, patched, patched_all
from aif.scheduling.usage import CopyKey, Usage, added

_NOBODY = Usage()


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """Amounts on n nodes.

    A room is a value: whoever changes one with `hold`, `release`, `drop` or `vacate` does so on a `copy` of their own.

    Attributes:
        rows: Row of each ComputeNode.
        hosts: Row of each Node.
        usage: Requests of the pods bound to each row's Node.
        claims: Claims on each row's Node.
        leaving: Copies on their way out, by row: those that a leaving claim names, or with bound pods that none names.
        allocatable: What the Node offers, per resource; 0 where it does not list it, as Kubernetes counts.
        free: Of that, what neither a pod nor a claim takes; below zero where more is taken than allocatable.
        busy: Share of the node's devices that claims keep busy, per device type.
        up_held, down_held: bit/s that claims hold on the link between the users and the node.
        asked: What the claims ask for of each kind of accelerator.
    """

    rows: Mapping[str, int]
    hosts: Mapping[str, int]
    usage: list[Usage]
    claims: list[tuple[Claim, ...]]
    leaving: dict[int, frozenset[CopyKey]]
    allocatable: Mapping[str, FloatArray]
    free: dict[str, FloatArray]
    busy: dict[str, FloatArray]
    up_held: FloatArray
    down_held: FloatArray
    asked: Asked

    @classmethod
    def of(cls, names: Sequence[str], nodes: Sequence[Node | None], usage: Mapping[str, Usage], ledger: Ledger) -> Self:
        """Return the room on the ComputeNodes ``names`` with their ``nodes``, None where not joined."""
        hosts = ["" if node is None else node.name for node in nodes]
        used = [usage.get(host, _NOBODY) for host in hosts]
        claims = [ledger.on_host(host) if host else () for host in hosts]
        free = [
            {} if node is None else free_of(node, bound, held)
            for node, bound, held in zip(nodes, used, claims, strict=True)
        ]
        leaving = {row: gone for row, bound in enumerate(used) if (gone := _leaving(bound, claims[row]))}
        traffic = [_traffic(ledger.at_site(name)) for name in names]
        return cls(
            rows={name: row for row, name in enumerate(names)},
            hosts={host: row for row, host in enumerate(hosts) if host},
            usage=used,
            claims=claims,
            leaving=leaving,
            allocatable=_columns([{} if node is None else {PODS: np.inf, **node.allocatable} for node in nodes]),
            free=_columns(free),
            busy=_columns([_busy(ledger.on_node(name)) for name in names]),
            up_held=np.array([up for up, _ in traffic], dtype=np.float64),
            down_held=np.array([down for _, down in traffic], dtype=np.float64),
            asked=counted(claim for held in claims for claim in held),
        )

    def allocatable_of(self, resource: str) -> FloatArray:
        """Return what each node offers of ``resource``."""
        return self.allocatable.get(resource, np.zeros(len(self.rows)))

    def free_of(self, resource: str) -> FloatArray:
        """Return what is free of ``resource`` on each node."""
        return self.free.get(resource, np.zeros(len(self.rows)))

    def busy_of(self, device: str) -> FloatArray:
        """Return the share of the devices of that type that claims keep busy."""
        return self.busy.get(device, np.zeros(len(self.rows)))

    def asked_of(self, device: str) -> Mapping[Kind, float]:
        """Return how many replicas of each kind ask for devices of that type."""
        return self.asked.get(device, {})

    def without(self, claims: Iterable[Claim]) -> Self:
        """Return the room as if what ``claims`` hold, and the pods that use them, were gone."""
        room = self.copy()
        for claim in claims:
            room.drop(claim)
        return room

    def holding(self, claims: Iterable[Claim]) -> Self:
        """Return the room as if ``claims`` were held too."""
        room = self.copy()
        for claim in claims:
            room.hold(claim)
        return room

    def settled(self) -> Self:
        """Return the room as if the copies on their way out were gone: those that no claim names, or a leaving one."""
        room = self.copy()
        for row, copies in self.leaving.items():
            for claim in self.claims[row]:
                if claim.leaving:
                    room.release(claim)
            for key in copies:
                room.vacate(row, key)
        room.leaving.clear()
        return room

    def copy(self) -> Self:
        """Return a room of one's own."""
        return replace(
            self,
            usage=self.usage.copy(),
            claims=self.claims.copy(),
            leaving=self.leaving.copy(),
            free={resource: column.copy() for resource, column in self.free.items()},
            busy={device: column.copy() for device, column in self.busy.items()},
            up_held=self.up_held.copy(),
            down_held=self.down_held.copy(),
            asked=copied(self.asked),
        )

    def hold(self, claim: Claim) -> None:
        """Take ``claim`` out of this room; nothing happens where it is held already."""
        row = self.hosts.get(claim.node_name)
        if row is not None:
            if claim in self.claims[row]:
                return
            self._give(row, {resource: -amount for resource, amount in uncovered(claim, self.usage[row]).items()})
            self.claims[row] = (*self.claims[row], claim)
            count(self.asked, claim, +1.0)
            self._recount(row)
        self._shift(claim, +1.0)

    def release(self, claim: Claim) -> None:
        """Give ``claim`` back to this room, where it is held; the pods that use it stay."""
        row = self.hosts.get(claim.node_name)
        if row is not None:
            if claim not in self.claims[row]:
                return
            self._give(row, uncovered(claim, self.usage[row]))
            self.claims[row] = tuple(other for other in self.claims[row] if other != claim)
            count(self.asked, claim, -1.0)
            self._recount(row)
        self._shift(claim, -1.0)

    def drop(self, claim: Claim) -> None:
        """Give ``claim`` back to this room, and the pods that use it."""
        self.release(claim)
        row = self.hosts.get(claim.node_name)
        if row is not None:
            copies = self.usage[row].ours.get((claim.namespace, claim.service), {})
            for copy in [claim.copy] if claim.copy else list(copies):
                self.vacate(row, (claim.namespace, claim.service, copy))
            self._recount(row)

    def patched(self, at: IntArray, part: Self) -> Self:
        """Return the room whose rows ``at`` are those of ``part``."""
        usage, claims, leaving = self.usage.copy(), self.claims.copy(), self.leaving.copy()
        nothing, asked = np.zeros(len(self.rows)), copied(self.asked)
        for place, row in enumerate(at.tolist()):
            for gone in claims[row]:
                count(asked, gone, -1.0)
            for come in part.claims[place]:
                count(asked, come, +1.0)
            usage[row], claims[row] = part.usage[place], part.claims[place]
            leaving.pop(row, None)
            if place in part.leaving:
                leaving[row] = part.leaving[place]
        return replace(
            self,
            usage=usage,
            claims=claims,
            leaving=leaving,
            allocatable=patched_all(self.allocatable, at, part.allocatable, nothing),
            free=patched_all(self.free, at, part.free, nothing),
            busy=patched_all(self.busy, at, part.busy, nothing),
            up_held=patched(self.up_held, at, part.up_held),
            down_held=patched(self.down_held, at, part.down_held),
            asked=asked,
        )

    def arranged(self, order: IntArray, names: Sequence[str], hosts: Sequence[str]) -> Self:
        """Return the room with the rows ``order``, which are those of ``names`` and of the Nodes ``hosts``."""
        places = order.tolist()
        claims = [self.claims[place] for place in places]
        return replace(
            self,
            rows={name: row for row, name in enumerate(names)},
            hosts={host: row for row, host in enumerate(hosts) if host},
            usage=[self.usage[place] for place in places],
            claims=claims,
            leaving={row: self.leaving[place] for row, place in enumerate(places) if place in self.leaving},
            allocatable=arranged(self.allocatable, order),
            free=arranged(self.free, order),
            busy=arranged(self.busy, order),
            up_held=np.take(self.up_held, order),
            down_held=np.take(self.down_held, order),
            asked=counted(claim for held in claims for claim in held),
        )

    def vacate(self, row: int, key: CopyKey) -> None:
        """Give the pods of a copy on ``row`` back to this room."""
        namespace, service, copy = key
        self.usage[row], gone = self.usage[row].without((namespace, service), copy)
        self._give(row, gone)

    def _give(self, row: int, amounts: Mapping[str, float]) -> None:
        for resource, amount in amounts.items():
            if (column := self.free.get(resource)) is not None:
                column[row] += amount

    def _recount(self, row: int) -> None:
        self.leaving.pop(row, None)
        if gone := _leaving(self.usage[row], self.claims[row]):
            self.leaving[row] = gone

    def _shift(self, claim: Claim, sign: float) -> None:
        if (row := self.rows.get(claim.node)) is not None and claim.utilisation:
            busy = self.busy.setdefault(claim.device, np.zeros(len(self.rows)))
            busy[row] += sign * claim.utilisation
        if (row := self.rows.get(claim.site)) is not None:
            self.up_held[row] += sign * claim.up_bits_per_second
            self.down_held[row] += sign * claim.down_bits_per_second


def _leaving(usage: Usage, claims: Iterable[Claim]) -> frozenset[CopyKey]:
    """Return the copies that a leaving claim names, and those with pods in ``usage`` that no claim names.

    A claim that names no copy speaks for all of them.
    """
    listed = list(claims)
    gone = frozenset((claim.namespace, claim.service, claim.copy) for claim in listed if claim.leaving)
    if not usage.ours:
        return gone
    claimed = {(claim.namespace, claim.service, claim.copy) for claim in listed}
    return gone | frozenset(
        (namespace, service, copy)
        for (namespace, service), copies in usage.ours.items()
        if (namespace, service, "") not in claimed
        for copy in copies
        if (namespace, service, copy) not in claimed
    )


def _busy(claims: Iterable[Claim]) -> dict[str, float]:
    return added(*({claim.device: claim.utilisation} for claim in claims))


def _traffic(claims: Iterable[Claim]) -> tuple[float, float]:
    rates = [(claim.up_bits_per_second, claim.down_bits_per_second) for claim in claims]
    return sum(up for up, _ in rates), sum(down for _, down in rates)


def _columns(amounts: Sequence[Mapping[str, float]]) -> dict[str, FloatArray]:
    resources = dict.fromkeys(resource for row in amounts for resource in row)
    return {resource: np.array([row.get(resource, 0.0) for row in amounts], dtype=np.float64) for resource in resources}
