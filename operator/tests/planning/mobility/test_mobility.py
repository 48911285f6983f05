"""Mobility: factors by hand, messages beside all paths, moves beside all plans, and what is never acted on."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aif.errors import InvalidSpec
from aif.planning.arrays import FloatArray
from aif.planning.mobility.factors import AGES, UNREAD, Mobility, learn
from aif.planning.mobility.path import advanced, believed, followed, outlook, read, remaining_steps, unread

SITES = 3
paths = st.lists(st.integers(-1, SITES - 1), min_size=1, max_size=24)
histories = st.lists(paths, min_size=0, max_size=3)
SHUTTLE = [0, 0, 0, 1, 1, 2, 2, 2, 1, 1] * 12
"""A group that goes 0, 1, 2, 1, 0 and so on: from 1 it goes on in the direction that it came from."""


def shuttle(ages: int = AGES) -> Mobility:
    """Return what is learned of the group that goes to and fro."""
    return learn([SHUTTLE], SITES, ages=ages)


def test_where_a_group_goes_depends_on_where_it_came_from() -> None:
    model = shuttle()
    from_left = outlook(model, believed(model, [0, 0, 0, 1]), 1).next_site
    from_right = outlook(model, believed(model, [2, 2, 2, 1]), 1).next_site
    unknown = outlook(model, believed(model, [1]), 1).next_site

    assert from_left[2] > 0.9
    assert from_right[0] > 0.9
    assert unknown == pytest.approx([0.5, 0.0, 0.5], abs=0.05)


def test_how_long_a_group_stays_is_learned_step_by_step() -> None:
    model = shuttle()
    belief = believed(model, [0, 0, 0, 1])
    ahead = outlook(model, belief, 4)

    assert ahead.survival[1] > 0.9, "it stays two steps"
    assert ahead.survival[2] < 0.1
    assert ahead.next_steps[2] == pytest.approx(3.0, abs=0.2)
    assert ahead.mean_steps == pytest.approx(2.0, abs=0.2)


def test_factors_are_means_between_what_was_seen_and_what_holds_in_general() -> None:
    model = learn([[0, 0, 1, 1, 1, 0]], 2, ages=4, prior=1.0)
    way = int(np.flatnonzero((model.origin == 0) & (model.site == 1))[0])

    # Two stays ended in 5 steps of which the end could be seen; one, of 3 steps, has a known origin.
    mean = 2 / (5 + 1)
    at_end = (1 + 1 * mean) / (1 + 1)
    assert model.departures.tolist() == [1, 1]
    assert model.leaving[way, 2] == pytest.approx((1 + (1 + at_end) / 2) / 2)
    assert model.leaving[way, 3] == pytest.approx(mean), "no stay lasted as long"
    assert model.following[way].max() == pytest.approx(1.0), "it has one neighbour"


def test_a_gap_ends_a_path_and_nothing_is_guessed_across_it() -> None:
    model = learn([[0, 0, UNREAD, 1, 1]], 2)

    assert len(model.site) == 2, "no way leads from one to the other"
    assert model.departures.tolist() == [0, 0]
    assert outlook(model, believed(model, [1]), 3).stays == pytest.approx(1.0)


def test_neighbours_that_were_never_visited_are_possible() -> None:
    model = learn([[0, 0]], SITES, neighbours=[(0, 1), (0, 2)])
    assert outlook(model, believed(model, [0], 0.0), 1).next_site == pytest.approx([0.0, 0.5, 0.5])


def test_a_single_wrong_reading_does_not_move_a_group() -> None:
    model = shuttle()
    assert outlook(model, believed(model, [0, 0, 2]), 1).site[2] < 0.1


def test_a_belief_recovers_from_a_way_that_was_never_seen() -> None:
    model = shuttle()
    assert outlook(model, believed(model, [0, 0, 2, 2, 2]), 1).site[2] > 0.9


def test_missing_readings_let_a_belief_fade() -> None:
    model = shuttle()
    sure, later = (believed(model, [0, 0, *[UNREAD] * gap]) for gap in (0, 6))
    assert outlook(model, sure, 1).site.max() > outlook(model, later, 1).site.max()


@given(histories, paths, st.floats(0.0, 0.4))
@settings(deadline=None)
def test_probabilities_add_up_to_one_and_nothing_is_not_a_number(
    seen: list[list[int]], readings: list[int], wrong: float
) -> None:
    model = learn(seen, SITES, neighbours=[(0, 1)], ages=3)
    belief = believed(model, readings, wrong)
    ahead = outlook(model, belief, 5)

    assert belief.sum() == pytest.approx(1.0)
    assert ahead.next_site.sum() + ahead.stays == pytest.approx(1.0)
    assert ahead.occupancy.sum(axis=1) == pytest.approx(np.ones(6))
    assert (np.diff(ahead.survival) <= 1e-12).all()
    figures = (belief, ahead.next_site, ahead.survival, ahead.next_steps, ahead.occupancy, [ahead.mean_steps])
    assert not any(np.isnan(np.asarray(part)).any() for part in figures)


@given(histories, paths, st.permutations(range(SITES)))
@settings(deadline=None)
def test_names_of_sites_do_not_matter(seen: list[list[int]], readings: list[int], order: list[int]) -> None:
    renamed = np.array([*order, UNREAD])  # -1, a gap, stays what it is
    model = learn(seen, SITES, ages=3)
    other = learn([renamed[path] for path in seen], SITES, ages=3)
    one = outlook(model, believed(model, readings), 4)
    two = outlook(other, believed(other, renamed[readings]), 4)

    assert two.occupancy[:, order] == pytest.approx(one.occupancy)
    assert two.next_site[order] == pytest.approx(one.next_site)


def all_paths(model: Mobility, readings: list[int], wrong: float) -> FloatArray:
    """Return the belief after ``readings`` by adding up every path of states."""
    ways, ages = model.leaving.shape
    states = list(product(range(ways), range(ages)))
    step = {state: np.zeros((ways, ages)) for state in states}
    for way, age in states:
        end = model.leaving[way, age]
        step[way, age][way, min(age + 1, ages - 1)] += 1.0 - end
        step[way, age][:, 0] += end * model.following[way]
        step[way, age] = (1 - 1e-4) * step[way, age] + 1e-4 * unread(model)
    total = np.zeros((ways, ages))
    for path in product(states, repeat=len(readings)):
        weight = unread(model)[path[0]]
        for before, after in pairwise(path):
            weight *= step[before][after]
        for (way, _), reading in zip(path, readings, strict=True):
            same = 1.0 - wrong if model.site[way] == reading else wrong / (model.sites - 1)
            weight *= 1.0 if reading == UNREAD else same
        total[path[-1]] += weight
    return np.asarray(total / total.sum())


@pytest.mark.parametrize("readings", [[0, 1, 1], [1, -1, 0], [0, 0, 1], [-1, -1, 1]])
def test_messages_are_the_sum_over_all_paths(readings: list[int]) -> None:
    model = learn([[0, 0, 1, 0, 1, 1, 1, 0]], 2, ages=3)
    assert believed(model, readings, 0.1) == pytest.approx(all_paths(model, readings, 0.1))


def test_the_mean_stay_is_what_survival_adds_up_to() -> None:
    model = shuttle(ages=4)
    belief = believed(model, [0, 0, 1])
    ahead = outlook(model, belief, 400)
    assert ahead.mean_steps == pytest.approx(ahead.survival.sum(), rel=1e-6)


def test_a_step_and_a_reading_are_the_parts_of_following() -> None:
    model = shuttle(ages=4)
    belief = read(model, unread(model), 0)
    assert followed(model, belief, UNREAD).sum() == pytest.approx(1.0)
    assert advanced(model, belief).sum() == pytest.approx(1.0)
    assert (remaining_steps(model) >= 1.0).all()


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        pytest.param(lambda: learn([[0, 5]], 3), "history: must hold the numbers of sites from 0 to 2", id="site"),
        pytest.param(lambda: learn([[0.5]], 3), "history: must hold the numbers", id="not whole"),
        pytest.param(lambda: learn([], 0), "sites: must be at least 1", id="no site"),
        pytest.param(lambda: learn([], 3, neighbours=[(0, 3)]), "neighbours: must be pairs", id="neighbour"),
        pytest.param(lambda: believed(shuttle(), [3]), "readings: must hold the numbers", id="reading"),
        pytest.param(lambda: believed(shuttle(), [0], 1.0), "wrongReadings: must lie between", id="all wrong"),
    ],
)
def test_what_cannot_be_is_refused(call: Callable[[], object], complaint: str) -> None:
    with pytest.raises(InvalidSpec, match=complaint):
        call()
