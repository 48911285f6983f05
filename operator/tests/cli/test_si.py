"""Figures in SI units take the prefix that leaves one to three digits before the point."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.cli.si import share, si


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(0.0, "0 s", id="nothing"),
        pytest.param(4.051e-3, "4.05 ms", id="milli"),
        pytest.param(429.28e-6, "429 us", id="micro"),
        pytest.param(1.0, "1 s", id="no prefix"),
        pytest.param(999.6, "1 ks", id="what rounds up takes the next prefix"),
        pytest.param(2.18e6, "2.18 Ms", id="mega"),
        pytest.param(-0.5, "-500 ms", id="negative"),
        pytest.param(1e-18, "1e-06 ps", id="below all prefixes"),
        pytest.param(1e24, "1e+06 Es", id="above all prefixes"),
    ],
)
def test_a_figure_reads_well(value: float, text: str) -> None:
    assert si(value, "s") == text


@given(st.floats(1e-12, 9e20))
def test_no_figure_has_more_than_three_digits_before_the_point(value: float) -> None:
    number, _ = si(value, "s").split(" ")
    assert 1.0 <= float(number) < 1000.0


def test_a_share_reads_as_per_cent() -> None:
    assert share(0.7159) == "71.59 %"
