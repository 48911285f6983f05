"""When a source is left alone."""

from __future__ import annotations

from aif.gateways.prometheus.breaker import FIRST_SECONDS, LAST_SECONDS, THRESHOLD, Breaker


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def fail(breaker: Breaker, times: int = THRESHOLD) -> None:
    """Let ``breaker`` see failures."""
    for _ in range(times):
        breaker.failed()


def test_a_few_failures_do_not_matter() -> None:
    breaker = Breaker(Clock())
    fail(breaker, THRESHOLD - 1)
    assert breaker.lets_pass()


def test_an_answer_in_between_begins_the_count_anew() -> None:
    breaker = Breaker(Clock())
    fail(breaker, THRESHOLD - 1)
    breaker.succeeded()
    fail(breaker, THRESHOLD - 1)
    assert breaker.lets_pass()


def test_after_the_rest_one_question_decides() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    fail(breaker)
    assert not breaker.lets_pass()
    clock.now += 1.2 * FIRST_SECONDS
    assert breaker.lets_pass()
    breaker.failed()
    assert not breaker.lets_pass()


def test_the_rest_grows_to_a_bound_and_an_answer_ends_it() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(20):
        fail(breaker)
        clock.now += 1.2 * LAST_SECONDS
        assert breaker.lets_pass()
    breaker.succeeded()
    fail(breaker)
    clock.now += 1.2 * FIRST_SECONDS
    assert breaker.lets_pass()
