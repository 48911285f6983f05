"""In which order, how often and how late keys run."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.gateways.workqueue import WorkQueue, retry_seconds
from tests.virtual_time import now, run


def unjittered(seconds: float) -> float:
    return seconds


def drain(work: WorkQueue[str]) -> list[str]:
    """Run all keys that wait now, and return them in order."""

    async def all_waiting() -> list[str]:
        keys = []
        while len(work):
            keys.append(await work.get())
            work.done(keys[-1])
        return keys

    return run(all_waiting())


def test_keys_run_in_order_of_arrival() -> None:
    work: WorkQueue[str] = WorkQueue()
    for key in ("b", "a", "c"):
        work.add(key)
    assert drain(work) == ["b", "a", "c"]


def test_a_key_added_twice_waits_once() -> None:
    work: WorkQueue[str] = WorkQueue()
    work.add("a")
    work.add("a")
    assert drain(work) == ["a"]


def test_a_key_added_while_it_runs_runs_again_and_never_twice_at_once() -> None:
    async def scenario() -> None:
        work: WorkQueue[str] = WorkQueue()
        work.add("a")
        key = await work.get()
        work.add("a")
        assert len(work) == 0
        work.done(key)
        assert await work.get() == "a"

    run(scenario())


def test_a_key_that_was_not_added_while_it_ran_does_not_run_again() -> None:
    async def scenario() -> None:
        work: WorkQueue[str] = WorkQueue()
        work.add("a")
        work.done(await work.get())
        assert len(work) == 0

    run(scenario())


@pytest.mark.parametrize(
    ("delays", "expected"),
    [
        pytest.param((30.0, 5.0), 5.0, id="the later one comes first"),
        pytest.param((5.0, 30.0), 5.0, id="the earlier one comes first"),
        pytest.param((5.0, 0.0), 0.0, id="at once"),
    ],
)
def test_of_two_delayed_additions_the_earlier_wins(delays: tuple[float, ...], expected: float) -> None:
    async def scenario() -> None:
        work: WorkQueue[str] = WorkQueue()
        for delay in delays:
            work.add_after("a", delay)
        assert await work.get() == "a"
        assert now() == expected
        work.done("a")
        await asyncio.sleep(60)
        assert len(work) == 0
        assert work.delayed == 0

    run(scenario())


def test_a_worker_that_sleeps_is_woken_by_an_earlier_key() -> None:
    async def scenario() -> None:
        work: WorkQueue[str] = WorkQueue()
        work.add_after("late", 100)
        waiting = asyncio.create_task(work.get())
        await asyncio.sleep(1)
        work.add_after("early", 2)
        assert await waiting == "early"
        assert now() == 3

    run(scenario())


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, 0.5), (1, 1.0), (4, 8.0), (9, 256.0), (10, 300.0), (10_000, 300.0)],
)
def test_retries_wait_twice_as_long_each_time_and_five_minutes_at_most(failures: int, seconds: float) -> None:
    assert retry_seconds(failures) == seconds


def test_a_forgotten_key_begins_its_back_off_anew() -> None:
    async def scenario() -> list[float]:
        work: WorkQueue[str] = WorkQueue(jitter=unjittered)
        delays = [work.retry("a"), work.retry("a")]
        work.forget("a")
        return [*delays, work.retry("a")]

    assert run(scenario()) == [0.5, 1.0, 0.5]


def test_a_retry_waits_at_least_as_long_as_the_server_asked() -> None:
    async def scenario() -> float:
        return WorkQueue[str](jitter=unjittered).retry("a", at_least=7.0)

    assert run(scenario()) == 7.0


def test_a_retry_that_is_bounded_never_waits_longer() -> None:
    async def scenario() -> list[float]:
        work = WorkQueue[str](jitter=unjittered)
        return [work.retry("a", at_most=5.0) for _ in range(12)]

    assert run(scenario())[-3:] == [5.0, 5.0, 5.0]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from([0.0, 0.5, 2.0, 40.0])), max_size=60))
def test_every_added_key_runs_after_it_was_added_and_never_beside_itself(steps: list[tuple[str, float]]) -> None:
    """Three workers, each run one second long, keys added half a second apart."""
    added: dict[str, float] = {}
    began: dict[str, float] = {}
    running: set[str] = set()

    async def worker(work: WorkQueue[str]) -> None:
        while True:
            key = await work.get()
            assert key not in running
            running.add(key)
            began[key] = now()
            await asyncio.sleep(1)
            running.remove(key)
            work.done(key)

    async def scenario() -> None:
        work: WorkQueue[str] = WorkQueue()
        workers = [asyncio.create_task(worker(work)) for _ in range(3)]
        for key, delay in steps:
            work.add_after(key, delay)
            added[key] = now()
            await asyncio.sleep(0.5)
        await asyncio.sleep(200)
        assert len(work) == work.delayed == 0
        for task in workers:
            task.cancel()
        ends = await asyncio.gather(*workers, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends

    run(scenario())
    assert all(began[key] >= moment for key, moment in added.items())


async def test_a_timer_that_ends_a_moment_early_is_not_set_again() -> None:
    clock = {"now": 10.0}
    queue = WorkQueue[str](clock=lambda: clock["now"])
    queue.add_after("a", 1.0)
    clock["now"] = 11.0 - 1e-9
    async with asyncio.timeout(0):
        assert await queue.get() == "a"
