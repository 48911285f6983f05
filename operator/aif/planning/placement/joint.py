"""Many services on many nodes at once, as good as a certified bound: linear programme, rounding, repair.

One service after the other is fast, but the first take what the last need. Here a linear programme places shares of
services, its prices of what nodes have bound from above what any placement is worth, and rounding and repair turn
shares into a placement. The prices are part of the result: `bound` computes the bound anew from them, with no solver.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aif.errors import InvalidSpec
from aif.planning.arrays import FloatArray, IntArray
from aif.planning.placement.relaxation import Relaxation, charged, relax, shadow_prices
from aif.planning.placement.repair import Draft, greedy_draft, rounded

NOWHERE = -1
"""In place of a node, where a service finds none."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """s services, n nodes, r resources; and w ways to run a service, where demand and score have such an axis.

    Attributes:
        demand: What a service takes of each resource, shape (s, r) or (s, w, r).
        capacity: What each node has of it, shape (n, r).
        score: How good each node is for each service, 0 or more; NaN where it may not go; shape (s, n) or (s, w, n).
        worth: What it is worth to place a service at all, added to the score, shape (s,).
    """

    demand: FloatArray
    capacity: FloatArray
    score: FloatArray
    worth: FloatArray

    @property
    def value(self) -> FloatArray:
        """Return worth and score, minus infinity where a service may not go, or would not fit an empty node."""
        fits = (self.demand[..., None, :] <= self.capacity).all(axis=-1)
        worth = self.worth.reshape(-1, *[1] * (self.score.ndim - 1))
        return np.where(fits & ~np.isnan(self.score), self.score + worth, -np.inf)

    @property
    def scale(self) -> FloatArray:
        """Return what the largest node has of each resource, 1 where none has any, shape (r,).

        Bytes beside cores would be beyond what a solver can tell from rounding.
        """
        largest = self.capacity.max(axis=0, initial=0.0)
        return np.where(largest > 0.0, largest, 1.0)

    @property
    def flat(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the value of each spot, shape (s, w · n), and in units of `scale` demand, (s, w, r), and capacity."""
        services, resources = len(self.demand), self.capacity.shape[1]
        ways = 1 if self.demand.ndim == 2 else self.demand.shape[1]  # noqa: PLR2004 - services, resources
        value = self.value.reshape(services, ways * len(self.capacity))
        return value, self.demand.reshape(services, ways, resources) / self.scale, self.capacity / self.scale


@dataclass(frozen=True, slots=True, eq=False)
class JointPlacement:
    """A placement, and how far it may be from the best.

    Attributes:
        node: Node of each service, or `NOWHERE`, shape (s,).
        way: Way in which it runs there, 0 where there is one or it is nowhere, shape (s,).
        value: Worth and scores of all that are placed.
        bound: No placement is worth more.
        prices: Of each resource on each node, from which the bound follows, shape (n, r).
        method: "optimised" by the linear programme; where the time did not suffice for it, "greedy", in the order of
            the services, or "priced", in the order of size where the prices are lowest, whichever is worth more.
    """

    node: IntArray
    way: IntArray
    value: float
    bound: float
    prices: FloatArray
    method: str

    @property
    def gap(self) -> float:
        """Return the share of the bound that is not reached; the best placement is at least as near."""
        return max(0.0, 1.0 - self.value / self.bound) if self.bound > 0.0 else 0.0

    @property
    def placed(self) -> int:
        """Return how many services have a node."""
        return int(np.count_nonzero(self.node != NOWHERE))


def place(problem: Problem, seconds: float = 1.0) -> JointPlacement:
    """Return a placement of many services with a certificate.

    Args:
        problem: What is to be placed.
        seconds: Time that the solver may take in all; with too little, or 0, the placement does without it.

    Raises:
        InvalidSpec: A shape does not fit, or a figure is negative or not a number; the message names it.
    """
    _judge(problem)
    value, demand, capacity = problem.flat
    first = greedy_draft(value, demand, capacity)
    prices = shadow_prices(value, demand, capacity, first.worth)
    found = relax(value, demand, capacity, prices, seconds)
    if found is not None:
        draft = rounded(found, value, demand, capacity)
        draft.repair()
        return _result(problem, draft, found.prices, "optimised")
    priced = rounded(Relaxation.nothing(prices), value, demand, capacity)
    for draft in (first, priced):
        draft.repair()
    best, method = max((first, "greedy"), (priced, "priced"), key=lambda pair: pair[0].worth)
    return _result(problem, best, prices, method)


def greedy(problem: Problem) -> JointPlacement:
    """Return the placement of one service after the other, each on the best node with room.

    Raises:
        InvalidSpec: As `place`.
    """
    _judge(problem)
    value, demand, capacity = problem.flat
    draft = greedy_draft(value, demand, capacity)
    prices = shadow_prices(value, demand, capacity, draft.worth)
    return _result(problem, draft, prices, "greedy")


def bound(problem: Problem, prices: FloatArray) -> float:
    """Return what no placement can be worth more than, by Lagrange duality with any ``prices`` >= 0, shape (n, r).

    Σ over services of max(0, value - price of the demand on the best node) + Σ price · capacity
    """
    if not ((prices >= 0.0) & np.isfinite(prices)).all():
        raise InvalidSpec("prices", "must be 0 or greater")
    value, demand, _ = problem.flat
    left = value - charged(demand, prices * problem.scale)
    return float(np.maximum(left.max(axis=1, initial=0.0), 0.0).sum() + (prices * problem.capacity).sum())


def _result(problem: Problem, draft: Draft, prices: FloatArray, method: str) -> JointPlacement:
    way = np.where(draft.spot >= 0, draft.spot // len(problem.capacity), 0)
    prices = prices / problem.scale
    return JointPlacement(draft.node, way, draft.worth, bound(problem, prices), prices, method)


def _judge(problem: Problem) -> None:
    """Raise `InvalidSpec` that names the first array which is not what it has to be."""
    demand, capacity, score, worth = problem.demand, problem.capacity, problem.score, problem.worth
    if demand.ndim not in (2, 3) or capacity.ndim != 2 or demand.shape[-1] != capacity.shape[1]:  # noqa: PLR2004 - axes
        raise InvalidSpec("demand", f"{demand.shape} must have the resources of capacity, {capacity.shape}")
    if score.shape != (*demand.shape[:-1], len(capacity)):
        raise InvalidSpec("score", f"must have the shape {(*demand.shape[:-1], len(capacity))}, not {score.shape}")
    if worth.shape != (len(demand),):
        raise InvalidSpec("worth", f"must have the shape {(len(demand),)}, not {worth.shape}")
    for name, column in (("demand", demand), ("capacity", capacity), ("worth", worth)):
        if not (np.isfinite(column) & (column >= 0.0)).all():
            raise InvalidSpec(name, "must be finite and 0 or greater throughout")
    if not (np.isnan(score) | (np.isfinite(score) & (score >= 0.0))).all():
        raise InvalidSpec("score", "must be 0 or greater, or NaN where a service may not go")
