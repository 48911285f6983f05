"""How long services gather, and how many are decided at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from aif.api.aiservice import AIService
from aif.handlers import batcher
from aif.handlers.batcher import CROWD_TICKS, SLICE_SECONDS, TICK_SECONDS
from aif.scheduling.batch import Batch
from tests import virtual_time
from tests.builders import an_aiservice
from tests.handlers.batches import Watched, a_world, gathered
from tests.handlers.scenes import a_key


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    """Return the decision that the batcher uses, watched."""
    spy = Watched()
    monkeypatch.setattr(batcher, "decide", spy)
    return spy


def test_a_tick_gathers_for_a_moment_before_it_decides(watched: Watched) -> None:
    async def scene() -> None:
        inside = a_world("first", "second", rows=2)
        task = asyncio.create_task(inside.controller.batcher.run())
        gathered(inside, "first")
        await asyncio.sleep(TICK_SECONDS / 2)
        assert watched.asked == []
        gathered(inside, "second")
        await asyncio.sleep(TICK_SECONDS * CROWD_TICKS)
        assert watched.asked == [["first", "second"]]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    virtual_time.run(scene())


@pytest.mark.parametrize(
    ("queued", "ticks"), [pytest.param(0, 1, id="nothing else to do"), pytest.param(1, CROWD_TICKS, id="more to come")]
)
def test_a_tick_is_longer_while_keys_wait_in_the_queue(watched: Watched, queued: int, ticks: int) -> None:
    async def scene() -> None:
        inside = a_world("first")
        while len(inside.work):
            inside.work.done(await inside.work.get())
        for number in range(queued):
            inside.work.add(a_key(f"other-{number}"))
        task = asyncio.create_task(inside.controller.batcher.run())
        gathered(inside, "first")
        await asyncio.sleep(TICK_SECONDS * (ticks - 0.5))
        assert watched.asked == []
        await asyncio.sleep(TICK_SECONDS)
        assert watched.asked == [["first"]]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    virtual_time.run(scene())


def test_of_very_many_services_the_most_urgent_are_decided_first(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        monkeypatch.setattr(batcher, "FIRST_SLICE", 2)
        inside = a_world("a", "b", "c", rows=3)
        inside.world.priority_classes.put(("", "urgent"), ("urgent", 10))
        inside.see(an_aiservice("d", priorityClassName="urgent"))
        gathered(inside, *"abcd")
        inside.controller.batcher.tick()
        assert watched.asked == [["a", "d"]]
        inside.controller.batcher.tick()
        assert watched.asked == [["a", "d"], ["b", "c"]]

    virtual_time.run(scene())


def test_no_more_services_are_decided_together_than_a_moment_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        names = [f"service-{number}" for number in range(8)]
        inside, spy = a_world(*names), Watched()
        clock = {"ahead": 0.0}
        loop = asyncio.get_running_loop()
        real = loop.time
        monkeypatch.setattr(loop, "time", lambda: real() + clock["ahead"])

        def slow(services: Sequence[AIService], *args: Any, **options: Any) -> Batch:
            clock["ahead"] += len(services) * SLICE_SECONDS / 2
            return spy(services, *args, **options)

        monkeypatch.setattr(batcher, "decide", slow)
        task = asyncio.create_task(inside.controller.batcher.run())
        gathered(inside, *names[:4])
        await asyncio.sleep(5.0)
        gathered(inside, *names[4:])
        await asyncio.sleep(5.0)
        assert [len(asked) for asked in spy.asked] == [4, 2, 2]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    virtual_time.run(scene())


def test_a_batch_that_took_long_is_followed_by_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        inside = a_world("first", "second", rows=2)
        spy = Watched()
        clock = {"ahead": 0.0}
        loop = asyncio.get_running_loop()
        real = loop.time
        monkeypatch.setattr(loop, "time", lambda: real() + clock["ahead"])

        def slow(*args: Any, **options: Any) -> Batch:
            clock["ahead"] += 1.0
            return spy(*args, **options)

        monkeypatch.setattr(batcher, "decide", slow)
        task = asyncio.create_task(inside.controller.batcher.run())
        gathered(inside, "first")
        await asyncio.sleep(1.5)
        gathered(inside, "second")
        await asyncio.sleep(2.0)
        assert spy.asked == [["first"]]
        await asyncio.sleep(2.0)
        assert spy.asked == [["first"], ["second"]]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    virtual_time.run(scene())
