"""Figures read as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.cli import figures


@pytest.mark.parametrize(
    ("microseconds", "text"), [(0, "0 us"), (800, "800 us"), (5250, "5.25 ms"), (20_000, "20 ms"), (1_500_000, "1.5 s")]
)
def test_a_duration_has_the_unit_that_suits_it(microseconds: int, text: str) -> None:
    assert figures.duration(microseconds) == text


@pytest.mark.parametrize(("millijoules", "text"), [(750, "750 mJ"), (2200, "2.2 J"), (3_000_000, "3000 J")])
def test_an_energy_has_the_unit_that_suits_it(millijoules: int, text: str) -> None:
    assert figures.energy(millijoules) == text


@pytest.mark.parametrize(
    ("ppm", "text"), [(999_900, "99.99 %"), (1_000_000, "100 %"), (999_999, "99.9999 %"), (0, "0 %")]
)
def test_an_availability_shows_every_nine(ppm: int, text: str) -> None:
    assert figures.availability(ppm) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        pytest.param("9158 us", "9.16 ms", id="a latency"),
        pytest.param("2200 mJ", "2.2 J", id="an energy"),
        pytest.param("1 nvidia.com/gpu", "1 nvidia.com/gpu", id="devices stay"),
        pytest.param("unknown", "unknown", id="words stay"),
        pytest.param("", "", id="nothing stays"),
    ],
)
def test_a_figure_of_a_refusal_is_made_readable(amount: str, text: str) -> None:
    assert figures.readable(amount) == text


@pytest.mark.parametrize(
    ("quantity", "text"),
    [("930G", "930 GFLOP/s"), ("0", "0 FLOP/s"), ("1.233T", "1.233 TFLOP/s"), ("500m", "500 mFLOP/s")],
)
def test_a_rate_carries_its_prefix_over_to_the_unit(quantity: str, text: str) -> None:
    assert figures.rate(quantity, "FLOP/s") == text


@pytest.mark.parametrize(("amount", "text"), [(40 * 2**30, "40Gi"), (2**40, "1Ti"), (3.5 * 2**20, "3.5Mi"), (0, "0")])
def test_memory_reads_in_powers_of_two(amount: float, text: str) -> None:
    assert figures.binary(amount) == text


@pytest.mark.parametrize(
    ("dimension", "value", "text"),
    [
        ("latency", 5250, "5.25 ms"),
        ("energy", 2200, "2.2 J"),
        ("accuracy", 7159, "71.59 %"),
        ("availability", 999_900, "99.99 %"),
        ("latency", None, "-"),
        ("unheard-of", 3, "3"),
    ],
)
def test_a_contract_reads_in_the_unit_of_its_dimension(dimension: str, value: int | None, text: str) -> None:
    assert figures.in_unit(dimension, value) == text


@given(st.integers(min_value=0, max_value=3_600_000_000))
def test_a_duration_is_short_and_true_to_three_digits(microseconds: int) -> None:
    number, unit = figures.duration(microseconds).split()
    size = {"us": 1, "ms": 1e3, "s": 1e6}[unit]
    assert abs(float(number) * size - microseconds) <= 0.005 * microseconds + 0.5
    assert len(number) <= 5
