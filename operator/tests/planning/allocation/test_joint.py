"""Joint allocation: exact against a geometric programme, above every baseline, with a bound of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aif.errors import InvalidSpec
from aif.planning.allocation.baselines import BASELINES, average_compute, blind_to_parallelism, fixed_channel
from aif.planning.allocation.joint import Site, Tasks, Unattainable, allocate, evaluate
from tests.planning.allocation.geometric_programme import highest_utility, some_tasks

seeds = st.integers(0, 10_000)
counts = st.integers(1, 40)


def one_task(**changes: float) -> Tasks:
    """Return a task for which all figures are 1, but for an accuracy of 0.9 - 0.1·a^(-1)."""
    names = ("bits", "flops", "efficiency", "ceiling", "loss", "decay", "latency_weight", "accuracy_weight")
    figures = dict.fromkeys(names, 1.0) | {"ceiling": 0.9, "loss": 0.1, "smallest_share": 0.01, "accuracy_floor": 0.0}
    figures |= {"latency_limit": np.inf} | changes
    return Tasks(**{name: np.array([value]) for name, value in figures.items()})


def longer_by(tasks: Tasks, site: Site) -> float:
    """Return by how much the limits have to be longer; 1 where they can be kept."""
    try:
        allocate(tasks, site)
    except Unattainable as error:
        return 1.001 + float(error.message.split("longer by ")[1].split("%")[0]) / 100.0
    return 1.0


def test_one_task_gets_everything_and_the_share_at_which_more_data_costs_what_it_gains() -> None:
    made = allocate(one_task(), Site(hertz=4.0, flops=2.0))

    # U = 0.9 - 0.1/a - a·(1/4 + 1/2) is highest at a = √(0.1/0.75).
    share = np.sqrt(0.1 / 0.75)
    assert made.share == pytest.approx([share])
    assert made.hertz == pytest.approx([4.0])
    assert made.flops == pytest.approx([2.0])
    assert made.seconds == pytest.approx([0.75 * share])
    assert made.utility == pytest.approx(0.9 - 0.1 / share - 0.75 * share)


def test_a_binding_limit_lowers_the_share_until_the_time_is_met() -> None:
    made = allocate(one_task(latency_limit=0.15), Site(hertz=4.0, flops=2.0))

    assert made.share == pytest.approx([0.2])
    assert made.seconds == pytest.approx([0.15])


def test_an_accuracy_floor_raises_the_share() -> None:
    made = allocate(one_task(accuracy_floor=0.7), Site(hertz=4.0, flops=2.0))

    assert made.share == pytest.approx([0.5])
    assert made.accuracy == pytest.approx([0.7])


def test_tasks_in_parallel_slow_each_other() -> None:
    site = Site(hertz=1.0, flops=1.0, degradation=0.5, parallel=3)

    assert site.slowdown(7) == 2.25
    assert replace(site, parallel=None).slowdown(2) == 1.5


@pytest.mark.parametrize("limited", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("count", [1, 2, 5, 25])
@pytest.mark.parametrize("seed", range(4))
def test_the_utility_is_that_of_the_geometric_programme(count: int, seed: int, limited: float) -> None:
    tasks, site = some_tasks(count, seed, limited)
    tasks = replace(tasks, latency_limit=tasks.latency_limit * longer_by(tasks, site))
    made = allocate(tasks, site)

    assert made.utility == pytest.approx(highest_utility(tasks, site), rel=1e-6, abs=1e-6)
    assert made.kept.all()


@settings(max_examples=60, deadline=None)
@given(seed=seeds, count=counts, limited=st.sampled_from([0.0, 0.3, 1.0]))
def test_the_bound_of_the_result_is_its_utility_and_no_supply_is_exceeded(
    seed: int, count: int, limited: float
) -> None:
    tasks, site = some_tasks(count, seed, limited)
    try:
        made = allocate(tasks, site)
    except Unattainable:
        return

    assert made.gap == pytest.approx(0.0, abs=1e-9 * count)
    assert made.hertz.sum() == pytest.approx(site.hertz, rel=1e-12)
    assert made.flops.sum() == pytest.approx(site.flops, rel=1e-12)
    assert made.kept.all()
    assert (made.share >= tasks.lowest_share * (1.0 - 1e-12)).all()
    assert (made.share <= 1.0).all()
    assert (made.accuracy >= tasks.accuracy_floor - 1e-12).all()


@settings(max_examples=30, deadline=None)
@given(seed=seeds, count=counts)
def test_no_other_allocation_that_was_drawn_is_better(seed: int, count: int) -> None:
    tasks, site = some_tasks(count, seed)
    draw = np.random.default_rng(seed)
    share = draw.uniform(tasks.lowest_share, 1.0)
    hertz, flops = (total * draw.dirichlet(np.ones(count)) for total in (site.hertz, site.flops))

    assert allocate(tasks, site).utility >= evaluate(tasks, site, share, hertz, flops).utility


@settings(max_examples=8, deadline=None)
@given(seed=seeds, count=st.integers(1, 8), limited=st.sampled_from([0.0, 0.3]))
@pytest.mark.parametrize("name", BASELINES)
def test_it_is_never_below_a_baseline_that_keeps_the_limits(name: str, seed: int, count: int, limited: float) -> None:
    tasks, site = some_tasks(count, seed, limited)
    try:
        made, other = allocate(tasks, site), BASELINES[name](tasks, site)
    except Unattainable:
        return

    if other.kept.all():
        assert made.utility >= other.utility - 1e-9
    assert np.isnan(other.bound)


def test_a_fixed_channel_is_equal_and_average_compute_too() -> None:
    tasks, site = some_tasks(5, 3)

    assert fixed_channel(tasks, site).hertz == pytest.approx(np.full(5, site.hertz / 5))
    assert average_compute(tasks, site).flops == pytest.approx(np.full(5, site.flops / 5))
    assert BASELINES["withoutCompression"](tasks, site).share == pytest.approx(np.ones(5))


def test_a_fixed_channel_is_the_best_of_all_with_equal_bands() -> None:
    tasks, site = some_tasks(3, 5)
    best = fixed_channel(tasks, site)
    grid = np.linspace(0.02, 1.0, 40)
    parts = [(x, y) for x in grid for y in grid if x + y < 0.99]

    def utility(x: float, y: float) -> float:
        rates = site.flops * np.array([x, y, 1.0 - x - y])
        return evaluate(tasks, site, best.share, best.hertz, rates).utility

    assert best.utility >= max(utility(x, y) for x, y in parts)


def test_planning_blind_to_parallelism_can_break_a_limit_that_is_kept_otherwise() -> None:
    tasks, site = some_tasks(20, 1)
    tasks = replace(tasks, latency_limit=allocate(tasks, site).seconds * 1.001)

    assert allocate(tasks, site).kept.all()
    assert not blind_to_parallelism(tasks, site).kept.all()


@settings(max_examples=30, deadline=None)
@given(seed=seeds, count=counts, factor=st.floats(1.01, 10.0))
def test_more_of_anything_never_hurts_and_more_degradation_never_helps(seed: int, count: int, factor: float) -> None:
    tasks, site = some_tasks(count, seed)
    utility = allocate(tasks, site).utility

    assert allocate(tasks, replace(site, hertz=factor * site.hertz)).utility >= utility
    assert allocate(tasks, replace(site, flops=factor * site.flops)).utility >= utility
    assert allocate(tasks, replace(site, degradation=factor * site.degradation)).utility <= utility + 1e-12


@settings(max_examples=30, deadline=None)
@given(seed=seeds, count=counts, factor=st.floats(1e-6, 1e6))
def test_units_do_not_matter(seed: int, count: int, factor: float) -> None:
    tasks, site = some_tasks(count, seed)
    scaled = replace(tasks, bits=tasks.bits * factor), replace(site, hertz=site.hertz * factor)

    assert allocate(*scaled).utility == pytest.approx(allocate(tasks, site).utility, rel=1e-9)


def test_a_price_is_what_one_more_unit_adds() -> None:
    tasks, site = some_tasks(10, 2, limited=0.3)
    made = allocate(tasks, site)

    more = allocate(tasks, replace(site, hertz=site.hertz + 1e2)).utility - made.utility
    assert made.hertz_price == pytest.approx(more / 1e2, rel=1e-3)
    more = allocate(tasks, replace(site, flops=site.flops + 1e5)).utility - made.utility
    assert made.flops_price == pytest.approx(more / 1e5, rel=1e-3)


@settings(max_examples=40, deadline=None)
@given(seed=seeds, count=st.integers(1, 20))
def test_limits_that_are_refused_can_be_kept_once_they_are_as_much_longer_as_it_says(seed: int, count: int) -> None:
    tasks, site = some_tasks(count, seed)
    tasks = replace(tasks, latency_limit=allocate(tasks, site).seconds * 0.01)
    factor = longer_by(tasks, site)

    assert factor > 1.0
    allocate(tasks := replace(tasks, latency_limit=tasks.latency_limit * factor), site)
    with pytest.raises(Unattainable):
        allocate(replace(tasks, latency_limit=tasks.latency_limit / 1.02), site)


def test_an_accuracy_that_the_whole_input_does_not_reach_is_refused_by_name() -> None:
    for way in (allocate, *BASELINES.values()):
        with pytest.raises(Unattainable, match=r"tasks\[0\].accuracyFloor: lies above p - q"):
            way(one_task(accuracy_floor=0.85), Site(1.0, 1.0))


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
@pytest.mark.parametrize("name", ["bits", "flops", "efficiency", "loss", "decay", "latency_weight", "accuracy_weight"])
def test_a_figure_of_a_task_that_makes_no_sense_is_refused_by_name(name: str, value: float) -> None:
    for way in (allocate, *BASELINES.values()):
        with pytest.raises(InvalidSpec, match=rf"tasks\[0\].{name}"):
            way(one_task(**{name: value}), Site(1.0, 1.0))


@pytest.mark.parametrize(
    ("site", "field"),
    [
        pytest.param(Site(0.0, 1.0), "site.hertz", id="no band"),
        pytest.param(Site(1.0, np.nan), "site.flops", id="compute not a number"),
        pytest.param(Site(1.0, np.inf), "site.flops", id="endless compute"),
        pytest.param(Site(1.0, 1.0, -0.1), "site.degradation", id="tasks speed each other up"),
    ],
)
def test_a_site_that_makes_no_sense_is_refused_by_name(site: Site, field: str) -> None:
    with pytest.raises(InvalidSpec, match=field):
        allocate(one_task(), site)


def test_a_limit_of_no_time_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="latency_limit"):
        allocate(one_task(latency_limit=0.0), Site(1.0, 1.0))
