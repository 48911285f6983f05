"""What a metric says, or why it says nothing: a value that is not known is neither zero, nor kept, nor broken."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np

from aif.api.conditions import Reason
from aif.planning.arrays import FloatArray, IntArray

SKEW_SECONDS = 5.0
"""How far the clocks of this process and of Prometheus may be apart before a value counts as from the future."""


_ROUNDING = 1e-9
"""Share of a target within which a bound counts as equal: targets are differences of decimal fractions."""


class Gap(IntEnum):
    """Why a value is unknown; where several hold, the first of this list is told."""

    NONE = 0
    FAILED = 1
    MISSING = 2
    STALE = 3
    COARSE = 4
    FEW = 5

    @property
    def reason(self) -> Reason:
        """Return the reason of the condition."""
        return _REASONS[self]


_REASONS = {
    Gap.NONE: Reason.AS_EXPECTED,
    Gap.FAILED: Reason.PROMETHEUS_ERROR,
    Gap.MISSING: Reason.METRICS_MISSING,
    Gap.STALE: Reason.METRICS_STALE,
    Gap.COARSE: Reason.BUCKET_TOO_COARSE,
    Gap.FEW: Reason.TOO_FEW_REQUESTS,
}


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """What Prometheus answered for n rows; NaN where it did not.

    Attributes:
        value: Values in SI units.
        at: When they were sampled, in seconds since 1970: not when they were asked for.
        requests: Requests in the window.
        bucket: Width of the histogram bucket around the target, as a share of the target; 0 where there is none.
        failed: Rows whose query was not answered.
    """

    value: FloatArray
    at: FloatArray
    requests: FloatArray
    bucket: FloatArray
    failed: np.ndarray[tuple[int], np.dtype[np.bool_]]

    @classmethod
    def none(cls, rows: int) -> Self:
        """Return samples of which nothing is known."""
        unknown = np.full(rows, np.nan)
        return cls(unknown, unknown, unknown, np.zeros(rows), np.zeros(rows, dtype=np.bool_))


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """What is known of n rows.

    Attributes:
        value: Values in SI units, all finite; NaN where unknown.
        gap: Values of `Gap`: why a value is unknown.
    """

    value: FloatArray
    gap: IntArray

    @classmethod
    def of(
        cls, samples: Samples, now: float, stale_after: FloatArray, least_requests: FloatArray, coarsest: FloatArray
    ) -> Self:
        """Return what ``samples`` say at ``now``.

        Args:
            samples: What was answered.
            now: Seconds since 1970.
            stale_after: Age in seconds from which a value counts as missing.
            least_requests: Requests from which on a value says anything; 0 where it is not about requests.
            coarsest: Widest bucket around the target, as a share of it: the tolerance of the promise.
        """
        age = now - samples.at
        untimed = np.isnan(age)
        holes = (
            (Gap.FAILED, samples.failed),
            (Gap.MISSING, ~np.isfinite(samples.value) | untimed),
            (Gap.STALE, (age > stale_after) | (age < -SKEW_SECONDS)),
            (Gap.COARSE, samples.bucket > coarsest),
            (Gap.FEW, (least_requests > 0.0) & ~(samples.requests >= least_requests)),
        )
        gap = np.select([hole for _, hole in holes], [int(code) for code, _ in holes], int(Gap.NONE)).astype(np.int64)
        return cls(np.where(gap == Gap.NONE, samples.value, np.nan), gap)


def bucket_width(bounds: FloatArray, target: float) -> float:
    """Return how wide the histogram bucket around ``target`` is, as a share of ``target``.

    A quantile is interpolated inside a bucket, so a target in a wide one cannot be told from its neighbours.

    Args:
        bounds: Upper bounds of the buckets, rising; the last may be infinite.
        target: Above 0, in the unit of the bounds.

    Returns:
        Infinite where the target lies beyond the last finite bound, 0 where it lies on a bound.
    """
    if np.isclose(bounds, target, rtol=_ROUNDING, atol=0.0).any():
        return 0.0
    above = int(np.searchsorted(bounds, target))
    upper = float(bounds[above]) if above < len(bounds) else float("inf")
    return (upper - (float(bounds[above - 1]) if above else 0.0)) / target
