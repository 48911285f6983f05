"""A model and data of one's own, as an image of one's own has them; without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, default_rng

from aif_runtime.learning.data import Dataset, Examples, Split, Task
from aif_runtime.learning.losses import Loss
from aif_runtime.learning.mlp import Mlp

TASK = Task(features=6, outputs=3, loss=Loss.CROSS_ENTROPY)


@dataclass(frozen=True)
class Points:
    """Points around three places."""

    split: Split
    task: Task = TASK

    def client(self, index: int) -> Examples:
        """Return what a client has."""
        return points(default_rng([self.split.seed, index]), 90)

    def test(self) -> Examples:
        """Return what no client has."""
        return points(default_rng([self.split.seed, 999]), 120)


def points(generator: Generator, count: int) -> Examples:
    """Return points, and around which place each lies."""
    y = generator.integers(0, 3, count)
    x = np.repeat(np.eye(3), 2, axis=1)[y] * 2 + generator.normal(0.0, 0.4, (count, 6))
    return Examples(x.astype(np.float32), y)


def made(split: Split) -> tuple[Mlp, Dataset]:
    """Return the model and the data set."""
    return Mlp((6, 12, 3), Loss.CROSS_ENTROPY, split.seed), Points(split)


def model_only(split: Split) -> Mlp:
    """Return no pair."""
    return made(split)[0]
