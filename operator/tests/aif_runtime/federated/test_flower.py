"""What is taken for granted of Flower, and its strategies over own streams."""

from __future__ import annotations

import asyncio
import inspect
from importlib.metadata import version

import numpy as np
import pytest
from flwr.serverapp.strategy import FedAvg, FedMedian, Krum

from aif_runtime.federated.flower import (
    PARAMETERS,
    STRATEGIES,
    FastAverage,
    GrpcGrid,
    Strategist,
    arrays_of,
    node_id,
    record_of,
)
from aif_runtime.federated.screening import Update
from aif_runtime.learning.arrays import Arrays, digest
from aif_runtime.learning.errors import InvalidRole

STATE: Arrays = {"w": np.zeros(4, dtype=np.float32), "n": np.array([3])}
NAMES = [f"c-{index}" for index in range(5)]


def an_update(name: str, value: float, examples: int = 1) -> Update:
    """Return what a client learned: the same value everywhere."""
    return Update(name, {"w": np.full(4, value, dtype=np.float32), "n": np.array([9])}, examples, loss=1.0)


def combined(strategy: str, updates: list[Update], **parameters: float) -> Arrays:
    """Return the model after a round."""
    strategist = Strategist(strategy, parameters, 1.0, 1)
    strategist.choose(1, STATE, [update.name for update in updates], seed=0)
    return strategist.combine(1, STATE, updates)


def test_the_version_is_the_one_that_was_tried() -> None:
    assert version("flwr") == "1.41.0"


def test_a_message_to_a_client_is_as_it_is_taken_for_granted() -> None:
    parameters = inspect.signature(FedAvg.configure_train).parameters
    assert list(parameters) == ["self", "server_round", "arrays", "config", "grid"]
    assert list(inspect.signature(FedAvg.aggregate_train).parameters) == ["self", "server_round", "replies"]


def test_numbers_go_through_a_record_without_a_copy() -> None:
    assert arrays_of(record_of(STATE))["w"] is STATE["w"]


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_keeps_names_shapes_and_kinds(name: str) -> None:
    found = combined(name, [an_update(client, value) for client, value in zip(NAMES, range(5), strict=True)])
    assert {key: (array.shape, array.dtype) for key, array in found.items()} == {
        key: (array.shape, array.dtype) for key, array in STATE.items()
    }
    assert found["n"] == [9]


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_of_a_strategy_is_taken(name: str) -> None:
    Strategist(name, dict.fromkeys(PARAMETERS[name], 1), 1.0, 1)


def test_the_mean_is_weighted_by_the_examples() -> None:
    found = combined("FedAvg", [an_update("a", 1.0, examples=1), an_update("b", 4.0, examples=2)])
    np.testing.assert_allclose(found["w"], 3.0)


def test_the_median_and_krum_are_not_moved_by_one_liar() -> None:
    honest = [an_update(name, 1.0 + 0.01 * place) for place, name in enumerate(NAMES[:4])]
    liar = an_update("liar", 1e6)
    for name in ("Median", "Krum"):
        assert np.abs(combined(name, [*honest, liar])["w"] - 1.0).max() < 0.1
    assert combined("FedAvg", [*honest, liar])["w"].max() > 1e5


def test_the_server_of_adam_steps_by_its_own_rate() -> None:
    small, large = (combined("FedAdam", [an_update("a", 1.0)], eta=eta)["w"][0] for eta in (0.01, 0.1))
    assert 0 < small < large < 1


def test_the_proximal_weight_goes_to_the_clients() -> None:
    strategist = Strategist("FedProx", {"proximal_mu": 0.5}, 1.0, 1)
    _, config = strategist.choose(1, STATE, NAMES, seed=0)
    assert config["proximal-mu"] == 0.5


def test_what_adam_remembers_can_be_kept_and_given_back() -> None:
    one, other = (Strategist("FedAdam", {}, 1.0, 1) for _ in range(2))
    for strategist in (one, other):
        strategist.choose(1, STATE, ["a"], seed=0)
    state = one.combine(1, STATE, [an_update("a", 1.0)])
    other.memory = one.memory
    for strategist in (one, other):
        strategist.choose(2, state, ["a"], seed=0)
    both = [strategist.combine(2, state, [an_update("a", 2.0)]) for strategist in (one, other)]
    assert digest(both[0]) == digest(both[1])


@pytest.mark.parametrize("fraction", [0.4, 1.0])
def test_clients_are_chosen_the_same_for_the_same_seed(fraction: float) -> None:
    strategist = Strategist("FedAvg", {}, fraction, 1)
    chosen = [strategist.choose(3, STATE, NAMES, seed=5)[0] for _ in range(2)]
    assert chosen[0] == chosen[1]
    assert len(chosen[0]) == fraction * len(NAMES)


def test_over_the_rounds_every_client_is_chosen() -> None:
    strategist = Strategist("FedAvg", {}, 0.4, 1)
    assert {name for turn in range(30) for name in strategist.choose(turn, STATE, NAMES, seed=5)[0]} == set(NAMES)


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        pytest.param("FedSGD", {}, "strategy.name: there is no strategy 'FedSGD'", id="an unknown strategy"),
        pytest.param("FedAvg", {"eta": 1.0}, "strategy.parameters: FedAvg has no eta", id="an unknown parameter"),
    ],
)
def test_a_strategy_that_is_not_there_is_refused(name: str, parameters: dict[str, float], said: str) -> None:
    with pytest.raises(InvalidRole, match=said):
        Strategist(name, parameters, 1.0, 1)


def test_numbers_of_clients_are_those_that_flower_takes() -> None:
    ids = [node_id(f"c-{index}") for index in range(1000)]
    assert len(set(ids)) == 1000
    assert all(0 <= number < 2**63 for number in ids)


@pytest.mark.parametrize("strategy", [FedAvg, FastAverage, FedMedian, Krum])
async def test_a_strategy_can_be_started_as_it_stands(strategy: type[FedAvg]) -> None:
    asked: list[tuple[str, str]] = []

    async def exchange(
        name: str, kind: str, arrays: Arrays, config: dict[str, object]
    ) -> tuple[Arrays, dict[str, float]]:
        asked.append((name, kind))
        assert config["server-round"] in (1, 2)
        if name == "late":
            await asyncio.sleep(600)
        return {"w": arrays["w"] + 1}, {"num-examples": 1.0, "loss": 0.5}

    grid = GrpcGrid(lambda: ["a", "b", "late"], exchange, asyncio.get_running_loop())
    start = strategy(fraction_evaluate=0.0, min_available_nodes=3).start
    state = record_of({"w": np.zeros(3, dtype=np.float32)})
    result = await asyncio.to_thread(start, grid=grid, initial_arrays=state, num_rounds=2, timeout=0.2)
    np.testing.assert_allclose(result.arrays["w"].numpy(), 2.0)
    assert sorted(set(asked)) == [("a", "train"), ("b", "train"), ("late", "train")]
