"""States of a link: where the history of its rate changes, found exactly by dynamic programming.

The history is cut into segments of a level and a spread of their own; each further segment must explain enough to be
worth its penalty. What is found for the history up to a moment uses nothing that came later.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from aif.errors import InvalidSpec
from aif.planning.arrays import FloatArray, IntArray
from aif.planning.checks import positive

SHORTEST: Final = 3
"""Samples of a segment at least: fewer tell no spread."""

_NO_SPREAD: Final = 1e-4
"""Variance of the logarithm, 1 % of the rate squared, below which measuring itself spreads more."""


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """The best segments of a history of n samples.

    Attributes:
        starts: Where each segment begins, the first at 0.
        last_start: For each moment, where the segment that it lies in began as far as was known then, shape [n].
    """

    starts: tuple[int, ...]
    last_start: IntArray


def segments(rates: ArrayLike, penalty: float | None = None, shortest: int = SHORTEST) -> Segments:
    """Return the segments of a history of rates that are likeliest, less a penalty for each.

    The logarithms of the rates are taken for normal; the cost of a segment is n·ln σ², that of a change by default
    3·ln n (Bayesian information criterion: level, spread and place).

    Args:
        rates: Shape [n], above 0.
        penalty: Cost of a change.
        shortest: Samples of a segment at least; a history that is shorter is one segment.

    Raises:
        InvalidSpec: A rate is not above 0, or there is none.
    """
    values = np.log(positive("bitPerSecond", rates))
    count = len(values)
    if count == 0:
        raise InvalidSpec("bitPerSecond", "must hold at least one sample")
    cost = 3.0 * log(max(count, 2)) if penalty is None else penalty
    sums, squares = (np.concatenate(([0.0], np.cumsum(values**power))) for power in (1, 2))
    best, starts = np.full(count + 1, np.inf), np.zeros(count + 1, dtype=np.int64)
    best[0] = -cost
    for end in range(1, count + 1):
        begins = np.concatenate(([0], np.arange(shortest, end - shortest + 1)))
        totals = best[begins] + _cost(sums, squares, begins, end) + cost
        starts[end] = begins[totals.argmin()]
        best[end] = totals.min()
    return Segments(_trace(starts), starts[1:])


def _cost(sums: FloatArray, squares: FloatArray, begins: IntArray, end: int) -> FloatArray:
    """Return n·ln σ² of the segments that end before ``end``."""
    sizes = end - begins
    means = (sums[end] - sums[begins]) / sizes
    variance = (squares[end] - squares[begins]) / sizes - means**2
    return np.asarray(sizes * np.log(np.maximum(variance, _NO_SPREAD)))


def _trace(starts: IntArray) -> tuple[int, ...]:
    places, end = list[int](), len(starts) - 1
    while end > 0:
        end = int(starts[end])
        places.append(end)
    return tuple(reversed(places))


def expected_rates(rates: ArrayLike, share: float = 0.25, penalty: float | None = None) -> FloatArray:
    """Return for each moment the rate to plan with, from the samples before it alone, shape [n].

    It is a low quantile of the segment that the moment before lies in; the first moment is taken as it is.

    Args:
        rates: Shape [n], above 0.
        share: Which quantile; lower is more cautious.
        penalty: Cost of a change, as in `segments`.
    """
    history = positive("bitPerSecond", rates)
    starts = segments(history, penalty).last_start
    planned = [np.quantile(history[starts[now - 1] : now], share) for now in range(1, len(history))]
    return np.array([history[0], *planned])
