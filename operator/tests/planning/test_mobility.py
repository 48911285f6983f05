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
from aif.planning.mobility import AGES, UNREAD, Mobility, learn
from aif.planning.mobility_moves import Decision, Terms, Verdict, breaches, decide, worth
from aif.planning.mobility_path import advanced, believed, followed, outlook, read, remaining_steps, unread

SITES = 3
paths = st.lists(st.integers(-1, SITES - 1), min_size=1, max_size=24)
histories = st.lists(paths, min_size=0, max_size=3)
SHUTTLE = [0, 0, 0, 1, 1, 2, 2, 2, 1, 1] * 12
"""A group that goes 0, 1, 2, 1, 0 and so on: from 1 it goes on in the direction that it came from."""


def shuttle(ages: int = AGES) -> Mobility:
    """Return what is learned of the group that goes to and fro."""
    return learn([SHUTTLE], SITES, ages=ages)


def decided(
    readings: list[int],
    breach: list[list[float]],
    host: int = 0,
    history: list[int] = SHUTTLE,
    terms: Terms | None = None,
) -> Decision:
    """Return what is decided once ``readings`` were seen."""
    model = learn([history], SITES)
    asked = terms or Terms(step_seconds=10.0, move_steps=2, cost_seconds=5.0, horizon_steps=12)
    return decide(model, believed(model, readings), worth(model, breach, asked, host), host)


EACH_HOST_ONE_END = [[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]
"""Host 0 keeps the contract at sites 0 and 1, host 1 at sites 1 and 2."""


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


def plans(model: Mobility, breach: FloatArray, terms: Terms, state: tuple[int, int], host: int, left: int) -> float:
    """Return the least expected cost from a state, by trying every plan."""
    if left == 0:
        return 0.0

    def after(at: tuple[int, int], steps: int) -> list[tuple[float, tuple[int, int]]]:
        found = [(1.0, at)]
        for _ in range(steps):
            found = [(p * q, b) for p, a in found for q, b in ahead(a)]
        return found

    def ahead(at: tuple[int, int]) -> list[tuple[float, tuple[int, int]]]:
        way, age = at
        end = model.leaving[at]
        goes = [(end * p, (new, 0)) for new, p in enumerate(model.following[way]) if end * p > 0.0]
        return [(1.0 - end, (way, min(age + 1, model.ages - 1))), *goes]

    def here(at: tuple[int, int]) -> float:
        return float(breach[model.site[at[0]], host] * terms.step_seconds)

    best = here(state) + sum(p * plans(model, breach, terms, s, host, left - 1) for p, s in after(state, 1))
    during = sum(p * here(s) for steps in range(terms.move_steps) for p, s in after(state, steps))
    rest = max(0, left - terms.move_steps)
    for other in range(breach.shape[1]):
        moved = sum(p * plans(model, breach, terms, s, other, rest) for p, s in after(state, terms.move_steps))
        best = min(best, terms.cost_seconds + during + moved)
    return best


@pytest.mark.parametrize("cost", [0.0, 4.0, 11.0])
def test_what_moving_is_worth_is_the_best_of_all_plans(cost: float) -> None:
    model = learn([[0, 0, 1, 0, 1, 1, 1, 0]], 2, ages=2)
    breach = np.array([[0.0, 0.7], [1.0, 0.2]])
    terms = Terms(step_seconds=10.0, move_steps=2, cost_seconds=cost, horizon_steps=4)
    found = worth(model, breach, terms, host=0)
    moving = cost + found.during + found.after.min(axis=0)
    best = np.minimum(found.waiting, moving)

    for state in product(range(len(model.site)), range(model.ages)):
        for host in range(2):
            assert best[(host, *state)] == pytest.approx(plans(model, breach, terms, state, host, 4))


def test_a_service_moves_ahead_of_the_handover_and_not_earlier_than_it_must() -> None:
    assert decided([0, 0, 0], EACH_HOST_ONE_END).verdict is Verdict.WAIT
    ahead = decided([0, 0, 0, 1], EACH_HOST_ONE_END)
    assert (ahead.verdict, ahead.host) == (Verdict.MOVE, 1)
    assert ahead.gain_seconds > ahead.cost_seconds
    assert decided([2, 2, 2, 1], EACH_HOST_ONE_END).verdict is Verdict.WAIT, "it is on its way back"


def test_a_move_that_costs_more_than_it_avoids_is_not_begun() -> None:
    dear = Terms(step_seconds=10.0, move_steps=2, cost_seconds=60.0, horizon_steps=12)
    assert decided([0, 0, 0, 1], EACH_HOST_ONE_END, terms=dear).verdict is Verdict.WAIT


def test_what_is_not_known_of_a_host_is_no_reason_to_leave_it_nor_to_go_there() -> None:
    nan = float("nan")
    assert decided([0, 0, 0, 1], [[0.0, 1.0], [0.0, 0.0], [nan, 0.0]]).verdict is Verdict.WAIT
    assert decided([0, 0, 0, 1], [[0.0, 1.0], [0.0, 0.0], [1.0, nan]]).verdict is Verdict.WAIT


def test_a_site_that_was_hardly_seen_is_not_acted_on() -> None:
    found = decided([0, 0, 0, 1], EACH_HOST_ONE_END, history=SHUTTLE[:10])
    assert found.verdict is Verdict.UNKNOWN
    assert "departures from its site were seen" in found.reason


def test_a_lone_host_has_nowhere_to_go() -> None:
    assert decided([0], [[0.0], [0.0], [1.0]]).verdict is Verdict.UNKNOWN


@given(histories, paths, st.lists(st.sampled_from([0.0, 0.5, 1.0, float("nan")]), min_size=9, max_size=9))
@settings(deadline=None)
def test_every_decision_is_finite_and_a_move_always_gains(
    seen: list[list[int]], readings: list[int], shares: list[float]
) -> None:
    model = learn(seen, SITES, ages=3)
    breach = np.array(shares).reshape(SITES, 3)
    found = decide(model, believed(model, readings), worth(model, breach, Terms(1.0, 2, 0.5, 6), 0), 0)

    assert np.isfinite(found.gain_seconds)
    assert found.verdict is not Verdict.MOVE or found.gain_seconds > found.cost_seconds
    assert found.host != 0


@given(paths, st.floats(0.1, 10.0))
@settings(deadline=None)
def test_the_unit_of_time_does_not_matter(readings: list[int], scale: float) -> None:
    model, breach = shuttle(), np.array(EACH_HOST_ONE_END)
    belief = believed(model, readings)
    one, other = (
        decide(model, belief, worth(model, breach, Terms(10.0 * by, 2, 5.0 * by, 8), 0), 0) for by in (1.0, scale)
    )
    assert other.gain_seconds == pytest.approx(one.gain_seconds * scale, abs=1e-9)


def test_latencies_become_shares_in_breach() -> None:
    found = breaches([[0.01, 0.03, np.nan]], 0.02)
    assert found[0, :2].tolist() == [0.0, 1.0]
    assert np.isnan(found[0, 2])


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
        pytest.param(lambda: Terms(0.0, 1, 1.0, 5), "stepSeconds: must be greater than 0", id="no step"),
        pytest.param(lambda: Terms(1.0, 1, np.nan, 5), "moveCostSeconds: must be 0 or greater", id="NaN"),
        pytest.param(lambda: Terms(1.0, 5, 1.0, 5), "horizonSeconds: must be longer than a move", id="short-sighted"),
        pytest.param(lambda: worth(shuttle(), [[0.0]], Terms(1.0, 1, 1.0, 2), 0), "hosts: must hold a share", id="n"),
        pytest.param(
            lambda: worth(shuttle(), [[2.0]] * 3, Terms(1.0, 1, 1.0, 2), 0), "hosts: must hold shares", id="share"
        ),
        pytest.param(lambda: breaches([[-1.0]], 1.0), "latencySeconds: must be 0 or greater", id="latency"),
    ],
)
def test_what_cannot_be_is_refused(call: Callable[[], object], complaint: str) -> None:
    with pytest.raises(InvalidSpec, match=complaint):
        call()
