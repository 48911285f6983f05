"""From shares of services to a placement: rounding, then moves that make room and moves to better nodes."""

from __future__ import annotations

from typing import Final

import numpy as np

from aif.planning.arrays import BoolArray, FloatArray, IntArray
from aif.planning.placement.relaxation import Relaxation, charged

_ROUNDS: Final = 20
_ROUNDING: Final = 1e-9
"""Share of a capacity within which sums of binary fractions count as equal."""


class Draft:
    """A placement that is being worked on; what a spot is, `aif.planning.placement.relaxation` says.

    Attributes:
        spot: Spot of each service, -1 where none.
    """

    def __init__(self, value: FloatArray, demand: FloatArray, capacity: FloatArray) -> None:
        self._value, self._demand = value, demand
        self._free = capacity.astype(np.float64, copy=True)
        self._slack = _ROUNDING * capacity
        self._nodes = len(capacity)
        self.spot: IntArray = np.full(len(demand), -1, dtype=np.int64)

    @property
    def worth(self) -> float:
        """Return the value of all that is placed."""
        placed = np.flatnonzero(self.spot >= 0)
        return float(self._value[placed, self.spot[placed]].sum())

    @property
    def node(self) -> IntArray:
        """Return the node of each service, -1 where none."""
        return np.where(self.spot >= 0, self.spot % self._nodes, -1)

    def room(self, service: int) -> BoolArray:
        """Return the spots that may take ``service`` and have room."""
        fits = (self._free + self._slack >= self._demand[service][:, None, :]).all(axis=2).ravel()
        return np.asarray(fits & (self._value[service] > -np.inf))

    def put(self, service: int, spot: int) -> None:
        """Place ``service``, or move it."""
        if (before := int(self.spot[service])) >= 0:
            self._free[before % self._nodes] += self._taken(service)
        self.spot[service] = spot
        self._free[spot % self._nodes] -= self._taken(service)

    def put_best(self, service: int, worth: FloatArray) -> bool:
        """Place ``service`` where ``worth``, a figure per spot, is highest; tell whether there is room anywhere."""
        if not (room := self.room(service)).any():
            return False
        self.put(service, int(np.where(room, worth, -np.inf).argmax()))
        return True

    def repair(self) -> None:
        """Place what has no node, by moving one service out of its way, and move services to better spots."""
        for _ in range(_ROUNDS):
            made = [self._make_room(int(service)) for service in np.flatnonzero(self.spot < 0)]
            if not any(made) | self._improve():
                break

    def _taken(self, service: int) -> FloatArray:
        return np.asarray(self._demand[service, self.spot[service] // self._nodes])

    def _improve(self) -> bool:
        """Move each service to the best spot with room that is better than its own; tell whether one moved."""
        moved = False
        for service in range(len(self.spot)):
            value, own = self._value[service], int(self.spot[service])
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
        value, nodes = self._value, self.node
        for spot in np.flatnonzero(value[service] > -np.inf).tolist():
            way, node = divmod(spot, self._nodes)
            there = np.flatnonzero(nodes == node)
            held = self._demand[there, self.spot[there] // self._nodes]
            freed = self._free[node] + self._slack[node] + held
            for other in there[(freed >= self._demand[service, way]).all(axis=1)].tolist():
                room = self.room(other)
                room[node :: self._nodes] = False
                if room.any():
                    to = int(np.where(room, value[other], -np.inf).argmax())
                    gain = float(value[service, spot] + value[other, to] - value[other, self.spot[other]])
                    best = max(best or (-np.inf, 0, 0, 0), (gain, other, to, spot))
        if best is None or best[0] <= 0.0:
            return False
        _, other, to, spot = best
        self.put(other, to)
        self.put(service, spot)
        return True


def greedy_draft(value: FloatArray, demand: FloatArray, capacity: FloatArray) -> Draft:
    """Return the placement of one service after the other on the best spot with room."""
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
        if found.share[pair] <= 0.5:  # noqa: PLR2004 - of a service no two spots have more than a half
            break
        service, spot = int(found.service[pair]), int(found.spot[pair])
        if draft.room(service)[spot]:
            draft.put(service, spot)
    mean = np.where(capacity.sum(axis=0) > 0.0, capacity.mean(axis=0), np.inf)
    size = (demand / mean).max(axis=2, initial=0.0).min(axis=1, initial=np.inf)
    left = value - charged(demand, found.prices)
    for service in np.argsort(-size, kind="stable").tolist():
        if draft.spot[service] < 0:
            draft.put_best(service, left[service])
    return draft
