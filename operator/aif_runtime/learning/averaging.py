"""The weighted mean of many updates, about as fast as memory can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from scipy.linalg.blas import daxpy, saxpy
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from aif_runtime.learning.arrays import Array, Arrays

BLOCK: Final = 2**16
"""Numbers per block: a block of the sum stays in the second-level cache while each update is read once."""


def weighted_mean(updates: Sequence[Mapping[str, Array]], weights: Sequence[float]) -> Arrays:
    """Return Σ wᵢ·xᵢ / Σ wᵢ of arrays with the same names and shapes.

    Whole numbers, such as counters, are those of the first update: their mean would be none.
    """
    total = float(sum(weights))
    shares = [weight / total for weight in weights]
    # Blocks are too small to be worth a thread: others would only be waited for, long where cores are busy.
    with threadpool_limits(1, "blas"):
        return {
            name: _mean([update[name] for update in updates], shares) if array.dtype.kind == "f" else array.copy()
            for name, array in updates[0].items()
        }


def _mean(arrays: Sequence[Array], shares: Sequence[float]) -> Array:
    kind = arrays[0].dtype
    if kind not in (np.float32, np.float64):
        wide = _mean([array.astype(np.float32) for array in arrays], shares)
        return wide.astype(kind)
    add = saxpy if kind == np.float32 else daxpy
    flat = [np.ascontiguousarray(array, dtype=kind).reshape(-1) for array in arrays]
    result = np.empty(arrays[0].size, dtype=kind)
    for start in range(0, result.size, BLOCK):
        block = result[start : start + BLOCK]
        np.multiply(flat[0][start : start + BLOCK], kind.type(shares[0]), out=block)
        for array, share in zip(flat[1:], shares[1:], strict=True):
            add(array[start : start + BLOCK], block, a=share)
    return result.reshape(arrays[0].shape)
