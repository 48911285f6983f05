"""Data: offline, the same for the same seed, and no example of the test with any client."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from aif_runtime.learning.data import PRESSURE_NOISE, SOURCES, TASKS, BloodPressure, Dataset, Split, volume
from aif_runtime.learning.errors import InvalidRole
from aif_runtime.learning.learner import Plan
from aif_runtime.learning.models import built
from aif_runtime.learning.partition import SMALLEST, shares
from aif_runtime.learning.training import Turn, evaluate, train

each_source = pytest.mark.parametrize("source", SOURCES)


def rows(dataset: Dataset, clients: int) -> list[bytes]:
    """Return each example of all clients as bytes."""
    return [row.tobytes() for index in range(clients) for row in dataset.client(index).x]


@each_source
def test_the_same_seed_gives_the_same_data(source: str) -> None:
    one, other = (SOURCES[source](Split(seed=4, clients=3)) for _ in range(2))
    for index in range(3):
        np.testing.assert_array_equal(one.client(index).x, other.client(index).x)
    np.testing.assert_array_equal(one.test().y, other.test().y)


@each_source
def test_another_seed_gives_other_data(source: str) -> None:
    one, other = (SOURCES[source](Split(seed=seed)).client(0) for seed in (1, 2))
    assert not np.array_equal(one.x, other.x)


@each_source
def test_the_task_is_what_the_data_are(source: str) -> None:
    data, task = SOURCES[source](Split(seed=1, clients=2)), TASKS[source]
    assert data.task == task
    assert data.client(1).x.shape[1:] == (task.features,)
    assert data.client(1).x.dtype == np.float32


@each_source
def test_no_example_of_the_test_is_with_a_client(source: str) -> None:
    data = SOURCES[source](Split(seed=1, clients=4))
    tested = {row.tobytes() for row in data.test().x}
    # Two of the images are alike to the last pixel: what counts is that hardly any is.
    assert len(tested & set(rows(data, 4))) <= 1


def test_every_example_goes_to_one_client() -> None:
    data = SOURCES["Digits"](Split(seed=1, clients=5, alpha=0.5))
    assert sum(len(data.client(index)) for index in range(5)) + len(data.test()) == 1797


@settings(max_examples=30)
@given(st.integers(0, 1000), st.integers(1, 8), st.sampled_from([0.0, 0.3, 1.0, 100.0]))
def test_shares_are_disjoint_complete_and_not_tiny(seed: int, clients: int, alpha: float) -> None:
    y = np.random.default_rng(seed).integers(0, 4, 600)
    found = shares(y, clients, alpha, seed)
    assert sorted(np.concatenate(found)) == list(range(600))
    assert min(map(len, found)) >= SMALLEST


def test_a_smaller_alpha_makes_clients_less_alike() -> None:
    y = np.random.default_rng(0).integers(0, 10, 4000)

    def unlike(alpha: float) -> float:
        counts = [np.bincount(y[part], minlength=10) / len(part) for part in shares(y, 5, alpha, 1)]
        return float(np.mean(np.std(counts, axis=0)))

    assert unlike(0.1) > unlike(1.0) > unlike(100.0)


@pytest.mark.parametrize(
    ("clients", "alpha", "said"),
    [
        pytest.param(101, 0.0, "data.clients: 101 clients are too many for 100 examples", id="too many clients"),
        pytest.param(9, 1e-6, "data.alpha: 1e-06 leaves one of 9 clients", id="too uneven"),
    ],
)
def test_data_that_cannot_be_divided_are_refused(clients: int, alpha: float, said: str) -> None:
    with pytest.raises(InvalidRole, match=said):
        shares(np.arange(100) % 2, clients, alpha, 0)


def test_blood_pressure_is_learned_to_near_what_its_noise_allows() -> None:
    data = BloodPressure(Split(seed=1), examples=4000)
    model = built("mlp-3", (32, 16), data.task, 1)
    train(model, data.client(0), Plan(learning_rate=0.05, epochs=20), Turn(1, 0, 1))
    found = evaluate(model, data.client(0), data.task)
    for index, noise in enumerate(PRESSURE_NOISE):
        best = noise * np.sqrt(2 / np.pi)
        assert 0.9 * best < found[f"error{index}"] < 1.25 * best
    assert found["accuracy"] > 0.8


def test_each_client_has_a_body_of_its_own() -> None:
    data = BloodPressure(Split(seed=1))
    means = [data.client(index).x.mean(axis=0) for index in range(2)]
    assert np.abs(means[0] - means[1]).max() > 0.3


def test_a_volume_brings_data_of_ones_own(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(100, 4, 4)).astype(np.float32)
    save_file({"x": x, "y": np.arange(100) % 3}, tmp_path / "data.safetensors")
    data = volume(tmp_path / "data.safetensors", Split(clients=2))
    assert (data.task.features, data.task.outputs) == (16, 3)
    assert len(data.client(0)) + len(data.client(1)) + len(data.test()) == 100


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        pytest.param({"x": np.zeros((4, 2), dtype=np.float32)}, "must hold x", id="no labels"),
        pytest.param({"x": np.zeros((4, 2)), "y": np.zeros(4, dtype=np.int64)}, "must hold x", id="64-bit floats"),
        pytest.param(
            {"x": np.zeros((4, 2), dtype=np.float32), "y": np.zeros(3, dtype=np.int64)}, "same length", id="length"
        ),
    ],
)
def test_a_volume_with_something_else_is_refused(tmp_path: Path, arrays: dict[str, np.ndarray], said: str) -> None:
    save_file(arrays, tmp_path / "data.safetensors")
    with pytest.raises(InvalidRole, match=said):
        volume(tmp_path / "data.safetensors", Split())


def test_a_volume_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRole, match=r"data.path: .*nothing cannot be read"):
        volume(tmp_path / "nothing", Split())
