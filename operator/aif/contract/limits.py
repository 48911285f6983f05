"""What a contract promises per dimension, and from which level on it is broken or kept again ([6GANA] QoAIS)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from math import ceil
from typing import Self

import numpy as np

from aif.api.aiservice import AIService
from aif.api.qos import Bandwidth, Dimension, Enforcement
from aif.planning.arrays import BoolArray, FloatArray, IntArray

QUANTILE = 0.99
"""Share of the requests that a latency target is about."""

_MICRO, _MILLI, _BASIS_POINT = 1e-6, 1e-3, 1e-4


class Sense(Enum):
    """How a value misses its target.

    Each turns a value into its load, 1 on the target and more beyond it:

    * ``AT_MOST``: value/target, such as a latency.
    * ``AT_LEAST``: target/value, such as an accuracy.
    * ``SHARE``: (1 - value)/(1 - target), such as an availability, where what counts is how much of the failures that
      are allowed was used up.
    """

    AT_MOST = 0
    AT_LEAST = 1
    SHARE = 2


@dataclass(frozen=True, slots=True)
class Limit:
    """One promise of a contract.

    Attributes:
        dimension: Its name in ``status.qos``.
        sense: How a value misses it.
        target: The target in SI units; shares as 0..1.
        scale: What one unit of the spec is in SI units.
        tolerance: Share by which the load may exceed 1 before it is a breach.
        clear: Load at which a breach is over. At most the target: what hovers between the levels changes nothing.
        hard: Whether a breach leads to a move.
        least_requests: Requests in a window from which on a value says anything; 0 where it is not about requests.
    """

    dimension: str
    sense: Sense
    target: float
    scale: float
    tolerance: float
    clear: float
    hard: bool
    least_requests: int = 0

    @property
    def raise_above(self) -> float:
        """Return the load above which a value breaks the promise."""
        return 1.0 + self.tolerance


def limits_of(service: AIService) -> tuple[Limit, ...]:
    """Return the promises of ``service`` that can be measured, in the order of its contract.

    Levels are no measure: privacy and security are kept by where a service may run.
    """
    return tuple(_limits(service))


def _limits(service: AIService) -> Iterator[Limit]:
    qos, clear = service.spec.qos, service.spec.evaluation.clear_percent / 100
    if qos.latency is not None:
        target, least = qos.latency.max_p99_microseconds * _MICRO, requests_for(QUANTILE)
        yield _limit("latency", qos.latency, Sense.AT_MOST, target, _MICRO, clear, least)
    if qos.energy is not None:
        target = qos.energy.max_millijoules_per_request * _MILLI
        yield _limit("energy", qos.energy, Sense.AT_MOST, target, _MILLI, clear)
    if qos.accuracy is not None:
        target = qos.accuracy.min_basis_points * _BASIS_POINT
        yield _limit("accuracy", qos.accuracy, Sense.AT_LEAST, target, _BASIS_POINT, 1.0)
    if qos.availability is not None:
        target = qos.availability.min_ppm * _MICRO
        yield _limit("availability", qos.availability, Sense.SHARE, target, _MICRO, clear, requests_for(target))
    if qos.bandwidth is not None:
        yield from _link(qos.bandwidth, clear)


def _link(asked: Bandwidth, clear: float) -> Iterator[Limit]:
    if asked.max_jitter_microseconds is not None:
        yield _limit("jitter", asked, Sense.AT_MOST, asked.max_jitter_microseconds * _MICRO, _MICRO, clear)
    if asked.min_reliability_ppm is not None:
        yield _limit("reliability", asked, Sense.SHARE, asked.min_reliability_ppm * _MICRO, _MICRO, clear)


def _limit(
    dimension: str, asked: Dimension, sense: Sense, target: float, scale: float, clear: float, least_requests: int = 0
) -> Limit:
    return Limit(
        dimension=dimension,
        sense=sense,
        target=target,
        scale=scale,
        tolerance=asked.tolerance_percent / 100,
        clear=clear,
        hard=asked.enforcement is Enforcement.HARD,
        least_requests=least_requests,
    )


def requests_for(share: float) -> int:
    """Return how many requests it takes until one is expected to lie outside ``share``: 1/(1 - share).

    With fewer, neither a quantile nor a share of successes says anything about the promise.
    """
    return ceil(round(1.0 / (1.0 - share), 6))


def load_of(limit: Limit, value: float) -> float:
    """Return how much of one promise ``value`` uses up, as `Limits.load`."""
    return float(Limits.of([limit]).load(np.array([value]))[0])


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """Promises side by side, n rows.

    Attributes:
        sense: Values of `Sense`.
        target: Targets in SI units.
        raise_above: Loads above which a promise is broken.
        clear: Loads at which a breach is over.
        hard: Whether a breach leads to a move.
        least_requests: Requests from which on a value says anything.
    """

    sense: IntArray
    target: FloatArray
    raise_above: FloatArray
    clear: FloatArray
    hard: BoolArray
    least_requests: FloatArray

    @classmethod
    def of(cls, rows: Sequence[Limit]) -> Self:
        """Return ``rows`` as columns."""
        return cls(
            sense=np.array([row.sense.value for row in rows], dtype=np.int64),
            target=np.array([row.target for row in rows], dtype=np.float64),
            raise_above=np.array([row.raise_above for row in rows], dtype=np.float64),
            clear=np.array([row.clear for row in rows], dtype=np.float64),
            hard=np.array([row.hard for row in rows], dtype=np.bool_),
            least_requests=np.array([row.least_requests for row in rows], dtype=np.float64),
        )

    def load(self, value: FloatArray) -> FloatArray:
        """Return how much of each promise ``value`` uses up: 1 on the target, infinite where nothing was allowed.

        Args:
            value: Measured values in SI units, one per row; NaN where unknown.

        Returns:
            Loads of at least 0; NaN where the value is.
        """
        shares = self.sense == Sense.SHARE.value
        used = np.where(shares, 1.0 - value, value)
        allowed = np.where(shares, 1.0 - self.target, self.target)
        part, whole = np.where(self.sense == Sense.AT_LEAST.value, (allowed, used), (used, allowed))
        part, whole = np.maximum(part, 0.0), np.maximum(whole, 0.0)
        with np.errstate(over="ignore"):  # beyond the largest number is infinite, as it should be
            ratio = np.divide(part, whole, out=np.where(part > 0.0, np.inf, 0.0), where=whole > 0.0)
        return np.asarray(np.where(np.isnan(value), np.nan, ratio))
