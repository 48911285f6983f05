"""Service density and coverage, by hand and by properties."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.errors import InvalidSpec
from aif.planning.kpi.service import Density, communication_density, compute_density, coverage

amounts = st.floats(1e-3, 1e12)


def covered(**changes: Any) -> float:
    """Return the coverage of three cells of 1, 2 and 5 km²."""
    arguments: dict[str, Any] = {
        "area": [1.0, 2.0, 5.0],
        "bits_per_second": [100e6, 50e6, 10e6],
        "accuracy": [0.7, 0.6, 0.7],
        "min_rate": 50e6,
        "min_accuracy": 0.6,
    }
    return coverage(**arguments | changes)


def test_density_by_hand() -> None:
    """3 sites/km² · 100 MHz · 4 bit/s/Hz; 2 nodes/km² · 19.5e12/31e9 inputs/s · 4.8 Mbit."""
    communication = communication_density(3.0, 100e6, 4.0)
    compute = compute_density(2.0, 19.5e12, 31e9, 4.8e6)
    assert communication == pytest.approx(1.2e9)
    assert compute == pytest.approx(6.0387097e9)
    assert Density(communication, compute).service == pytest.approx(1.2e9)


@given(nodes=amounts, sites=amounts)
def test_density_is_the_lower_of_both(nodes: float, sites: float) -> None:
    density = Density(communication_density(sites, 1e6, 4.0), compute_density(nodes, 1e12, 1e9, 1e6))
    assert density.service == min(density.communication, density.compute)


@given(passes=st.integers(1, 100))
def test_training_divides_the_density_of_compute_by_its_passes(passes: int) -> None:
    once = compute_density(1.0, 19.5e12, 93e9, 4.8e6)
    assert compute_density(1.0, 19.5e12, 93e9 * passes, 4.8e6) == pytest.approx(once / passes)


def test_coverage_by_hand() -> None:
    assert covered() == pytest.approx(3 / 8), "both limits count as met"
    assert covered(min_accuracy=0.65) == pytest.approx(1 / 8)
    assert covered(min_rate=0.0, min_accuracy=0.0) == 1.0
    assert covered(min_rate=1e9) == 0.0
    assert covered(accuracy=0.7) == pytest.approx(3 / 8), "one accuracy for all cells"


@given(rate=amounts, factor=st.floats(1.0, 1e3))
def test_a_higher_demand_never_covers_more(rate: float, factor: float) -> None:
    assert covered(min_rate=rate * factor) <= covered(min_rate=rate)


@given(factor=st.floats(1e-6, 1e6))
def test_the_unit_of_area_does_not_matter(factor: float) -> None:
    assert covered(area=np.array([1.0, 2.0, 5.0]) * factor) == pytest.approx(covered())


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param({"area": [0.0, 0.0, 0.0]}, "areaKm2: must hold an area greater than 0", id="no area"),
        pytest.param({"area": [1.0, -1.0, 1.0]}, "areaKm2: must be 0 or greater", id="a negative area"),
        pytest.param({"accuracy": 1.5}, "accuracy: must lie between 0 and 1", id="no share"),
        pytest.param({"bits_per_second": np.nan}, "bitPerSecond: must be 0 or greater", id="an unknown rate"),
    ],
)
def test_coverage_of_what_cannot_be_is_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidSpec, match=complaint):
        covered(**changes)


def test_a_model_without_work_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="flop: must be greater than 0"):
        compute_density(1.0, 1.0, 0.0, 1.0)
