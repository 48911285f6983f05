"""Figures of merit of a data service: completeness and redundancy of samples ([6GANA] section 5)."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aif.errors import InvalidSpec
from aif.planning.arrays import BoolArray, FloatArray, IntArray
from aif.planning.checks import non_negative

_BLOCK: Final = 512
"""Samples compared with all others at a time, so that memory stays bounded."""

_ROUNDING: Final = 1e-12
"""What rounding may add to 1 - cos θ of two samples of the same direction."""


def completeness(lossless: float, samples: float) -> float:
    """Return lossless samples ÷ all samples.

    Raises:
        InvalidSpec: There are no samples, or more lossless ones than samples.
    """
    kept, total = float(non_negative("losslessSamples", lossless)), float(non_negative("samples", samples))
    if total == 0.0:
        raise InvalidSpec("samples", "must hold at least one sample")
    if kept > total:
        raise InvalidSpec("losslessSamples", f"must not exceed the number of samples, {total:g}")
    return kept / total


def lossless(samples: ArrayLike) -> BoolArray:
    """Return which samples lost nothing: those without NaN.

    Args:
        samples: A row per sample, NaN where a value was lost, [n, m].
    """
    return np.asarray(~np.isnan(np.atleast_2d(np.asarray(samples, dtype=np.float64))).any(axis=1))


def quantised(samples: ArrayLike, levels: int) -> IntArray:
    """Return the samples in so many levels of equal width over the range of all values.

    Args:
        samples: Finite values, [n, m].
        levels: At least 2.

    Returns:
        Symbols 0..levels-1, [n, m].

    Raises:
        InvalidSpec: There are fewer than 2 levels, or a value is not finite.
    """
    if levels < 2:  # noqa: PLR2004 - with one level all samples are the same
        raise InvalidSpec("levels", f"must be at least 2, not {levels}")
    values = _finite(samples)
    low, high = values.min(initial=np.inf), values.max(initial=-np.inf)
    if not high > low:
        return np.zeros(values.shape, dtype=np.int64)
    # Halved first: the range of two large values of opposite sign would overflow.
    part = (values / 2 - low / 2) / (high / 2 - low / 2)
    return np.asarray(np.minimum((part * levels).astype(np.int64), levels - 1), dtype=np.int64)


def symbols(samples: ArrayLike) -> IntArray:
    """Return a number for each distinct value, [n, m].

    Raises:
        InvalidSpec: A value is not finite.
    """
    values = _finite(samples)
    _, numbers = np.unique(values, return_inverse=True)
    found: IntArray = numbers.reshape(values.shape).astype(np.int64)
    return found


def entropy(counts: ArrayLike) -> float:
    """Return H = -Σ p·log2 p in bit of what was counted; 0 where nothing was.

    Args:
        counts: How often each symbol occurred, of any shape.
    """
    seen = np.asarray(counts, dtype=np.float64)
    seen = seen[seen > 0.0]
    share = seen / seen.sum()
    # Not below 0, which rounding can leave, and not the -0.0 of a certain symbol.
    return max(0.0, float(-np.sum(share * np.log2(share))))


def mutual_information(first: IntArray, second: IntArray) -> float:
    """Return I(x; y) = H(x) + H(y) - H(x, y) in bit of two samples, from how often their symbols occur together.

    Args:
        first: Symbols of a sample, [m].
        second: Symbols of the other at the same places, [m].
    """
    _, left = np.unique(first, return_inverse=True)
    _, right = np.unique(second, return_inverse=True)
    joint = np.bincount(left * (right.max(initial=0) + 1) + right)
    return max(0.0, entropy(np.bincount(left)) + entropy(np.bincount(right)) - entropy(joint))


def redundancy_bits(samples: IntArray) -> float:
    """Return (1/(2N))·Σ_{i≠j} I(x_i, x_j) in bit: not a mean, it grows with the number of samples N.

    Args:
        samples: Symbols, a row per sample, [n, m].
    """
    total = len(samples)
    coded = [np.unique(sample, return_inverse=True)[1] for sample in samples]
    widths = [int(sample.max(initial=0)) + 1 for sample in coded]
    alone = [entropy(np.bincount(sample)) for sample in coded]
    # Information is symmetric, so each pair stands twice in the sum, and the factor 1/2 takes it once.
    pairs = sum(
        max(0.0, alone[i] + alone[j] - entropy(np.bincount(coded[i] * widths[j] + coded[j])))
        for i in range(total)
        for j in range(i)
    )
    return pairs / total if total else 0.0


def redundant(samples: ArrayLike, epsilon: float) -> BoolArray:
    """Return which samples are redundant: 1 - cos θ <= ε to an earlier sample, so of two twins one counts.

    The angle of a sample of zeros is not defined: it is taken for a twin of other zeros, and for unlike all else.

    Args:
        samples: Finite values, [n, m].
        epsilon: ε, 0..2.

    Returns:
        Per sample, [n].

    Raises:
        InvalidSpec: A value is not finite, or ε is out of bounds.
    """
    if not 0.0 <= epsilon <= 2.0:  # noqa: PLR2004 - 1 - cos θ is at most 2
        raise InvalidSpec("epsilon", f"must lie between 0 and 2, not {epsilon:g}")
    units = _directions(_finite(samples))
    found = np.zeros(len(units), dtype=np.bool_)
    for start in range(0, len(units), _BLOCK):
        block = units[start : start + _BLOCK]
        alike = 1.0 - block @ units[: start + len(block)].T <= epsilon + _ROUNDING
        earlier = np.tri(len(block), start + len(block), start - 1, dtype=np.bool_)
        found[start : start + len(block)] = (alike & earlier).any(axis=1)
    return found


def _directions(values: FloatArray) -> FloatArray:
    """Return unit vectors with one more component, 1 for zeros, so that zeros are alike and unlike all else."""
    largest = np.abs(values).max(axis=1, initial=0.0, keepdims=True)
    zero = largest == 0.0
    scaled = values / np.where(zero, 1.0, largest)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    return np.hstack((scaled / np.where(zero, 1.0, length), zero.astype(np.float64)))


def _finite(samples: ArrayLike) -> NDArray[np.float64]:
    values = np.atleast_2d(np.asarray(samples, dtype=np.float64))
    if not np.isfinite(values).all():
        raise InvalidSpec("samples", "must hold finite numbers only; leave out the samples that lost some")
    return values
