"""Inference divided at a cut, against the worked set-up of [6GANA] section 5, by hand, and by properties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.errors import InvalidSpec
from aif.planning.kpi.inference import Channel, InferenceKpi, Model, Platform, inference

USER = Platform(1.4e12, 30.0)
NETWORK = Platform(19.5e12, 400.0)
LINK = Channel(1.95e9, 636.0)
VGG16 = Model(0.7159, 4.8e6, 31e9)
USER_FLOPS = np.array([0.0, 3.9, 9.4, 18.7, 27.9, 30.7, 31.0]) * 1e9
BITS = np.array([4.8, 24.0, 12.0, 6.4, 4.0, 0.8, 0.0]) * 1e6

amounts = st.floats(1e-3, 1e12)


def worked(**changes: Any) -> InferenceKpi:
    """Return the worked set-up at all of its cuts."""
    arguments: dict[str, Any] = {
        "model": VGG16,
        "user_flops": USER_FLOPS,
        "transfer_bits": BITS,
        "user": USER,
        "network": NETWORK,
        "channel": LINK,
        "kg_per_kwh": 0.702,
    }
    return inference(**arguments | changes)


def test_cut_0_takes_4_05_milliseconds_and_2_20_joules() -> None:
    found = worked()
    assert found.user_seconds[0] == 0.0
    assert found.transfer_seconds[0] == pytest.approx(2.461538e-3, rel=1e-6)
    assert found.network_seconds[0] == pytest.approx(1.589744e-3, rel=1e-6)
    assert found.latency_seconds[0] == pytest.approx(4.05e-3, abs=5e-6)
    assert found.energy_joules[0] == pytest.approx(2.20, abs=5e-3)
    assert found.bits_per_joule[0] == pytest.approx(2.18e6, abs=5e3)
    assert found.carbon_grams[0] == pytest.approx(4.2927e-4, rel=1e-4), "2.201436 J ÷ 3.6e6 · 702 g/kWh"
    assert found.accuracy[0] == 0.7159


def test_cut_2_by_hand() -> None:
    """9.4/1400 s + 12/1950 s + 21.6/19500 s; 0.201429 J + 3.913846 J + 0.443077 J."""
    found = worked()
    assert found.user_seconds[2] == pytest.approx(6.714286e-3, rel=1e-6)
    assert found.transfer_seconds[2] == pytest.approx(6.153846e-3, rel=1e-6)
    assert found.network_seconds[2] == pytest.approx(1.107692e-3, rel=1e-6)
    assert found.latency_seconds[2] == pytest.approx(13.975824e-3, rel=1e-6)
    assert found.energy_joules[2] == pytest.approx(4.558352, rel=1e-6)
    assert found.bits_per_joule[2] == pytest.approx(1.053012e6, rel=1e-6)


def test_everything_on_the_users_side_sends_nothing() -> None:
    found = worked()
    assert found.transfer_seconds[6] == found.network_seconds[6] == 0.0
    assert found.latency_seconds[6] == pytest.approx(22.142857e-3, rel=1e-6)
    assert found.energy_joules[6] == pytest.approx(0.664286, rel=1e-6)
    assert found.bits_per_joule[6] == pytest.approx(7.225806e6, rel=1e-6)


def test_reliability_lowers_accuracy_and_nothing_else() -> None:
    sure, unsure = worked(), worked(channel=Channel(1.95e9, 636.0, 0.9))
    assert unsure.accuracy == pytest.approx(sure.accuracy * 0.9)
    np.testing.assert_array_equal(unsure.latency_seconds, sure.latency_seconds)


def test_platforms_broadcast_against_cuts() -> None:
    found = worked(network=Platform(np.array([[19.5e12], [39e12]]), 400.0))
    assert found.latency_seconds.shape == found.accuracy.shape == (2, 7)
    np.testing.assert_array_equal(found.latency_seconds[0], worked().latency_seconds)
    assert found.network_seconds[1] == pytest.approx(found.network_seconds[0] / 2)


@given(flops=amounts, share=st.floats(0, 1), bits=amounts, rate=amounts, speed=amounts, watts=amounts)
def test_units_cancel(flops: float, share: float, bits: float, rate: float, speed: float, watts: float) -> None:
    """Mega- instead of plain units of work and of rate change no time; kilowatts for watts give kilojoules."""
    plain = inference(
        Model(1.0, bits, flops), flops * share, bits, Platform(speed, watts), NETWORK, Channel(rate, watts)
    )
    mega = inference(
        Model(1.0, bits / 1e6, flops / 1e6),
        flops * share / 1e6,
        bits / 1e6,
        Platform(speed / 1e6, watts / 1e3),
        Platform(19.5e6, 0.4),
        Channel(rate / 1e6, watts / 1e3),
    )
    assert mega.latency_seconds == pytest.approx(plain.latency_seconds, rel=1e-9)
    assert mega.energy_joules * 1e3 == pytest.approx(plain.energy_joules, rel=1e-9)


@given(factor=st.floats(1.0, 1e3), share=st.floats(0, 1), bits=amounts)
def test_what_is_faster_never_takes_longer(factor: float, share: float, bits: float) -> None:
    arguments = {"user_flops": 31e9 * share, "transfer_bits": bits}
    slow = worked(**arguments)
    for faster in (
        {"user": Platform(1.4e12 * factor, 30.0)},
        {"network": Platform(19.5e12 * factor, 400.0)},
        {"channel": Channel(1.95e9 * factor, 636.0)},
    ):
        found = worked(**arguments, **faster)
        assert found.latency_seconds <= slow.latency_seconds * (1 + 1e-12)
        assert found.energy_joules <= slow.energy_joules * (1 + 1e-12)


@given(share=st.floats(0, 1), bits=amounts, more=st.floats(1.0, 1e3))
def test_more_data_take_longer_and_more_energy(share: float, bits: float, more: float) -> None:
    few = worked(user_flops=31e9 * share, transfer_bits=bits)
    many = worked(user_flops=31e9 * share, transfer_bits=bits * more)
    assert many.latency_seconds >= few.latency_seconds
    assert many.energy_joules >= few.energy_joules
    assert many.bits_per_joule <= few.bits_per_joule
    assert many.carbon_grams >= few.carbon_grams


@given(share=st.floats(0, 1))
def test_on_equal_sides_it_does_not_matter_where_the_cut_lies(share: float) -> None:
    found = worked(user_flops=31e9 * share, transfer_bits=0.0, user=NETWORK)
    assert found.latency_seconds == pytest.approx(31e9 / 19.5e12)
    assert found.energy_joules == pytest.approx(31e9 / (19.5e12 / 400.0))


def test_an_endless_link_leaves_compute_alone() -> None:
    found = worked(channel=Channel(1e30, 636.0))
    assert found.latency_seconds == pytest.approx(found.user_seconds + found.network_seconds)


def test_carbon_is_linear_in_the_intensity_and_zero_without() -> None:
    assert worked(kg_per_kwh=1.404).carbon_grams == pytest.approx(2 * worked().carbon_grams)
    np.testing.assert_array_equal(worked(kg_per_kwh=0.0).carbon_grams, 0.0)


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf, 1e31, 1e-31])
@pytest.mark.parametrize(
    ("make", "field"),
    [
        pytest.param(lambda value: Platform(value, 1.0), "flopPerSecond", id="compute rate"),
        pytest.param(lambda value: Platform(1.0, [1.0, value]), "watts", id="power in an array"),
        pytest.param(lambda value: Channel(value, 1.0), "bitPerSecond", id="link rate"),
        pytest.param(lambda value: Channel(1.0, value), "watts", id="power of the link"),
        pytest.param(lambda value: Model(0.5, value, 1.0), "model.inputBits", id="input"),
        pytest.param(lambda value: Model(0.5, 1.0, value), "model.totalFlop", id="work"),
    ],
)
def test_a_figure_out_of_bounds_is_refused_by_name(make: Callable[[float], object], field: str, value: float) -> None:
    with pytest.raises(InvalidSpec, match="must be greater than 0") as caught:
        make(value)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param({"user_flops": 31.1e9}, r"cuts\.userFlop: must not exceed model\.totalFlop", id="more than all"),
        pytest.param({"user_flops": -1.0}, r"cuts\.userFlop: must be 0 or greater", id="negative work"),
        pytest.param({"user_flops": np.nan}, r"cuts\.userFlop: must be 0 or greater", id="unknown work"),
        pytest.param({"transfer_bits": -1.0}, r"cuts\.transferBits: must be 0 or greater", id="negative data"),
        pytest.param({"kg_per_kwh": -0.1}, r"carbonKgPerKWh: must be 0 or greater", id="negative intensity"),
    ],
)
def test_a_cut_that_cannot_be_is_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidSpec, match=complaint):
        worked(**changes)


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_what_is_no_share_is_refused(value: float) -> None:
    with pytest.raises(InvalidSpec, match=r"model\.accuracy: must lie between 0 and 1"):
        Model(value, 1.0, 1.0)
    with pytest.raises(InvalidSpec, match="reliability: must lie between 0 and 1"):
        Channel(1.0, 1.0, value)
