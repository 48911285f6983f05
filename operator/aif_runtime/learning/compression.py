"""Smaller models: fewer weights, packed so that a file is smaller too, and fewer bits for each ([EDGE], [6GANA])."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from aif_runtime.learning.arrays import Array, Arrays, Floats
from aif_runtime.learning.errors import MalformedFrame

MASK: Final = "/mask"
VALUES: Final = "/values"
SHAPE: Final = "/shape"
INT8: Final = "/int8"
SCALE: Final = "/scale"
_STEPS: Final = 127


def weights(state: Mapping[str, Array]) -> list[str]:
    """Return the names of the matrices: what is pruned and quantised; biases are few, and stay."""
    return sorted(name for name, array in state.items() if array.ndim > 1)


def sparsity(state: Mapping[str, Array]) -> float:
    """Return the share of the weights that are 0."""
    total = sum(state[name].size for name in weights(state))
    return sum(int(np.count_nonzero(state[name] == 0)) for name in weights(state)) / total if total else 0.0


def magnitude_masks(state: Mapping[str, Array], share: float) -> Arrays:
    """Return masks that take the smallest weights away, the ``share`` of them over the whole model."""
    names = weights(state)
    sizes = np.concatenate([np.abs(state[name]).ravel() for name in names])
    count = round(share * sizes.size)
    if not count:
        return {name: np.ones_like(state[name]) for name in names}
    threshold = np.partition(sizes, count - 1)[count - 1]
    return threshold_masks(state, float(threshold))


def threshold_masks(state: Mapping[str, Array], threshold: float) -> Arrays:
    """Return masks that take away the weights up to ``threshold``, such as after training with λ‖w‖₁ ([EDGE])."""
    return {name: (np.abs(state[name]) > threshold).astype(state[name].dtype) for name in weights(state)}


def packed(state: Mapping[str, Array]) -> Arrays:
    """Return the numbers with zeros left out: a bit for each place, and the others in their order.

    A matrix that would not become smaller stays as it is.
    """
    found: Arrays = {}
    for name, array in state.items():
        kept = array != 0
        if array.ndim < 2 or np.count_nonzero(kept) * array.itemsize + array.size / 8 >= array.nbytes:  # noqa: PLR2004 - a matrix
            found[name] = array
            continue
        found[f"{name}{MASK}"] = np.packbits(kept)
        found[f"{name}{VALUES}"] = array[kept]
        found[f"{name}{SHAPE}"] = np.array(array.shape, dtype=np.int64)
    return found


def unpacked(stored: Mapping[str, Array]) -> Arrays:
    """Return what `packed` made smaller as it was.

    Raises:
        MalformedFrame: Parts are missing, or do not fit together.
    """
    found = {name: array for name, array in stored.items() if not name.endswith((MASK, VALUES, SHAPE))}
    for name in sorted(key.removesuffix(MASK) for key in stored if key.endswith(MASK)):
        try:
            values, shape = stored[f"{name}{VALUES}"], tuple(int(size) for size in stored[f"{name}{SHAPE}"])
            kept = np.unpackbits(stored[f"{name}{MASK}"], count=int(np.prod(shape))).astype(bool)
            array = np.zeros(kept.size, dtype=values.dtype)
            array[kept] = values
        except (KeyError, ValueError) as error:
            raise MalformedFrame(f"{name} cannot be unpacked: {error}") from error
        found[name] = array.reshape(shape)
    return found


def quantised(state: Mapping[str, Array]) -> Arrays:
    """Return matrices as 8-bit numbers with a scale per row; the error of a weight is at most half a scale."""
    found: Arrays = {}
    for name, array in state.items():
        if name not in weights(state):
            found[name] = array
            continue
        rows = array.reshape(len(array), -1)
        scale = np.abs(rows).max(axis=1) / _STEPS
        safe = np.where(scale > 0, scale, 1).astype(np.float32)
        found[f"{name}{INT8}"] = np.rint(rows / safe[:, None]).astype(np.int8).reshape(array.shape)
        found[f"{name}{SCALE}"] = safe
    return found


def restored(stored: Mapping[str, Array]) -> Arrays:
    """Return what `quantised` made smaller as 32-bit numbers."""
    found = {name: array for name, array in stored.items() if not name.endswith((INT8, SCALE))}
    for name in sorted(key.removesuffix(INT8) for key in stored if key.endswith(INT8)):
        steps = stored[f"{name}{INT8}"]
        scale: Floats = stored[f"{name}{SCALE}"].reshape(-1, *([1] * (steps.ndim - 1)))
        found[name] = steps.astype(np.float32) * scale
    return found
