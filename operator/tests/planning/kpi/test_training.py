"""Training, centralised and distributed, by hand with the worked set-up of [6GANA] section 5, and by properties."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.errors import InvalidSpec
from aif.planning.kpi.inference import Channel, Platform
from aif.planning.kpi.training import TrainingKpi, TrainingWork, centralised, distributed

USER = Platform(1.4e12, 30.0)
NETWORK = Platform(19.5e12, 400.0)
LINK = Channel(1.95e9, 636.0)
WORK = TrainingWork(
    parameters=138e6,
    bits_per_parameter=32,
    flops_per_sample=93e9,
    input_bits=4.8e6,
    samples=1.28e6,
    samples_per_user=12800,
    rounds=200,
    epochs_per_round=1,
    users_per_round=100,
)


def a_work(**changes: Any) -> TrainingWork:
    return replace(WORK, **changes)


def at_the_users(**changes: Any) -> TrainingKpi:
    return distributed(a_work(**changes), USER, LINK, LINK, LINK, 0.702)


def in_the_network(**changes: Any) -> TrainingKpi:
    return centralised(a_work(**changes), NETWORK, LINK, 0.702)


def test_distributed_training_by_hand() -> None:
    found = at_the_users()
    assert found.sample_seconds == pytest.approx(66.428571e-3, rel=1e-7), "93/1400 s"
    assert found.sample_joules == pytest.approx(1.9928571, rel=1e-7), "30 W for that time"
    assert found.per_round.compute_seconds == pytest.approx(850.285714, rel=1e-7), "12,800 samples"
    assert found.per_round.communication_seconds == pytest.approx(4.5292308, rel=1e-7), "2 · 4.416 Gbit ÷ 1.95 Gbit/s"
    assert found.per_round.compute_joules == pytest.approx(2.55085714e6, rel=1e-7), "1.28 M samples"
    assert found.per_round.communication_joules == pytest.approx(144029.538, rel=1e-7), "100 · 4.416e9 ÷ 3.06604e6"
    assert found.seconds == pytest.approx(170962.989, rel=1e-7)
    assert found.joules == pytest.approx(538977336.0, rel=1e-7)
    assert found.carbon_grams == pytest.approx(105100.58, rel=1e-6), "149.716 kWh · 702 g"
    assert found.sample_bits_per_joule == pytest.approx(2.4086022e6, rel=1e-7)
    assert found.bits_per_joule == pytest.approx(11399.366, rel=1e-7), "6.144 Tbit"


def test_centralised_training_by_hand() -> None:
    found = in_the_network()
    assert found.sample_seconds == pytest.approx(4.7692308e-3, rel=1e-7), "93/19500 s"
    assert found.sample_joules == pytest.approx(1.9076923, rel=1e-7)
    assert found.per_round.compute_seconds == pytest.approx(6104.61538, rel=1e-7)
    assert found.per_round.compute_joules == pytest.approx(2.44184615e6, rel=1e-7)
    transfer = 12800 * 4.8e6 / 1.95e9
    assert found.per_round.communication_seconds * 200 == pytest.approx(transfer, rel=1e-12), "31.5 s, once"
    assert found.per_round.communication_joules * 200 == pytest.approx(2003889.2, rel=1e-7), "6.144e12 ÷ 3.06604e6"
    assert found.seconds == pytest.approx(transfer + 1220923.0769, rel=1e-9)
    assert found.joules == pytest.approx(490373120.0, rel=1e-7)
    assert found.sample_bits_per_joule == pytest.approx(2.5161290e6, rel=1e-7)
    assert found.bits_per_joule == pytest.approx(6.144e12 / 490373120.0, rel=1e-7)


def test_unequal_rates_split_the_time_of_a_round_and_leave_its_energy() -> None:
    down, up = Channel(4.416e9, 636.0), Channel(2.208e9, 636.0)
    found = distributed(WORK, USER, down, up, LINK)
    assert found.per_round.communication_seconds == pytest.approx(1.0 + 2.0)
    assert found.per_round.communication_joules == at_the_users().per_round.communication_joules


def test_without_an_intensity_nothing_is_emitted() -> None:
    assert distributed(WORK, USER, LINK, LINK, LINK).carbon_grams == 0.0


@pytest.mark.parametrize("train", [at_the_users, in_the_network])
@given(rounds=st.integers(1, 1000), epochs=st.integers(1, 50))
def test_a_training_is_the_sum_of_its_rounds(train: Callable[..., TrainingKpi], rounds: int, epochs: int) -> None:
    found = train(rounds=rounds, epochs_per_round=epochs)
    assert found.seconds == pytest.approx(rounds * found.per_round.seconds)
    assert found.joules == pytest.approx(rounds * found.per_round.joules)


@given(rounds=st.integers(1, 1000), epochs=st.integers(1, 50))
def test_passes_at_the_network_count_the_same_in_one_round_or_in_many(rounds: int, epochs: int) -> None:
    many = in_the_network(rounds=rounds, epochs_per_round=epochs)
    one = in_the_network(rounds=1, epochs_per_round=rounds * epochs)
    assert many.seconds == pytest.approx(one.seconds)
    assert many.joules == pytest.approx(one.joules)


@given(users=st.integers(1, 10_000))
def test_users_cost_energy_and_no_time(users: int) -> None:
    found, fewest = at_the_users(users_per_round=users), at_the_users(users_per_round=1)
    assert found.seconds == fewest.seconds
    assert found.joules >= fewest.joules
    assert found.bits_per_joule <= fewest.bits_per_joule


@given(bits=st.sampled_from([1, 4, 8, 16, 32]))
def test_narrower_parameters_shorten_distributed_rounds_in_proportion(bits: int) -> None:
    found, wide = at_the_users(bits_per_parameter=bits), at_the_users()
    expected = wide.per_round.communication_seconds * bits / 32
    assert found.per_round.communication_seconds == pytest.approx(expected)
    assert in_the_network(bits_per_parameter=bits) == in_the_network(), "which sends samples, no parameters"


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("parameters", "model.parameters"),
        ("bits_per_parameter", "model.bitsPerParameter"),
        ("flops_per_sample", "model.flopPerSample"),
        ("input_bits", "model.inputBits"),
        ("samples", "data.samples"),
        ("samples_per_user", "data.samplesPerUser"),
        ("rounds", "rounds"),
        ("epochs_per_round", "epochsPerRound"),
        ("users_per_round", "usersPerRound"),
    ],
)
def test_a_figure_out_of_bounds_is_refused_by_name(name: str, field: str, value: float) -> None:
    with pytest.raises(InvalidSpec) as caught:
        a_work(**{name: value})
    assert caught.value.field == field


@pytest.mark.parametrize("name", ["samples", "rounds", "users_per_round"])
def test_half_a_sample_round_or_user_is_refused(name: str) -> None:
    with pytest.raises(InvalidSpec, match="must be a whole number from 1"):
        a_work(**{name: 12800.5})


def test_a_user_cannot_hold_more_samples_than_there_are() -> None:
    with pytest.raises(InvalidSpec, match=r"data\.samplesPerUser: must not exceed data\.samples"):
        a_work(samples=12799)
