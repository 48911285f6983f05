"""Joint placement: never above capacity, never above the bound, near the best of all placements."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aif.errors import InvalidSpec
from aif.planning.placement.joint import NOWHERE, JointPlacement, Problem, bound, greedy, place

seeds = st.integers(0, 10_000)


def a_problem(services: int, nodes: int, seed: int, load: float = 0.9) -> Problem:
    """Return services that take ``load`` of two resources of the nodes, and may go to most of them."""
    draw = np.random.default_rng(seed)
    demand = draw.uniform(0.5, 2.0, (services, 2))
    capacity = draw.uniform(0.5, 1.5, (nodes, 2))
    capacity *= demand.sum(axis=0) / capacity.sum(axis=0) / load
    score = np.where(draw.random((services, nodes)) < 0.7, draw.uniform(0.0, 100.0, (services, nodes)), np.nan)
    return Problem(demand, capacity, score, np.full(services, 200.0))


def best_of_all(problem: Problem) -> float:
    """Return what the best of all placements is worth."""
    value, nodes = problem.value, len(problem.capacity)
    best = 0.0
    for choice in product(range(-1, nodes), repeat=len(problem.demand)):
        used, worth = np.zeros(problem.capacity.shape), 0.0
        for service, node in enumerate(choice):
            if node >= 0:
                used[node] += problem.demand[service]
                worth += value[service, node]
        if worth > best and (used <= problem.capacity).all():
            best = worth
    return best


def assert_possible(problem: Problem, made: JointPlacement) -> None:
    """Check that every service is where it may go, that all fit, and that the value is what it adds up to."""
    placed = np.flatnonzero(made.node != NOWHERE)
    used = np.zeros(problem.capacity.shape)
    np.add.at(used, made.node[placed], problem.demand[placed])
    assert (used <= problem.capacity * (1.0 + 1e-8)).all()
    scores = problem.score[placed, made.node[placed]]
    assert not np.isnan(scores).any()
    assert made.value == pytest.approx(float((scores + problem.worth[placed]).sum()))
    assert made.placed == len(placed)


@pytest.mark.parametrize("seed", range(12))
def test_small_placements_are_near_the_best_of_all_and_the_bound_is_above_it(seed: int) -> None:
    problem = a_problem(6, 3, seed)
    best, made = best_of_all(problem), place(problem)

    assert_possible(problem, made)
    assert made.value <= best + 1e-9 <= made.bound + 2e-9
    assert made.value >= 0.85 * best


@settings(max_examples=25, deadline=None)
@given(seed=seeds, services=st.integers(1, 60), nodes=st.integers(1, 12), load=st.floats(0.3, 2.0))
def test_no_placement_breaks_a_capacity_or_exceeds_its_bound(seed: int, services: int, nodes: int, load: float) -> None:
    problem = a_problem(services, nodes, seed, load)
    for made in (place(problem), place(problem, seconds=0.0), greedy(problem)):
        assert_possible(problem, made)
        assert made.value <= made.bound * (1.0 + 1e-9)
        assert 0.0 <= made.gap <= 1.0
        assert made.bound == pytest.approx(bound(problem, made.prices))


@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_any_prices_bound_every_placement(seed: int) -> None:
    problem = a_problem(20, 4, seed)
    prices = np.random.default_rng(seed).exponential(50.0, problem.capacity.shape)

    assert bound(problem, prices) >= greedy(problem).value


@pytest.mark.parametrize("seed", range(3))
def test_many_services_come_within_two_per_cent_and_beat_one_after_the_other(seed: int) -> None:
    problem = a_problem(200, 25, seed, load=0.85)
    made = place(problem, seconds=60.0)

    assert made.method == "optimised"
    assert made.gap <= 0.02
    assert made.value > greedy(problem).value


def test_without_time_the_placement_does_without_a_solver_and_still_has_a_bound() -> None:
    problem = a_problem(100, 12, 1, load=0.9)
    made = place(problem, seconds=0.0)

    assert made.method in {"greedy", "priced"}
    assert made.value >= greedy(problem).value
    assert made.gap < 0.1


def test_one_makes_way_for_another_that_has_no_other_place() -> None:
    problem = Problem(
        demand=np.array([[1.0], [1.0]]),
        capacity=np.array([[1.0], [1.0]]),
        score=np.array([[90.0, 80.0], [50.0, np.nan]]),
        worth=np.full(2, 100.0),
    )

    assert greedy(problem).node.tolist() == [0, NOWHERE]
    assert place(problem).node.tolist() == [1, 0]
    assert place(problem, seconds=0.0).node.tolist() == [1, 0]
    assert place(problem).gap == pytest.approx(0.0, abs=1e-9)


def test_what_is_worth_more_is_placed_where_not_all_fit() -> None:
    problem = Problem(
        demand=np.array([[1.0], [1.0]]),
        capacity=np.array([[1.5]]),
        score=np.zeros((2, 1)),
        worth=np.array([1.0, 5.0]),
    )

    assert place(problem).node.tolist() == [NOWHERE, 0]


@pytest.mark.parametrize(
    "score",
    [pytest.param(np.full((2, 2), np.nan), id="may go nowhere"), pytest.param(np.zeros((2, 2)), id="too large")],
)
def test_services_without_a_place_are_left_out(score: np.ndarray) -> None:
    made = place(Problem(np.full((2, 1), 9.0), np.ones((2, 1)), score, np.ones(2)))

    assert made.node.tolist() == [NOWHERE, NOWHERE]
    assert (made.value, made.bound, made.gap) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"demand": np.array([[-1.0, 1.0]] * 3)}, "demand", id="negative demand"),
        pytest.param({"demand": np.array([[np.nan, 1.0]] * 3)}, "demand", id="demand not a number"),
        pytest.param({"demand": np.ones((3, 3))}, "demand", id="another resource"),
        pytest.param({"capacity": np.full((2, 2), np.inf)}, "capacity", id="endless capacity"),
        pytest.param({"score": np.zeros((3, 3))}, "score", id="another node"),
        pytest.param({"score": np.full((3, 2), -1.0)}, "score", id="negative score"),
        pytest.param({"worth": np.zeros(2)}, "worth", id="another service"),
        pytest.param({"worth": np.full(3, np.nan)}, "worth", id="worth not a number"),
    ],
)
def test_arrays_that_make_no_sense_are_refused_by_name(changes: dict[str, np.ndarray], field: str) -> None:
    good = a_problem(3, 2, 1)
    bad = replace(good, **changes)
    for way in (place, greedy):
        with pytest.raises(InvalidSpec) as refused:
            way(bad)
        assert refused.value.field == field


def test_prices_below_zero_bound_nothing() -> None:
    problem = a_problem(3, 2, 1)
    with pytest.raises(InvalidSpec, match="prices"):
        bound(problem, np.full(problem.capacity.shape, -1.0))


def test_a_service_runs_in_the_way_that_leaves_room_for_another() -> None:
    problem = Problem(
        demand=np.array([[[2.0, 0.0], [0.0, 1.0]], [[2.0, 0.0], [2.0, 0.0]]]),
        capacity=np.array([[2.0, 1.0]]),
        score=np.array([[[50.0], [10.0]], [[40.0], [np.nan]]]),
        worth=np.full(2, 100.0),
    )
    made = place(problem)

    assert made.node.tolist() == [0, 0]
    assert made.way.tolist() == [1, 0]
    assert made.gap == pytest.approx(0.0, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=seeds, services=st.integers(1, 30), nodes=st.integers(1, 6), ways=st.integers(1, 3))
def test_no_placement_in_several_ways_breaks_a_capacity_or_exceeds_its_bound(
    seed: int, services: int, nodes: int, ways: int
) -> None:
    draw = np.random.default_rng(seed)
    demand, capacity = draw.uniform(0.1, 1.0, (services, ways, 2)), draw.uniform(0.5, 3.0, (nodes, 2))
    score = np.where(
        draw.random((services, ways, nodes)) < 0.7, draw.uniform(0.0, 9.0, (services, ways, nodes)), np.nan
    )
    problem = Problem(demand, capacity, score, np.full(services, 50.0))

    for made in (place(problem), place(problem, seconds=0.0), greedy(problem)):
        placed = np.flatnonzero(made.node != NOWHERE)
        used = np.zeros(capacity.shape)
        np.add.at(used, made.node[placed], demand[placed, made.way[placed]])
        assert (used <= capacity * (1.0 + 1e-8)).all()
        assert not np.isnan(score[placed, made.way[placed], made.node[placed]]).any()
        assert made.value <= made.bound * (1.0 + 1e-9)


def test_units_do_not_matter() -> None:
    problem = a_problem(120, 15, 3, load=1.2)
    bytes_beside_cores = np.array([1.0, 2.0**40])
    large = replace(problem, demand=problem.demand * bytes_beside_cores, capacity=problem.capacity * bytes_beside_cores)
    one, other = place(problem, seconds=60.0), place(large, seconds=60.0)

    assert other.method == "optimised"
    assert other.bound == pytest.approx(one.bound, rel=1e-6)
    assert other.node.tolist() == one.node.tolist()
