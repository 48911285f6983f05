"""What a metric says, and each way in which it says nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.api.conditions import Reason
from aif.contract.readings import Gap, Readings, Samples, bucket_width

NOW = 1_900_000_000.0
GOOD: dict[str, float | bool] = {"value": 0.02, "at": NOW - 10, "requests": 500, "bucket": 0.04, "failed": False}


def read(least_requests: float = 100, **changes: Any) -> tuple[float, Gap]:
    """Return value and gap of one sample, stale after a minute and told within 5 per cent."""
    row = {name: np.array([value]) for name, value in (GOOD | changes).items()}
    readings = Readings.of(Samples(**row), NOW, np.array([60.0]), np.array([least_requests]), np.array([0.05]))
    return float(readings.value[0]), Gap(readings.gap[0])


def test_a_good_sample_is_read_as_it_is() -> None:
    assert read() == (0.02, Gap.NONE)


@pytest.mark.parametrize(
    ("changes", "gap"),
    [
        pytest.param({"failed": True}, Gap.FAILED, id="a query without an answer"),
        pytest.param({"value": np.nan}, Gap.MISSING, id="not a number"),
        pytest.param({"value": np.inf}, Gap.MISSING, id="infinite"),
        pytest.param({"at": np.nan}, Gap.MISSING, id="without a time"),
        pytest.param({"at": NOW - 61}, Gap.STALE, id="stale"),
        pytest.param({"at": NOW + 6}, Gap.STALE, id="from the future"),
        pytest.param({"bucket": 0.06}, Gap.COARSE, id="a bucket wider than the tolerance"),
        pytest.param({"bucket": np.inf}, Gap.COARSE, id="beyond the last bucket"),
        pytest.param({"requests": 99}, Gap.FEW, id="too few requests"),
        pytest.param({"requests": np.nan}, Gap.FEW, id="an unknown number of requests"),
    ],
)
def test_a_bad_sample_is_unknown_with_its_reason(changes: dict[str, Any], gap: Gap) -> None:
    value, found = read(**changes)
    assert np.isnan(value)
    assert found is gap


def test_where_several_things_are_wrong_the_first_is_told() -> None:
    assert read(failed=True, value=np.nan, at=NOW - 999, requests=0)[1] is Gap.FAILED
    assert read(at=NOW - 999, requests=0)[1] is Gap.STALE


def test_clocks_may_be_a_little_apart() -> None:
    assert read(at=NOW + 4)[1] is Gap.NONE


def test_what_is_not_about_requests_needs_none() -> None:
    assert read(least_requests=0, requests=np.nan)[1] is Gap.NONE


def test_without_an_answer_nothing_is_known() -> None:
    readings = Readings.of(Samples.none(3), NOW, np.full(3, 60.0), np.zeros(3), np.full(3, 0.05))
    assert np.isnan(readings.value).all()
    assert (readings.gap == Gap.MISSING).all()


@given(value=st.floats(), at=st.floats(), requests=st.floats(), bucket=st.floats(), failed=st.booleans())
def test_whatever_is_answered_a_value_is_finite_or_unknown_with_a_reason(**sample: Any) -> None:
    value, gap = read(**sample)
    assert np.isfinite(value) == (gap is Gap.NONE)
    assert np.isnan(value) == (gap is not Gap.NONE)


def test_each_gap_has_a_reason_of_its_own() -> None:
    reasons = [gap.reason for gap in Gap]
    assert len(set(reasons)) == len(reasons)
    assert Gap.FEW.reason is Reason.TOO_FEW_REQUESTS


BOUNDS = np.array([0.01, 0.015, 0.025, 1.0, np.inf])


@pytest.mark.parametrize(
    ("target", "width"),
    [
        pytest.param(0.02, 0.5, id="in the middle of a bucket"),
        pytest.param(0.025, 0.0, id="on a bound"),
        pytest.param(0.005, 2.0, id="in the first bucket, which begins at 0"),
        pytest.param(9.0, np.inf, id="in the last, which has no end"),
    ],
)
def test_the_bucket_of_a_target_tells_how_well_a_quantile_is_known(target: float, width: float) -> None:
    assert bucket_width(BOUNDS, target) == pytest.approx(width)


def test_a_target_beyond_finite_bounds_is_told_by_none() -> None:
    assert bucket_width(np.array([0.01, 0.02]), 0.03) == np.inf
