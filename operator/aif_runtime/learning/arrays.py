"""The numbers of a model by full name, and what is asked of such numbers when they come from outside."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aif_runtime.learning.errors import UnfitUpdate

Array = NDArray[Any]
Floats = NDArray[np.float32]
Arrays = dict[str, Array]

DTYPES: Final = ("float64", "float32", "float16", "int64", "int32", "int8", "uint8", "bool")
"""Kinds of numbers that may travel; everything else is refused."""


def digest(arrays: Mapping[str, Array]) -> str:
    """Return the SHA-256 of names, shapes, kinds and values in the order of the names, as hexadecimal digits."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def copied(arrays: Mapping[str, Array]) -> Arrays:
    """Return the same numbers in memory of their own."""
    return {name: np.array(array, copy=True) for name, array in arrays.items()}


def stored_bytes(arrays: Mapping[str, Array]) -> int:
    """Return how many bytes the numbers take."""
    return sum(array.nbytes for array in arrays.values())


def fit(given: Mapping[str, Array], like: Mapping[str, Array]) -> Arrays:
    """Return the numbers in the kinds of ``like``.

    Raises:
        UnfitUpdate: An array is missing or unknown, has another shape, or holds what is not finite.
    """
    missing = sorted(like.keys() - given.keys())
    unknown = sorted(given.keys() - like.keys())
    if missing or unknown:
        parts = [f"{word} {', '.join(names[:3])}" for word, names in (("lacks", missing), ("brings", unknown)) if names]
        raise UnfitUpdate(f"the update {' and '.join(parts)}")
    return {name: fitting(name, given[name], array) for name, array in like.items()}


def fitting(name: str, given: Array, like: Array) -> Array:
    """Return one array in the kind of ``like``; UnfitUpdate where shape or values do not fit."""
    if given.shape != like.shape:
        raise UnfitUpdate(f"{name} has the shape {given.shape}, the model needs {like.shape}")
    return finite(name, given).astype(like.dtype, copy=False)


def finite(name: str, given: Array) -> Array:
    """Return the array itself; UnfitUpdate where a value is no number or not finite."""
    # The sum is not finite where a value is not, and takes no second array; only then are the values counted.
    with np.errstate(invalid="ignore", over="ignore"):
        suspect = given.dtype.kind == "f" and not np.isfinite(np.sum(given))
    if suspect:
        wrong = int(np.count_nonzero(~np.isfinite(given)))
        if wrong:
            raise UnfitUpdate(f"{name} holds {wrong} of {given.size} values that are not finite")
    elif given.dtype.kind not in "fiub":
        raise UnfitUpdate(f"{name} holds {given.dtype}, no numbers")
    return given
