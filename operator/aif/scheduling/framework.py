"""What filters and scores answer: a verdict or a figure for every node at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from aif.api.conditions import Reason
from aif.api.qos import Dimension, Enforcement
from aif.planning.arrays import BoolArray, FloatArray, IntArray
from aif.scheduling.measures import Measure
from aif.scheduling.problem import Problem

_ROUNDING = 1e-9
"""Share of a limit within which sums of binary fractions count as equal."""

AnyDimension = TypeVar("AnyDimension", bound=Dimension)


@dataclass(frozen=True, slots=True, eq=False)
class Rejection:
    """A limit and the nodes that miss it.

    Attributes:
        reason: Word for the limit.
        rejected: Which nodes miss it.
        required: The limit.
        available: What each node offers, or whether a fact holds; NaN where unknown.
        measure: How both read.
        unknown: Which figure is missing where ``available`` is NaN.
    """

    reason: Reason
    rejected: BoolArray
    required: float
    available: FloatArray | BoolArray
    measure: Measure
    unknown: str = "not declared"


class Filter(Protocol):
    """Tells which nodes cannot serve; a plug-in, a frozen dataclass of its arguments."""

    def filter(self, problem: Problem) -> Iterator[Rejection]:
        """Yield the limits of ``problem`` with the nodes that miss them; a node is told the first."""
        ...


class Score(Protocol):
    """Tells how good each node is, by one measure; a plug-in, a frozen dataclass of its arguments."""

    @property
    def name(self) -> str:
        """Return the name of the term, which for a dimension of the contract is its name in ``spec.qos``."""
        ...

    def score(self, problem: Problem, rows: IntArray) -> FloatArray:
        """Return 0 (worst) to 100 (best) for each of ``rows``, which are the nodes that fit; NaN where unknown."""
        ...


def at_least(reason: Reason, required: float, available: FloatArray, measure: Measure, unknown: str = "") -> Rejection:
    """Return the nodes that do not offer ``required``; what is unknown is not offered."""
    rejected = ~(available >= required * (1.0 - _ROUNDING))
    return Rejection(reason, rejected, required, available, measure, unknown or "not declared")


def at_most(reason: Reason, required: float, available: FloatArray, measure: Measure, unknown: str = "") -> Rejection:
    """Return the nodes that exceed ``required``; what is unknown may exceed it."""
    rejected = ~(available <= required * (1.0 + _ROUNDING))
    return Rejection(reason, rejected, required, available, measure, unknown or "not declared")


def unless(reason: Reason, holds: BoolArray, measure: Measure) -> Rejection:
    """Return the nodes for which a fact does not hold."""
    return Rejection(reason, ~holds, 1.0, holds, measure)


def fits(problem: Problem, resource: str, reason: Reason, measure: Measure) -> Iterator[Rejection]:
    """Yield the nodes that could never hold the demand for ``resource``, then those where it is only taken."""
    required = problem.demand.amount(resource)
    if required > 0.0:
        yield at_least(reason, required, problem.table.room.allocatable_of(resource), measure)
        yield at_least(Reason.CAPACITY_RESERVED, required, problem.table.room.free_of(resource), measure)


def hard(dimension: AnyDimension | None) -> AnyDimension | None:
    """Return the dimension where it is asked for and must be met."""
    return dimension if dimension is not None and dimension.enforcement is Enforcement.HARD else None


def soft(dimension: Dimension | None) -> bool:
    """Tell whether the dimension is asked for and only scores."""
    return dimension is not None and dimension.enforcement is Enforcement.SOFT


def met(value: FloatArray, limit: float) -> FloatArray:
    """Return how well values that should be low keep a limit: 100 at nothing, 50 on the limit, falling to 0 beyond.

    So a soft limit still tells a near miss from a far one.
    """
    if limit <= 0.0:
        return np.where(np.isnan(value), np.nan, np.where(value <= 0.0, 100.0, 0.0))
    ratio = np.maximum(value, 0.0) / limit
    if ratio.max(initial=0.0) <= 1.0:  # as for every hard limit, whose nodes all keep it
        return np.asarray(100.0 - 50.0 * ratio)
    return np.where(ratio <= 1.0, 100.0 - 50.0 * ratio, 50.0 / np.maximum(ratio, 1.0))


def against_lowest(value: FloatArray) -> FloatArray:
    """Return 100 for the lowest value, 50 for twice as much, and so on; NaN where unknown."""
    if value.min(initial=np.inf) > 0.0:  # unknown to nobody
        return np.asarray(100.0 * (value.min() / value))
    if np.isnan(value).all():
        return value
    lowest = float(np.nanmin(value))
    return np.where(
        value > 0.0, 100.0 * (lowest / np.where(value > 0.0, value, 1.0)), np.where(np.isnan(value), np.nan, 100.0)
    )
