"""A round of local training, and the judgement of a model on data that it did not see."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray

from aif_runtime.learning.arrays import Array, Floats
from aif_runtime.learning.data import Examples, Task
from aif_runtime.learning.errors import PeerRefused
from aif_runtime.learning.learner import Learner, Plan
from aif_runtime.learning.losses import Loss


@dataclass(frozen=True, slots=True)
class Turn:
    """Who trains when; with the seed it settles the order of all batches.

    Attributes:
        seed: Of the job.
        client: Number of the client.
        round: Number of the round, from 1.
    """

    seed: int
    client: int
    round: int


def batches(count: int, plan: Plan, turn: Turn) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of each batch, all passes of a round one after the other."""
    size = plan.batch or count
    for epoch in range(plan.epochs):
        order = default_rng([turn.seed, turn.client, turn.round, epoch]).permutation(count)
        yield from (order[start : start + size] for start in range(0, count, size))


def train(
    learner: Learner, examples: Examples, plan: Plan, turn: Turn, stopped: Callable[[], bool] = lambda: False
) -> float:
    """Train for one round, and return the mean loss over its examples.

    Raises:
        PeerRefused: ``stopped`` said so before a batch.
    """
    total = seen = 0.0
    for rows in batches(len(examples), plan, turn):
        if stopped():
            raise PeerRefused("Superseded", f"round {turn.round} was given up")
        part = examples.at(rows)
        total += learner.learn(part.x, part.y) * len(part)
        seen += len(part)
    return total / seen if seen else math.nan


def evaluate(learner: Learner, examples: Examples, task: Task) -> dict[str, float]:
    """Return ``loss`` and ``accuracy`` (a share), for values also the mean absolute error of each in its unit."""
    outputs = learner.predict(examples.x)
    return {"loss": learner.loss(outputs, examples.y), "examples": len(examples), **judged(outputs, examples.y, task)}


def judged(outputs: Floats, y: Array, task: Task) -> Mapping[str, float]:
    """Return the share that is right, and for values the mean absolute error of each."""
    if task.loss is Loss.CROSS_ENTROPY:
        return {"accuracy": float(np.mean(outputs.argmax(axis=1) == y))}
    error = np.abs(outputs - y) * np.array(task.scale, dtype=np.float32)
    means = {f"error{index}": float(value) for index, value in enumerate(error.mean(axis=0))}
    return {"accuracy": float(np.mean((error <= task.tolerance).all(axis=1))), **means}
