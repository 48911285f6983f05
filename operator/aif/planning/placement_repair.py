"""From shares of services to a placement: rounding, then moves that make room and moves to better nodes."""

from __future__ import annotations

from typing import Final

import numpy as np

from aif.planning.arrays import BoolArray, FloatArray, IntArray
from aif.planning.placement_relaxation import Relaxation

_ROUNDS: Final = 20
_ROUNDING: Final = 1e-9
"""Share of a capacity within which sums of binary fractions count as equal."""


class Draft:
    """A placement that is being worked on.

    Attributes:
        node: Node of each service, -1 where none.
    """

    def __init__(self, value: FloatArray, demand: FloatArray, capacity: FloatArray) -> None:
        self._value, self._demand = value, demand
        self._free = capacity.astype(np.float64, copy=True)
        self._slack = _ROUNDING * capacity
        self.node: IntArray = np.full(len(demand), -1, dtype=np.int64)

    @property
    def worth(self) -> float:
        """Return the value of all that is placed."""
        placed = np.flatnonzero(self.node >= 0)
        return float(self._value[placed, self.node[placed]].sum())

    def room(self, service: int) -> BoolArray:
        """Return the nodes that may take ``service`` and have room."""
        fits = (self._free + self._slack >= self._demand[service]).all(axis=1)
        return np.asarray(fits & (self._value[service] > -np.inf))

    def put(self, service: int, node: int) -> None:
        """Place ``service``, or move it."""
        if (before := int(self.node[service])) >= 0:
            self._free[before] += self._demand[service]
        self.node[service] = node
        self._free[node] -= self._demand[service]

    def put_best(self, service: int, worth: FloatArray) -> bool:
        """Place ``service`` where ``worth``, a figure per node, is highest; tell whether there is room anywhere."""
        if not (room := self.room(service)).any():
            return False
        self.put(service, int(np.where(room, worth, -np.inf).argmax()))
        return True

    def repair(self) -> None:
        """Place what has no node, by moving one service out of its way, and move services to better nodes."""
        for _ in range(_ROUNDS):
            made = [self._make_room(int(service)) for service in np.flatnonzero(self.node < 0)]
            if not any(made) | self._improve():
                break

    def _improve(self) -> bool:
        """Move each service to the best node with room that is better than its own; tell whether one moved."""
        moved = False
        for service in range(len(self.node)):
            value, own = self._value[service], int(self.node[service])
            least = value[own] if own >= 0 else -np.inf
            if not (value > least).any():
                continue
            better = self.room(service) & (value > least)
            if better.any():
                self.put(service, int(np.where(better, value, -np.inf).argmax()))
                moved = True
        return moved

    def _make_room(self, service: int) -> bool:
        """Place ``service`` at the best price: another moves to where it loses the least; tell whether it worked."""
        best: tuple[float, int, int, int] | None = None
        for node in np.flatnonzero(self._value[service] > -np.inf).tolist():
            there = np.flatnonzero(self.node == node)
            freed = self._free[node] + self._slack[node] + self._demand[there]
            for other in there[(freed >= self._demand[service]).all(axis=1)].tolist():
                room = self.room(other)
                room[node] = False
                if room.any():
                    to = int(np.where(room, self._value[other], -np.inf).argmax())
                    gain = float(self._value[service, node] + self._value[other, to] - self._value[other, node])
                    best = max(best or (-np.inf, 0, 0, 0), (gain, other, to, node))
        if best is None or best[0] <= 0.0:
            return False
        _, other, to, node = best
        self.put(other, to)
        self.put(service, node)
        return True


def greedy_draft(value: FloatArray, demand: FloatArray, capacity: FloatArray) -> Draft:
    """Return the placement of one service after the other on the best node with room."""
    draft = Draft(value, demand, capacity)
    for service in range(len(demand)):
        draft.put_best(service, value[service])
    return draft


def rounded(found: Relaxation, value: FloatArray, demand: FloatArray, capacity: FloatArray) -> Draft:
    """Return the placement in which a service stands where more than half of it was placed, as far as there is room.

    The others follow, those that take most first, each where it is worth most at the prices of the programme.
    """
    draft = Draft(value, demand, capacity)
    for pair in np.argsort(-found.share, kind="stable").tolist():
        if found.share[pair] <= 0.5:  # noqa: PLR2004 - of a service no two nodes have more than a half
            break
        service, node = int(found.service[pair]), int(found.node[pair])
        if draft.room(service)[node]:
            draft.put(service, node)
    mean = np.where(capacity.sum(axis=0) > 0.0, capacity.mean(axis=0), np.inf)
    left = value - demand @ found.prices.T
    for service in np.argsort(-(demand / mean).max(axis=1, initial=0.0), kind="stable").tolist():
        if draft.node[service] < 0:
            draft.put_best(service, left[service])
    return draft
