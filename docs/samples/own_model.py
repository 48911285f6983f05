"""A model and data of one's own, for every way of learning in pods.

Put such a module into an image that has the learning runtime, and name its function in the TrainingJob::

    model: {entryPoint: "own_model:made"}
    data: {source: Own}

or, without a cluster, in the file of each role::

    "model": {"entryPoint": "own_model:made"}, "data": {"source": "Own", "clients": 4}

Every role calls the function. The aggregator and the servers only want the model and the task, so the data are made, or
read, when those of a client are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator, default_rng
from torch import nn

from aif_runtime.learning.data import Dataset, Examples, Split, Task
from aif_runtime.learning.losses import Loss

TASK = Task(features=96, outputs=3, loss=Loss.CROSS_ENTROPY, shape=(2, 48))
"""Two channels with 48 values each, in one of three classes."""

TEST = 1_000_000


class Waves(nn.Module):
    """A small convolutional network for signals; it can be cut after each of its operations."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(TASK.shape[0], 8, 5, padding=2)
        self.relu = nn.ReLU()
        self.pool = nn.AvgPool1d(4)
        self.flatten = nn.Flatten()
        self.classes = nn.Linear(96, TASK.outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits, shape [examples, 3], for x of shape [examples, 2, 48]."""
        return self.classes(self.flatten(self.pool(self.relu(self.conv(x)))))


@dataclass(frozen=True)
class Signals:
    """Waves of three lengths under noise; each client has others."""

    split: Split
    task: Task = TASK

    def client(self, index: int) -> Examples:
        """Return what a client has."""
        return signals(default_rng([self.split.seed, index]), 120)

    def test(self) -> Examples:
        """Return what no client has."""
        return signals(default_rng([self.split.seed, TEST]), 300)


def signals(generator: Generator, count: int) -> Examples:
    """Return waves, each a row of 96 numbers, and the class of each."""
    y = generator.integers(0, TASK.outputs, count)
    phase = generator.uniform(0, 2 * np.pi, (count, 2, 1))
    waves = np.sin(np.arange(48) * (0.2 + 0.25 * y[:, None, None]) + phase)
    noisy = waves + generator.normal(0.0, 0.5, waves.shape)
    return Examples(noisy.reshape(count, -1).astype(np.float32), y)


def made(split: Split) -> tuple[nn.Module, Dataset]:
    """Return the model with its first numbers, the same for the same seed, and the data set."""
    torch.manual_seed(split.seed)
    return Waves(), Signals(split)
