"""How many services may leave their nodes at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aif.handlers.moves import MoveRate


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


def taken(rate: MoveRate, most: int = 100) -> int:
    """Return how many moves are allowed in a row."""
    for count in range(most):
        if not rate.allows():
            return count
        rate.take()
    return most


def test_at_most_one_seconds_worth_moves_at_once() -> None:
    assert taken(MoveRate(Clock(), per_second=10.0)) == 10


def test_the_bucket_fills_again_as_time_goes_on() -> None:
    clock = Clock()
    rate = MoveRate(clock, per_second=10.0)
    taken(rate)
    clock.now += 0.25
    assert taken(rate) == 2
    clock.now += 0.06
    assert taken(rate) == 1


def test_a_long_rest_saves_up_no_more_than_a_second() -> None:
    clock = Clock()
    rate = MoveRate(clock, per_second=10.0)
    clock.now += 3600.0
    assert taken(rate) == 10


def test_asking_costs_nothing() -> None:
    rate = MoveRate(Clock(), per_second=1.0)
    assert all(rate.allows() for _ in range(100))


@given(st.lists(st.floats(0.0, 3.0), max_size=30))
def test_whatever_the_pauses_no_more_move_than_the_rate_grants(pauses: list[float]) -> None:
    clock = Clock()
    rate = MoveRate(clock, per_second=4.0)
    moved = taken(rate)
    for pause in pauses:
        clock.now += pause
        moved += taken(rate)
    assert moved <= 4.0 + 4.0 * sum(pauses) + 1e-6
