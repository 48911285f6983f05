"""Energy and carbon: choices by hand, against brute force, and by properties."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.errors import InvalidSpec
from aif.planning.energy import (
    NOWHERE,
    draw,
    efficiency,
    emission,
    fastest_within,
    greenest_slots,
    greenest_start,
    merit_order,
    requests_within,
    thriftiest,
)

SECONDS = [0.010, 0.002, 0.040]
JOULES = [1.0, 3.0, 0.5]
"""A GPU, a larger one, and an NPU that is slow and thrifty."""

devices = st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10)), min_size=1, max_size=6)
forecasts = st.lists(st.floats(0.0, 2.0), min_size=1, max_size=8)


def test_efficiency_is_the_rate_per_watt() -> None:
    assert efficiency(19.5e12, 400.0) == 48.75e9
    assert efficiency(1.95e9, 636.0) == pytest.approx(3.0660377e6)


def test_a_kilowatt_hour_emits_what_the_grid_says() -> None:
    assert emission(3.6e6, 0.702) == pytest.approx(702.0), "grams"
    assert emission([0.0, 3.6e6], [0.702, 0.0]).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("deadline", "device"),
    [
        pytest.param(0.100, 2, id="time enough for the thriftiest"),
        pytest.param(0.040, 2, id="just time enough"),
        pytest.param(0.020, 0, id="time for the second"),
        pytest.param(0.005, 1, id="time for the fastest alone"),
        pytest.param(0.001, NOWHERE, id="no time"),
    ],
)
def test_the_most_efficient_device_is_taken_where_time_allows(deadline: float, device: int) -> None:
    assert thriftiest(SECONDS, JOULES, deadline=deadline).device == device


def test_a_choice_says_what_it_takes_and_why() -> None:
    chosen = thriftiest(SECONDS, JOULES, deadline=0.02)
    assert (chosen.seconds, chosen.cost) == (0.010, 1.0)
    assert chosen.reason == "of 2 devices in time it takes the least, 1 J"
    late = thriftiest(SECONDS, JOULES, deadline=0.001)
    assert late.reason == "no device is done within 0.001 s; the fastest takes 0.002 s"
    dear = thriftiest(SECONDS, JOULES, budget=0.4)
    assert dear.reason == "no device in time stays within 0.4 J; the thriftiest takes 0.5 J"
    assert dear.device == NOWHERE


def test_a_budget_turns_to_the_fastest_device_that_it_allows() -> None:
    assert fastest_within(SECONDS, JOULES, 5.0).device == 1
    assert fastest_within(SECONDS, JOULES, 2.0).device == 0
    assert fastest_within(SECONDS, JOULES, 0.4).reason == "no device stays within 0.4 J; the least is 0.5 J"


def test_a_clean_grid_makes_up_for_a_device_that_needs_more() -> None:
    grams = emission([1.0, 2.0], [0.7, 0.1])
    assert thriftiest([1.0, 1.0], grams, unit="g").device == 1


def test_of_equal_devices_the_faster_one_is_taken() -> None:
    assert thriftiest([2.0, 1.0, 1.0], [1.0, 1.0, 1.0]).device == 1


def test_no_devices_give_no_choice() -> None:
    assert thriftiest([], []).device == fastest_within([], [], 1.0).device == NOWHERE


@given(devices, st.floats(0, 10), st.floats(0, 10))
def test_a_choice_is_the_best_of_all(table: list[tuple[float, float]], deadline: float, budget: float) -> None:
    seconds, joules = map(list, zip(*table, strict=True))
    allowed = [cost for time, cost in table if time <= deadline and cost <= budget]
    chosen = thriftiest(seconds, joules, deadline=deadline, budget=budget)
    assert chosen.cost == min(allowed, default=np.inf)
    fast = fastest_within(seconds, joules, budget)
    assert fast.seconds == min((time for time, cost in table if cost <= budget), default=np.inf)


@given(devices, st.floats(0, 10))
def test_more_time_never_costs_more(table: list[tuple[float, float]], deadline: float) -> None:
    seconds, joules = map(list, zip(*table, strict=True))
    assert (
        thriftiest(seconds, joules, deadline=deadline * 2).cost <= thriftiest(seconds, joules, deadline=deadline).cost
    )


def test_the_cheapest_devices_are_filled_first() -> None:
    assert merit_order(25.0, [10.0, 20.0, 30.0], [3.0, 1.0, 2.0]).tolist() == [0.0, 20.0, 5.0]
    assert merit_order(99.0, [10.0, 20.0], [3.0, 1.0]).tolist() == [10.0, 20.0], "the rest finds no room"
    assert merit_order(0.0, [10.0], [1.0]).tolist() == [0.0]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=4), st.integers(0, 10))
def test_merit_order_is_the_cheapest_of_all_splits(table: list[tuple[int, int]], load: int) -> None:
    capacity, cost = map(list, zip(*table, strict=True))
    served = min(load, sum(capacity))
    splits = itertools.product(*(range(room + 1) for room in capacity))
    best = min(float(np.dot(split, cost)) for split in splits if sum(split) == served)
    found = merit_order(load, capacity, cost)
    assert found.sum() == served
    assert float(found @ np.array(cost)) == best


def test_work_waits_for_the_cleanest_hours() -> None:
    forecast = [0.5, 0.2, 0.6, 0.3, 0.3, 0.9]
    assert list(greenest_start(forecast, 2)) == pytest.approx([3, 0.3])
    assert list(greenest_start(forecast, 2, deadline=4)) == pytest.approx([0, 0.35])
    assert greenest_slots(forecast, 3).tolist() == [1, 3, 4], "work that may pause"


@given(forecasts, st.data())
def test_hours_are_the_cleanest_of_all_and_pausing_never_emits_more(forecast: list[float], data: st.DataObject) -> None:
    slots = data.draw(st.integers(1, len(forecast)))
    first, mean = greenest_start(forecast, slots)
    windows = [sum(forecast[start : start + slots]) / slots for start in range(len(forecast) - slots + 1)]
    assert mean == pytest.approx(min(windows))
    assert windows[first] == pytest.approx(min(windows))
    chosen = greenest_slots(forecast, slots)
    assert len(set(chosen.tolist())) == slots
    assert sum(forecast[slot] for slot in chosen) == pytest.approx(sum(sorted(forecast)[:slots]))
    assert sum(forecast[slot] for slot in chosen) <= mean * slots + 1e-9


def test_a_budget_grants_whole_requests() -> None:
    assert requests_within(10.0, [3.0, 10.0, 11.0, 0.0]).tolist() == [3.0, 1.0, 0.0, np.inf]


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        pytest.param(lambda: efficiency(1.0, 0.0), "watts: must be greater than 0", id="no power"),
        pytest.param(lambda: emission(np.nan, 1.0), "joules: must be 0 or greater", id="unknown energy"),
        pytest.param(lambda: thriftiest([1.0], [1.0, 2.0]), "cost: must hold a figure per device", id="lengths"),
        pytest.param(lambda: thriftiest([-1.0], [1.0]), "seconds: must be 0 or greater", id="negative time"),
        pytest.param(lambda: merit_order(-1.0, [1.0], [1.0]), "load: must be 0 or greater", id="negative load"),
        pytest.param(lambda: greenest_start([1.0], 2), "slots: must lie between 1 and the 1 slots", id="too long"),
        pytest.param(lambda: greenest_slots([1.0, 1.0], 2, deadline=1), "slots: must lie between", id="too late"),
        pytest.param(lambda: requests_within(np.nan, 1.0), "budget: must be 0 or greater", id="unknown budget"),
    ],
)
def test_what_cannot_be_is_refused(call: object, complaint: str) -> None:
    assert callable(call)
    with pytest.raises(InvalidSpec, match=complaint):
        call()


@pytest.mark.parametrize(
    ("load", "watts"),
    [
        pytest.param(0.0, 50.0, id="idle"),
        pytest.param(0.5, 125.0, id="half"),
        pytest.param(1.0, 200.0, id="full"),
        pytest.param(1.3, 200.0, id="beyond what there is"),
    ],
)
def test_a_device_draws_between_idle_and_full_power(load: float, watts: float) -> None:
    assert draw(50.0, 200.0, load) == pytest.approx(watts)
