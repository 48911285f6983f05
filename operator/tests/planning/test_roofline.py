"""The roofline model, with numbers that a pencil gives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.planning.demands import Work
from aif.planning.roofline import attainable, compute_seconds, intensity, ridge_point

PEAK = np.array([19.5e12])
BANDWIDTH = np.array([1555e9])

rates = st.floats(1e6, 1e15)


def test_the_ridge_point_is_peak_over_bandwidth() -> None:
    assert ridge_point(PEAK, BANDWIDTH) == pytest.approx(12.540, abs=1e-3)


@pytest.mark.parametrize(
    ("intensity", "expected"),
    [
        pytest.param(1.0, 1555e9, id="memory-bound below the ridge"),
        pytest.param(12.0, 12 * 1555e9, id="memory-bound close to the ridge"),
        pytest.param(19.5e12 / 1555e9, 19.5e12, id="both at the ridge"),
        pytest.param(100.0, 19.5e12, id="compute-bound above it"),
        pytest.param(math.inf, 19.5e12, id="no memory traffic at all"),
    ],
)
def test_attainable_performance_is_the_lower_roof(intensity: float, expected: float) -> None:
    assert attainable(PEAK, BANDWIDTH, intensity) == pytest.approx(expected)


def test_a_platform_without_known_bandwidth_promises_nothing_to_work_with_traffic() -> None:
    assert np.isnan(attainable(PEAK, np.array([np.nan]), 10.0)).all()
    assert np.isnan(compute_seconds(Work(31e9, 600e6), PEAK, np.array([np.nan]))).all()


def test_a_platform_without_known_bandwidth_serves_work_whose_traffic_is_not_told() -> None:
    assert compute_seconds(Work(31e9, 0.0), PEAK, np.array([np.nan])) == pytest.approx(31e9 / 19.5e12)


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        pytest.param(Work(31e9, 600e6), 31e9 / 19.5e12, id="compute-bound"),
        pytest.param(Work(1e9, 15.55e9), 0.01, id="memory-bound"),
        pytest.param(Work(0.0, 1555e9), 1.0, id="traffic alone"),
    ],
)
def test_compute_time_is_the_longer_of_arithmetic_and_traffic(work: Work, expected: float) -> None:
    assert compute_seconds(work, PEAK, BANDWIDTH) == pytest.approx(expected)


@given(flops=rates, traffic=rates, peak=rates, bandwidth=rates)
def test_compute_time_is_work_over_attainable_performance(
    flops: float, traffic: float, peak: float, bandwidth: float
) -> None:
    work, pi, beta = Work(flops, traffic), np.array([peak]), np.array([bandwidth])
    rate = attainable(pi, beta, intensity(work))
    assert compute_seconds(work, pi, beta) == pytest.approx(flops / rate)
