"""What bounds a joint placement: prices by subgradients, and the linear programme over the pairs that matter.

A service may run in several ways of different demand. Of w ways and n nodes, *spot* number way · n + node is that way
on that node.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import highspy
import numpy as np

from aif.planning.arrays import FloatArray, IntArray

_COLUMNS: Final = 2
"""Nodes of each service that one look at the prices adds at most."""
_NEAR: Final = 1e-3
"""Share of the bound within which the columns at hand suffice."""
_LOOKS: Final = 100
_STEPS: Final = 120
_PATIENCE: Final = 5
"""Steps without a better bound after which steps become shorter."""


@dataclass(frozen=True, slots=True, eq=False)
class Relaxation:
    """What the linear programme says.

    Attributes:
        service, spot: Pairs that were looked at.
        share: How much of the service it places there, 0 to 1.
        prices: Of each resource on each node, shape (n, r).
    """

    service: IntArray
    spot: IntArray
    share: FloatArray
    prices: FloatArray

    @classmethod
    def nothing(cls, prices: FloatArray) -> Self:
        """Return an answer that has prices, and places nothing."""
        none = np.zeros(0, dtype=np.int64)
        return cls(none, none, np.zeros(0), prices)


class _Programme:
    """Rows: a service is placed at most once; no resource of a node is taken more than it has. Columns: pairs."""

    def __init__(self, value: FloatArray, demand: FloatArray, capacity: FloatArray, seconds: float) -> None:
        self._value, self._demand, self._seconds = value, demand, seconds
        self.services, (self.nodes, self.resources) = len(demand), capacity.shape
        self._added: list[tuple[IntArray, IntArray]] = []
        self.looked = np.zeros(value.shape, dtype=np.bool_)
        self._highs = highs = highspy.Highs()  # type: ignore[no-untyped-call]
        highs.setOptionValue("output_flag", False)  # noqa: FBT003 - HiGHS takes any kind of value here
        highs.setOptionValue("threads", 1)
        highs.setOptionValue("time_limit", seconds)
        limits = np.concatenate([np.ones(self.services), capacity.ravel()])
        none = np.zeros(0, dtype=np.int32)
        starts = np.zeros(len(limits), dtype=np.int32)
        highs.addRows(len(limits), np.full(len(limits), -highspy.kHighsInf), limits, 0, starts, none, np.zeros(0))
        highs.changeObjectiveSense(highspy.ObjSense.kMaximize)

    def add(self, service: IntArray, spot: IntArray) -> None:
        """Look at more pairs."""
        self.looked[service, spot] = True
        self._added.append((service, spot))
        count, height = len(service), self.resources + 1
        way, node = np.divmod(spot, self.nodes)
        resource = self.services + node[:, None] * self.resources + np.arange(self.resources)
        rows = np.concatenate([service[:, None], resource], axis=1).astype(np.int32).ravel()
        amounts = np.concatenate([np.ones((count, 1)), self._demand[service, way]], axis=1).ravel()
        starts = (np.arange(count) * height).astype(np.int32)
        highest = np.full(count, highspy.kHighsInf)
        value = self._value[service, spot]
        self._highs.addCols(count, value, np.zeros(count), highest, count * height, starts, rows, amounts)

    def solve(self) -> tuple[FloatArray, FloatArray, float] | None:
        """Return what a place for each service costs, the prices of the nodes, and the value; None out of time."""
        self._highs.run()
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        duals = np.abs(np.array(self._highs.getSolution().row_dual))
        prices = duals[self.services :].reshape(-1, self.resources)
        return duals[: self.services], prices, self._highs.getInfo().objective_function_value

    def pairs(self) -> tuple[IntArray, IntArray]:
        """Return service and spot of each column."""
        return np.concatenate([pair[0] for pair in self._added]), np.concatenate([pair[1] for pair in self._added])

    def shares(self) -> FloatArray:
        """Return how much of each pair is placed."""
        return np.asarray(np.clip(np.array(self._highs.getSolution().col_value), 0.0, 1.0), dtype=np.float64)


def shadow_prices(value: FloatArray, demand: FloatArray, capacity: FloatArray, reached: float) -> FloatArray:
    """Return prices of each resource on each node whose bound is near the lowest, by Polyak's subgradient steps.

    Args:
        value: What a service is worth on each spot, minus infinity where it may not go, shape (s, w · n).
        demand: In each way, shape (s, w, r).
        capacity: Shape (n, r).
        reached: What some placement is worth.
    """
    scale = np.where(capacity > 0.0, capacity, 1.0)
    prices = best = np.zeros(capacity.shape)
    lowest, length, patience = np.inf, 1.0, _PATIENCE
    for _ in range(_STEPS):
        bound, used = _response(value, demand, capacity, prices)
        if bound < lowest:
            lowest, best, patience = bound, prices, _PATIENCE
        elif (patience := patience - 1) == 0:
            length, patience, prices = 0.5 * length, _PATIENCE, best
            continue
        excess = (used - capacity) / scale
        if bound <= reached or not excess.any():
            break
        step = length * (bound - reached) / float((excess**2).sum())
        prices = np.maximum(0.0, prices + step * excess / scale)
    return best


def charged(demand: FloatArray, prices: FloatArray) -> FloatArray:
    """Return what a service pays for its demand on each spot, shape (s, w · n).

    Args:
        demand: Shape (s, w, r).
        prices: Shape (n, r).
    """
    services, ways, resources = demand.shape
    return np.asarray((demand.reshape(-1, resources) @ prices.T).reshape(services, ways * len(prices)))


def _response(
    value: FloatArray, demand: FloatArray, capacity: FloatArray, prices: FloatArray
) -> tuple[float, FloatArray]:
    """Return the bound at ``prices``, and what is taken where every service goes where it is worth most."""
    left = value - charged(demand, prices)
    spot = left.argmax(axis=1)
    worth = left[np.arange(len(left)), spot]
    going = np.flatnonzero(worth > 0.0)
    way, node = np.divmod(spot[going], len(capacity))
    used = np.zeros(capacity.shape)
    np.add.at(used, node, demand[going, way])
    return float(worth[going].sum() + (prices * capacity).sum()), used


def relax(
    value: FloatArray, demand: FloatArray, capacity: FloatArray, prices: FloatArray, seconds: float
) -> Relaxation | None:
    """Return the linear programme's answer, within 0.1 % of its bound; None where the time does not suffice.

    It begins with the nodes on which a service is worth most at ``prices``. Its own prices then tell which other pairs
    would be worth more than what the service gets, these come in, and so on; what never comes in would change nothing.

    Args:
        value: As in `shadow_prices`, and the next two.
        demand: Shape (s, w, r).
        capacity: Shape (n, r).
        prices: Shape (n, r).
        seconds: Time for HiGHS in all.
    """
    if seconds <= 0.0 or not np.isfinite(value).any():
        return None
    lowest, _ = _response(value, demand, capacity, prices)
    programme, answer = _Programme(value, demand, capacity, seconds), None
    programme.add(*_best(value - charged(demand, prices), -np.inf))
    for _ in range(_LOOKS):
        if (found := programme.solve()) is None:
            break
        costs, own, worth = found
        bound, _ = _response(value, demand, capacity, own)
        lowest, prices = min((lowest, prices), (bound, own), key=lambda pair: pair[0])
        answer = Relaxation(*programme.pairs(), programme.shares(), prices)
        left = np.where(programme.looked, -np.inf, value - charged(demand, own) - costs[:, None])
        service, spot = _best(left, 1e-9 * max(1.0, worth))
        if lowest - worth <= _NEAR * lowest or not len(service):
            break
        programme.add(service, spot)
    return answer


def _best(worth: FloatArray, above: float) -> tuple[IntArray, IntArray]:
    """Return the pairs of each service with its best spots, as far as they are worth more than ``above``."""
    count = min(_COLUMNS, worth.shape[1])
    top = np.argpartition(-worth, count - 1, axis=1)[:, :count]
    service, spot = np.repeat(np.arange(len(worth)), count), top.ravel()
    good = worth[service, spot] > above
    return service[good], spot[good]
