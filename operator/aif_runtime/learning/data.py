"""Data sets that need no download, each the same for the same seed, and data of one's own from a volume."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from aif_runtime.learning.arrays import Array, Floats
from aif_runtime.learning.errors import InvalidRole
from aif_runtime.learning.losses import Loss
from aif_runtime.learning.partition import shares

TEST_SHARE: Final = 0.2
PRESSURE_NOISE: Final = (5.0, 4.0)
"""Standard deviation of what no model can know of systolic and diastolic pressure, mmHg."""

PRESSURE_MEAN: Final = np.array([125.0, 80.0], dtype=np.float32)
PRESSURE_SPREAD: Final = np.array([15.0, 10.0], dtype=np.float32)
_PRESSURE_FEATURES: Final = 8
_PRESSURE_TEST_CLIENTS: Final = 20
_FIRST_TEST_CLIENT: Final = 1_000_000
_PICTURE: Final = (3, 32, 32)
_CLASSES: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Inputs of shape [examples, features] and what is to be learned of each."""

    x: Floats
    y: Array

    def __len__(self) -> int:
        return len(self.x)

    def at(self, rows: NDArray[np.int64]) -> Examples:
        """Return the examples in these rows, in this order."""
        return Examples(self.x[rows], self.y[rows])


@dataclass(frozen=True, slots=True)
class Task:
    """What is learned.

    Attributes:
        features: Numbers in one input.
        outputs: Classes, or values.
        loss: Whether they are classes or values.
        scale: For values: what an output of 1 means in the unit of each value.
        tolerance: For values: an example counts as right where each value is so near, in the unit of `scale`.
        shape: Of one input, such as (channels, rows, columns); `features` numbers without one.
    """

    features: int
    outputs: int
    loss: Loss
    scale: tuple[float, ...] = ()
    tolerance: float = 0.0
    shape: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", self.shape or (self.features,))
        if prod(self.shape) != self.features:
            raise InvalidRole(f"task.shape: {self.shape} has {prod(self.shape)} numbers, features says {self.features}")


class Dataset(Protocol):
    """Data for clients, and others to judge by."""

    @property
    def task(self) -> Task:
        """What is learned from it."""

    def client(self, index: int) -> Examples:
        """Return what the client ``index`` has."""

    def test(self) -> Examples:
        """Return what no client has."""


@dataclass(frozen=True, slots=True)
class Split:
    """How data go to clients.

    Attributes:
        seed: All draws follow from it.
        clients: Among how many.
        alpha: Of the Dirichlet distribution over the clients for each class: the smaller, the less alike they are; 0
            for equal shares drawn at random.
    """

    seed: int = 0
    clients: int = 1
    alpha: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Divided:
    """A fixed set of examples, a part of it for the test, the rest divided among clients."""

    task: Task
    training: Examples
    tested: Examples
    parts: tuple[NDArray[np.int64], ...]

    def client(self, index: int) -> Examples:
        """Return what the client ``index`` has."""
        return self.training.at(self.parts[index])

    def test(self) -> Examples:
        """Return what no client has."""
        return self.tested


def digits(split: Split) -> Dataset:
    """Return 1797 images of handwritten digits, 8 by 8 pixels from 0 to 1."""
    table = _table("digits.csv.gz", 0)
    return _divided(TASKS["Digits"], Examples(table[:, :-1] / np.float32(16), table[:, -1].astype(np.int64)), split)


def breast_cancer(split: Split) -> Dataset:
    """Return 569 cases with 30 features each, benign or not, scaled by the mean and spread of the training part."""
    table = _table("breast_cancer.csv", 1)
    return _divided(TASKS["BreastCancer"], Examples(table[:, :-1], table[:, -1].astype(np.int64)), split, scaled=True)


def _table(name: str, head: int) -> Floats:
    """Return a table that comes along with scikit-learn; to import that as well would take seconds in every process."""
    found = find_spec("sklearn")
    if found is None or not found.submodule_search_locations:
        raise InvalidRole("data.source: scikit-learn, which brings the data along, is not installed")
    path = Path(found.submodule_search_locations[0]) / "datasets" / "data" / name
    return np.loadtxt(path, delimiter=",", skiprows=head, dtype=np.float32)


def _divided(task: Task, examples: Examples, split: Split, *, scaled: bool = False) -> Divided:
    order = default_rng([split.seed, len(examples)]).permutation(len(examples))
    tests = round(len(examples) * TEST_SHARE)
    training, tested = examples.at(order[tests:]), examples.at(order[:tests])
    if scaled:
        mean, spread = training.x.mean(axis=0), training.x.std(axis=0)
        training, tested = (Examples((part.x - mean) / spread, part.y) for part in (training, tested))
    return Divided(task, training, tested, shares(training.y, split.clients, split.alpha, split.seed))


@dataclass(frozen=True, slots=True)
class BloodPressure:
    """Made-up readings of a sensor, from which systolic and diastolic pressure follow but for noise.

    Each client is drawn from its own seed, so that any number may join; each has a body of its own (its features lie
    elsewhere), and the noise bounds what any model can reach: a mean absolute error of 3.99 and 3.19 mmHg.
    """

    split: Split
    examples: int = 400

    @property
    def task(self) -> Task:
        """Two pressures; right is what lies within 10 mmHg of both."""
        spread = tuple(float(value) for value in PRESSURE_SPREAD)
        return Task(_PRESSURE_FEATURES, 2, Loss.SQUARED_ERROR, scale=spread, tolerance=10.0)

    def client(self, index: int) -> Examples:
        """Return what the client ``index`` has."""
        return _readings(default_rng([self.split.seed, index]), self.examples)

    def test(self) -> Examples:
        """Return readings of twenty others."""
        each = max(1, self.examples // _PRESSURE_TEST_CLIENTS)
        generators = (
            default_rng([self.split.seed, _FIRST_TEST_CLIENT + index]) for index in range(_PRESSURE_TEST_CLIENTS)
        )
        parts = [_readings(generator, each) for generator in generators]
        return Examples(np.concatenate([part.x for part in parts]), np.concatenate([part.y for part in parts]))


def _readings(generator: Generator, count: int) -> Examples:
    body = generator.normal(0.0, 0.5, _PRESSURE_FEATURES)
    x = body + generator.normal(0.0, 1.0, (count, _PRESSURE_FEATURES))
    age, rate, transit, width, mass, rest, sleep, salt = x.T
    systolic = 125 + 8 * age - 9 * np.tanh(transit) + 3 * np.abs(rate) + 2 * mass * salt
    diastolic = 80 + 4 * age - 5 * np.tanh(width) + 2 * np.abs(rest) - 2 * np.tanh(sleep * mass)
    pressure = np.stack([systolic, diastolic], axis=1) + generator.normal(0.0, PRESSURE_NOISE, (count, 2))
    return Examples(x.astype(np.float32), ((pressure - PRESSURE_MEAN) / PRESSURE_SPREAD).astype(np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Made-up pictures of 3 by 32 by 32 numbers in ten classes: a pattern per class, under noise."""

    split: Split
    examples: int = 400

    @property
    def task(self) -> Task:
        """Ten classes."""
        return Task(prod(_PICTURE), _CLASSES, Loss.CROSS_ENTROPY, shape=_PICTURE)

    def client(self, index: int) -> Examples:
        """Return what the client ``index`` has."""
        return self._drawn(default_rng([self.split.seed, index]), self.split.alpha)

    def test(self) -> Examples:
        """Return pictures that no client has, of all classes alike."""
        return self._drawn(default_rng([self.split.seed, _FIRST_TEST_CLIENT]), 0.0)

    def _drawn(self, generator: Generator, alpha: float) -> Examples:
        coarse = default_rng([self.split.seed, _CLASSES, _FIRST_TEST_CLIENT]).normal(0.0, 1.0, (_CLASSES, 3, 4, 4))
        patterns = np.kron(coarse, np.ones((8, 8))).reshape(_CLASSES, -1)
        share = generator.dirichlet(np.full(_CLASSES, alpha)) if alpha else np.full(_CLASSES, 1 / _CLASSES)
        y = generator.choice(_CLASSES, self.examples, p=share)
        x = patterns[y] + generator.normal(0.0, 1.0, (self.examples, patterns.shape[1]))
        return Examples(x.astype(np.float32), y.astype(np.int64))


def volume(path: Path, split: Split) -> Dataset:
    """Return the data of a safetensors file with `x` (float32, [examples, ...]) and `y` (int64 classes, or float32).

    Raises:
        InvalidRole: The file is not there, or is not such.
    """
    try:
        arrays = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InvalidRole(f"data.path: {path} cannot be read as safetensors: {error}") from error
    x, y = arrays.get("x"), arrays.get("y")
    if x is None or y is None or len(x) != len(y) or x.dtype != np.float32 or y.dtype.name not in {"int64", "float32"}:
        raise InvalidRole(f"data.path: {path} must hold x (float32) and y (int64 or float32) of the same length")
    flat = x.reshape(len(x), -1)
    classes = y.dtype == np.int64
    outputs = int(y.max()) + 1 if classes else y.reshape(len(y), -1).shape[1]
    loss = Loss.CROSS_ENTROPY if classes else Loss.SQUARED_ERROR
    scale = () if classes else (1.0,) * outputs
    task = Task(flat.shape[1], outputs, loss, scale=scale, tolerance=1.0, shape=x.shape[1:])
    return _divided(task, Examples(flat, y if classes else y.reshape(len(y), -1)), split)


TASKS: Final[dict[str, Task]] = {
    "Digits": Task(features=64, outputs=10, loss=Loss.CROSS_ENTROPY, shape=(1, 8, 8)),
    "BreastCancer": Task(features=30, outputs=2, loss=Loss.CROSS_ENTROPY),
    "Synthetic": BloodPressure(Split()).task,
    "Images": Images(Split()).task,
}
"""What is learned from each built-in source; known without its data."""

SOURCES: Final[dict[str, Callable[[Split], Dataset]]] = {
    "Digits": digits,
    "BreastCancer": breast_cancer,
}

DRAWN: Final[dict[str, Callable[[Split, int], Dataset]]] = {"Synthetic": BloodPressure, "Images": Images}
"""Sources that are drawn for each client, as many examples as are asked for."""
