"""Bounds that hold for every figure a formula takes, so that no formula returns NaN."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from aif.errors import InvalidSpec
from aif.planning.arrays import FloatArray

SMALLEST: Final = 1e-30
LARGEST: Final = 1e30
"""Bounds of every figure but zero: none that occurs in nature is refused, and no product of a few of them overflows."""


def positive(field: str, values: ArrayLike) -> FloatArray:
    """Return ``values`` as floats.

    Raises:
        InvalidSpec: One is not a number from 1e-30 to 1e30.
    """
    return _bounded(field, values, lowest=SMALLEST, rule="must be greater than 0")


def non_negative(field: str, values: ArrayLike) -> FloatArray:
    """Return ``values`` as floats; what divides is to be `positive`, since a quotient by less than 1e-30 overflows.

    Raises:
        InvalidSpec: One is not a number from 0 to 1e30.
    """
    return _bounded(field, values, lowest=0.0, rule="must be 0 or greater")


def share(field: str, values: ArrayLike) -> FloatArray:
    """Return ``values`` as floats.

    Raises:
        InvalidSpec: One does not lie between 0 and 1.
    """
    return _bounded(field, values, lowest=0.0, highest=1.0, rule="must lie between 0 and 1")


def count(field: str, values: ArrayLike) -> FloatArray:
    """Return ``values`` as floats that hold whole numbers.

    Raises:
        InvalidSpec: One is no whole number from 1 to 1e30.
    """
    array = _bounded(field, values, lowest=1.0, rule="must be a whole number from 1")
    if not np.all(array == np.floor(array)):
        raise InvalidSpec(field, f"must be a whole number from 1, not {array[array != np.floor(array)].flat[0]:g}")
    return array


def _bounded(field: str, values: ArrayLike, *, lowest: float, rule: str, highest: float = LARGEST) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    # Written so that NaN, of which no comparison holds, is out of bounds.
    wrong = ~((array >= lowest) & (array <= highest))
    if not wrong.any():
        return array
    value = array[wrong].flat[0]
    extreme = 0.0 < abs(value) < SMALLEST or abs(value) > LARGEST
    suffix = f" and lie between {SMALLEST:g} and {LARGEST:g}" if extreme and highest == LARGEST else ""
    raise InvalidSpec(field, f"{rule}{suffix}, not {value:g}")
