"""Losses with their gradients: the mean over the examples of a batch."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import numpy as np

from aif_runtime.learning.arrays import Array, Floats


class Loss(StrEnum):
    """What a model is trained for."""

    CROSS_ENTROPY = "CrossEntropy"
    """Classes; y holds their numbers, shape [examples]."""

    SQUARED_ERROR = "SquaredError"
    """Values; y holds them, shape [examples, outputs]."""


LossFunction = Callable[[Floats, Array], tuple[float, Floats]]


def log_softmax(logits: Floats) -> Floats:
    """Return the logarithm of the softmax over the last axis; large logits do not overflow."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def softmax(logits: Floats) -> Floats:
    """Return the softmax over the last axis."""
    result: Floats = np.exp(log_softmax(logits))
    return result


def cross_entropy(logits: Floats, y: Array) -> tuple[float, Floats]:
    """Return the mean cross-entropy and its gradient for ``logits``, shape [examples, classes]."""
    rows = np.arange(len(y))
    logs = log_softmax(logits)
    gradient = np.exp(logs)
    gradient[rows, y] -= 1.0
    mean: Floats = np.divide(gradient, len(y), dtype=np.float32)
    return float(-logs[rows, y].mean()), mean


def squared_error(outputs: Floats, y: Array) -> tuple[float, Floats]:
    """Return the mean squared error over all outputs and its gradient for them."""
    error: Floats = np.subtract(outputs, y, dtype=np.float32)
    gradient: Floats = np.multiply(error, 2.0 / error.size, dtype=np.float32)
    return float(np.mean(error**2)), gradient


FUNCTIONS: dict[Loss, LossFunction] = {Loss.CROSS_ENTROPY: cross_entropy, Loss.SQUARED_ERROR: squared_error}
