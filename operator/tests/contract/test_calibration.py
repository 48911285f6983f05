"""How predicted against measured becomes a factor, and how far it is trusted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.contract.calibration import SURE, Calibration

seconds = st.floats(1e-6, 1e6)


def seen(times: int, predicted: float, measured: float, start: Calibration | None = None) -> Calibration:
    """Return a calibration after so many equal observations."""
    calibration = start or Calibration.nothing(1)
    for _ in range(times):
        calibration = calibration.observe(np.array([predicted]), np.array([measured]))
    return calibration


def test_nothing_measured_leaves_the_declared_figures() -> None:
    calibration = Calibration.nothing(2)
    assert calibration.efficiency.tolist() == [1.0, 1.0]
    assert np.isnan(calibration.measured).all()
    assert calibration.confidence.tolist() == [0.0, 0.0]


def test_a_node_that_takes_longer_than_predicted_has_an_efficiency_below_one() -> None:
    assert seen(1, predicted=0.008, measured=0.010).measured[0] == pytest.approx(0.8)


def test_one_observation_moves_the_prediction_a_little_and_many_move_it_all_the_way() -> None:
    once, often = seen(1, 1.0, 2.0), seen(2000, 1.0, 2.0)
    assert 0.9 < once.efficiency[0] < 1.0
    assert often.efficiency[0] == pytest.approx(0.5, rel=0.03)


def test_twice_as_fast_and_half_as_fast_cancel() -> None:
    assert seen(1, 1.0, 0.5, start=seen(1, 1.0, 2.0)).measured[0] == pytest.approx(1.0)


def test_scattered_observations_are_trusted_less() -> None:
    scattered = Calibration.nothing(1)
    for measured in (0.2, 20.0) * 20:
        scattered = scattered.observe(np.array([1.0]), np.array([measured]))
    assert scattered.confidence[0] < seen(40, 1.0, 2.0).confidence[0]


def test_a_node_that_was_mended_is_believed_in_the_end() -> None:
    mended = seen(1500, 1.0, 1.0, start=seen(500, 1.0, 4.0))
    assert mended.measured[0] == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(
    ("times", "measured", "far"),
    [
        pytest.param(200, 3.0, True, id="three times as slow, seen often"),
        pytest.param(int(SURE) - 1, 3.0, False, id="not seen often enough"),
        pytest.param(200, 1.2, False, id="a little slower"),
        pytest.param(200, 0.2, False, id="faster than declared"),
    ],
)
def test_a_node_is_far_from_its_claim_only_for_sure(times: int, measured: float, far: bool) -> None:  # noqa: FBT001
    assert seen(times, 1.0, measured).far[0] == far


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf, -np.inf])
def test_an_unusable_observation_is_none(bad: float) -> None:
    for predicted, measured in ((bad, 1.0), (1.0, bad)):
        assert seen(1, predicted, measured).weight[0] == 0.0


def test_each_row_learns_by_itself() -> None:
    calibration = Calibration.nothing(2).observe(np.array([1.0, 1.0]), np.array([2.0, np.nan]))
    assert calibration.weight.tolist() == [1.0, 0.0]


@given(st.lists(st.tuples(seconds, seconds), max_size=30))
def test_the_factor_lies_between_the_claim_and_what_was_measured(pairs: list[tuple[float, float]]) -> None:
    calibration = Calibration.nothing(1)
    for predicted, measured in pairs:
        calibration = calibration.observe(np.array([predicted]), np.array([measured]))
    assert 0.0 <= calibration.confidence[0] < 1.0
    bounds = sorted([1.0, float(calibration.measured[0])]) if pairs else [1.0, 1.0]
    assert bounds[0] * (1 - 1e-9) <= calibration.efficiency[0] <= bounds[1] * (1 + 1e-9)


@given(factor=st.floats(0.1, 10), times=st.integers(1, 50))
def test_equal_observations_have_no_spread(factor: float, times: int) -> None:
    calibration = seen(times, 1.0, factor)
    assert calibration.spread[0] == pytest.approx(0.0, abs=1e-12)
    assert calibration.measured[0] == pytest.approx(1.0 / factor)
