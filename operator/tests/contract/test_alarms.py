"""When an alarm is raised, and when it is cleared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.contract.alarms import Alarms, Evaluation, Finding, Phase, evaluate
from aif.contract.limits import Limit, Limits, Sense

FOR = 60.0
LIMIT = Limit("latency", Sense.AT_MOST, 0.02, 1e-6, tolerance=0.05, clear=0.9, hard=True)
UNKNOWN = float("nan")


@dataclass
class Watch:
    """One promise that is looked at again and again."""

    alarms: Alarms
    for_seconds: float = FOR
    raised: int = 0
    cleared: int = 0

    def look(self, now: float, fast: float, slow: float | None = None) -> Evaluation:
        """Look at both windows; the slow one is like the fast one unless told."""
        slow = fast if slow is None else slow
        seen = np.array([fast]), np.array([slow])
        found = evaluate(self.alarms, Limits.of([LIMIT]), *seen, np.array([self.for_seconds]), now)
        self.alarms = found.alarms
        self.raised += int(found.raised[0])
        self.cleared += int(found.cleared[0])
        return found

    def phase(self) -> Phase:
        """Return how far the breach has come."""
        return Phase(self.alarms.phase[0])


def a_watch(for_seconds: float = FOR) -> Watch:
    """Return a promise that is kept so far."""
    return Watch(Alarms.quiet(1, 0.0), for_seconds)


def a_raised_watch() -> Watch:
    """Return a promise whose alarm was raised at 60."""
    watch = a_watch()
    watch.look(0, 2.0)
    watch.look(60, 2.0)
    assert watch.phase() is Phase.RAISED
    return watch


def test_a_breach_that_lasts_becomes_an_alarm() -> None:
    watch = a_watch()
    assert watch.look(0, 1.2).due == 60
    watch.look(59, 1.2)
    assert watch.phase() is Phase.PENDING
    assert watch.look(60, 1.2).raised[0]
    assert watch.phase() is Phase.RAISED


def test_a_breach_without_a_delay_is_an_alarm_at_once() -> None:
    assert a_watch(for_seconds=0).look(0, 1.2).raised[0]


def test_a_breach_within_the_tolerance_is_none() -> None:
    watch = a_watch(for_seconds=0)
    assert watch.look(0, 1.04).finding[0] == Finding.MET
    assert watch.phase() is Phase.QUIET


@pytest.mark.parametrize(
    ("fast", "slow"), [pytest.param(2.0, 1.0, id="a short spike"), pytest.param(1.0, 2.0, id="a breach that is over")]
)
def test_one_window_alone_is_no_breach(fast: float, slow: float) -> None:
    assert a_watch(for_seconds=0).look(0, fast, slow).finding[0] == Finding.MET


def test_a_pause_in_a_breach_begins_the_wait_anew() -> None:
    watch = a_watch()
    for now, load in ((0, 2.0), (30, 1.0), (40, 2.0), (99, 2.0)):
        watch.look(now, load)
    assert watch.phase() is Phase.PENDING
    watch.look(100, 2.0)
    assert watch.phase() is Phase.RAISED


def test_an_alarm_stays_until_the_clearing_level() -> None:
    watch = a_raised_watch()
    assert watch.look(70, 0.95).finding[0] == Finding.BREACHED
    found = watch.look(80, 0.9)
    assert found.cleared[0]
    assert found.finding[0] == Finding.MET


def test_an_alarm_is_cleared_by_the_fast_window_though_the_slow_one_remembers() -> None:
    assert a_raised_watch().look(70, 0.5, slow=3.0).cleared[0]


@pytest.mark.parametrize(("fast", "slow"), [(UNKNOWN, 2.0), (2.0, UNKNOWN), (UNKNOWN, UNKNOWN), (UNKNOWN, 0.1)])
def test_what_is_unknown_neither_raises_nor_clears(fast: float, slow: float) -> None:
    quiet, raised = a_watch(for_seconds=0), a_raised_watch()
    assert quiet.look(100, fast, slow).finding[0] == Finding.UNKNOWN
    assert quiet.phase() is Phase.QUIET
    assert raised.look(100, fast, slow).finding[0] == Finding.UNKNOWN
    assert raised.phase() is Phase.RAISED


def test_a_wait_does_not_go_on_while_nothing_is_known() -> None:
    watch = a_watch()
    watch.look(0, 2.0)
    watch.look(30, UNKNOWN)
    watch.look(61, 2.0)
    assert watch.phase() is Phase.PENDING


def test_the_same_look_taken_twice_changes_nothing() -> None:
    watch = a_raised_watch()
    before = watch.alarms
    again = watch.look(60, 2.0)
    assert not again.raised[0]
    assert (again.alarms.phase, again.alarms.since) == (before.phase, before.since)


def test_a_pending_alarm_outlives_the_process() -> None:
    watch = a_watch()
    watch.look(0, 2.0)
    kept = Alarms(watch.alarms.phase.copy(), watch.alarms.since.copy())
    heir = Watch(kept)
    assert heir.look(60, 2.0).raised[0]
    assert (watch.raised, heir.raised) == (0, 1)


def test_a_clock_that_was_set_back_raises_nothing_early_and_blocks_nothing() -> None:
    watch = a_watch()
    watch.look(10_000, 2.0)
    watch.look(100, 2.0)
    assert watch.phase() is Phase.PENDING
    watch.look(159, 2.0)
    assert watch.phase() is Phase.PENDING
    watch.look(160, 2.0)
    assert watch.phase() is Phase.RAISED


loads = st.one_of(st.floats(0.0, 3.0), st.just(UNKNOWN))


@given(st.lists(st.tuples(loads, loads), max_size=60), st.sampled_from([0.0, 10.0, 60.0]))
def test_a_flapping_value_gives_at_most_one_alarm_per_raise_and_clear(
    looks: Sequence[tuple[float, float]], for_seconds: float
) -> None:
    watch = a_watch(for_seconds)
    for number, (fast, slow) in enumerate(looks):
        watch.look(5.0 * number, fast, slow)
        assert watch.raised - watch.cleared == (watch.phase() is Phase.RAISED)


@given(st.lists(st.floats(0.91, 1.04), max_size=60))
def test_between_the_levels_nothing_changes(looks: Sequence[float]) -> None:
    quiet, raised = a_watch(for_seconds=0), a_raised_watch()
    for number, load in enumerate(looks):
        quiet.look(100.0 + number, load)
        raised.look(100.0 + number, load)
    assert (quiet.phase(), raised.phase()) == (Phase.QUIET, Phase.RAISED)
    assert (quiet.raised, raised.cleared) == (0, 0)


@given(st.lists(st.tuples(loads, loads), min_size=1, max_size=20))
def test_many_promises_are_judged_as_each_alone(looks: Sequence[tuple[float, float]]) -> None:
    rows = len(looks)
    fast, slow = (np.array(column) for column in zip(*looks, strict=True))
    together = evaluate(Alarms.quiet(rows, 0.0), Limits.of([LIMIT] * rows), fast, slow, np.zeros(rows), now=1.0)
    alone = [a_watch(for_seconds=0).look(1.0, *look).alarms.phase[0] for look in looks]
    assert together.alarms.phase.tolist() == alone


def test_the_next_alarm_that_is_due_is_told() -> None:
    limits, loads_ = Limits.of([LIMIT] * 3), np.array([2.0, 2.0, 0.5])
    found = evaluate(Alarms.quiet(3, 0.0), limits, loads_, loads_, np.array([90.0, 30.0, 10.0]), now=5.0)
    assert found.due == 35.0


def test_without_promises_nothing_is_due() -> None:
    nothing = np.zeros(0)
    assert evaluate(Alarms.quiet(0, 0.0), Limits.of([]), nothing, nothing, nothing, now=5.0).due == np.inf
