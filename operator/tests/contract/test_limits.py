"""What is promised, and how a value uses up a promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.contract.limits import Limit, Limits, Sense, limits_of, requests_for
from tests.builders import an_aiservice

CONTRACT: dict[str, Any] = {
    "latency": {"maxP99Microseconds": 20_000, "tolerancePercent": 5},
    "energy": {"maxMillijoulesPerRequest": 3000, "enforcement": "Soft", "tolerancePercent": 10},
    "accuracy": {"minBasisPoints": 7000},
    "availability": {"minPpm": 999_000},
    "bandwidth": {"maxJitterMicroseconds": 2000, "minReliabilityPpm": 999_000},
    "privacyLevel": "Medium",
}

targets = st.floats(1e-6, 1e6)
values = st.floats(0.0, 1e9)


def limits(**changes: Any) -> list[Limit]:
    """Return the promises of a service with every dimension."""
    return list(limits_of(an_aiservice(qos=CONTRACT, **changes)))


def a_limit(sense: Sense, target: float, tolerance: float = 0.05) -> Limit:
    """Return a promise."""
    return Limit("latency", sense, target, 1.0, tolerance, 0.9, hard=True)


def load(sense: Sense, target: float, value: float) -> float:
    """Return the load of one value."""
    return float(Limits.of([a_limit(sense, target)]).load(np.array([value]))[0])


def test_each_measurable_dimension_is_a_promise_in_si_units() -> None:
    assert {limit.dimension: limit.target for limit in limits()} == pytest.approx(
        {"latency": 0.02, "energy": 3.0, "accuracy": 0.7, "availability": 0.999, "jitter": 0.002, "reliability": 0.999}
    )


def test_only_hard_dimensions_lead_to_moves() -> None:
    assert [limit.dimension for limit in limits() if not limit.hard] == ["energy"]


def test_a_dimension_that_is_not_asked_for_is_no_promise() -> None:
    assert limits_of(an_aiservice(qos={"privacyLevel": "High"})) == ()


def test_the_clear_level_is_the_users_but_an_accuracy_is_kept_again_at_its_target() -> None:
    clear = {limit.dimension: limit.clear for limit in limits(evaluation={"clearPercent": 80})}
    assert clear.pop("accuracy") == 1.0
    assert set(clear.values()) == {0.8}


@pytest.mark.parametrize(("share", "requests"), [(0.99, 100), (0.999, 1000), (0.0, 1), (0.999_999, 1_000_000)])
def test_a_share_takes_one_over_what_lies_outside_it(share: float, requests: int) -> None:
    assert requests_for(share) == requests


@pytest.mark.parametrize(
    ("sense", "target", "value", "expected"),
    [
        pytest.param(Sense.AT_MOST, 0.02, 0.03, 1.5, id="one and a half times the latency"),
        pytest.param(Sense.AT_LEAST, 0.7, 0.35, 2.0, id="half the accuracy"),
        pytest.param(Sense.SHARE, 0.999, 0.998, 2.0, id="twice the failures that are allowed"),
        pytest.param(Sense.SHARE, 0.999, 1.0, 0.0, id="no failure at all"),
        pytest.param(Sense.AT_LEAST, 0.7, 0.0, np.inf, id="nothing right"),
        pytest.param(Sense.SHARE, 1.0, 0.999, np.inf, id="a failure where none is allowed"),
        pytest.param(Sense.SHARE, 1.0, 1.0, 0.0, id="no failure where none is allowed"),
        pytest.param(Sense.SHARE, 0.999, 1.0 + 1e-9, 0.0, id="a share that is rounded above 1"),
    ],
)
def test_a_load_is_the_part_of_a_promise_that_is_used_up(
    sense: Sense, target: float, value: float, expected: float
) -> None:
    assert load(sense, target, value) == pytest.approx(expected)


@given(sense=st.sampled_from([Sense.AT_MOST, Sense.AT_LEAST]), target=targets, value=values)
def test_a_load_is_above_one_exactly_where_the_target_is_missed(sense: Sense, target: float, value: float) -> None:
    missed = value > target if sense is Sense.AT_MOST else value < target
    found = load(sense, target, value)
    assert (found > 1.0) == missed or found == pytest.approx(1.0)


@given(sense=st.sampled_from(Sense), target=st.floats(0.01, 0.99), value=st.floats(0.0, 1.0))
def test_a_load_is_never_negative_and_never_unknown_where_the_value_is_known(
    sense: Sense, target: float, value: float
) -> None:
    assert load(sense, target, value) >= 0.0


@given(sense=st.sampled_from(Sense), target=st.floats(0.01, 0.99))
def test_what_is_unknown_has_no_load(sense: Sense, target: float) -> None:
    assert np.isnan(load(sense, target, float("nan")))
