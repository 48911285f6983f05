"""Moves ahead of users: beside all plans, and what is never acted on."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aif.errors import InvalidSpec
from aif.planning.arrays import FloatArray
from aif.planning.mobility.factors import Mobility, learn
from aif.planning.mobility.moves import Decision, Terms, Verdict, breaches, decide, worth
from aif.planning.mobility.path import believed
from tests.planning.mobility.test_mobility import SHUTTLE, SITES, histories, paths, shuttle


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


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
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
