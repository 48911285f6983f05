"""Services without a place gather, are decided together, and each acts on its part."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from aif.api.aiservice import AIService
from aif.domain.actions import WriteStatus
from aif.domain.policy import Policy
from aif.errors import Unavailable
from aif.handlers import batcher
from aif.handlers.batcher import CROWD_TICKS, SLICE_SECONDS, TICK_SECONDS
from aif.scheduling.batch import Batch, decide
from aif.scheduling.node_table import NodeTable
from tests import virtual_time
from tests.builders import NOON, a_compute_node, a_node, an_aiservice
from tests.handlers.scenes import Inside, a_key
from tests.reconcile.scenes import a_placement, placed, said


def a_world(*names: str, rows: int = 1) -> Inside:
    """Return a replica that sees ``rows`` radio sites of one accelerator each, and services of these names."""
    computes = [a_compute_node(f"gnb-{7 + row}") for row in range(rows)]
    inside = Inside.of(*computes, nodes=[a_node(f"worker-gnb-{7 + row}") for row in range(rows)])
    for name in names:
        inside.see(an_aiservice(name))
    return inside


def service_of(inside: Inside, name: str) -> AIService:
    service = inside.world.services.get(("default", name))
    assert isinstance(service, AIService)
    return service


def gathered(inside: Inside, *names: str) -> None:
    for name in names:
        inside.controller.batcher.add(a_key(name))


def value(inside: Inside, name: str, **labels: str) -> float:
    return inside.metrics.registry.get_sample_value(name, labels) or 0.0


class Watched:
    """A `decide` that remembers what it was asked, and fails for services of a name."""

    def __init__(self, poison: str = "") -> None:
        self.poison = poison
        self.asked: list[list[str]] = []

    def __call__(
        self,
        services: Sequence[AIService],
        table: NodeTable,
        policy: Policy,
        priorities: Mapping[str, int],
        **options: Any,
    ) -> Batch:
        """Return the decision of the real one."""
        names = [service.metadata.name for service in services]
        self.asked.append(names)
        if self.poison in names:
            raise ZeroDivisionError(self.poison)
        return decide(services, table, policy, priorities, **options)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    """Return the decision that the batcher uses, watched."""
    spy = Watched()
    monkeypatch.setattr(batcher, "decide", spy)
    return spy


def test_services_that_come_together_are_decided_together(watched: Watched) -> None:
    async def scene() -> None:
        inside = a_world("c", "a", "b", rows=3)
        await inside.work_for(1)
        assert watched.asked == [["a", "b", "c"]]
        homes = {service_of(inside, name).status.placements[0].node for name in "abc"}
        assert homes == {"gnb-7", "gnb-8", "gnb-9"}

    virtual_time.run(scene())


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


def test_a_tick_holds_what_was_chosen_and_wakes_who_gathered() -> None:
    async def scene() -> None:
        inside = a_world("first", "second")
        await inside.woken()
        gathered(inside, "first", "second")
        inside.controller.batcher.tick()
        assert inside.world.ledger.held("gnb-7").services == 1
        assert all(inside.world.has_selection(service_of(inside, name)) for name in ("first", "second"))
        assert await inside.woken() == {a_key("first"), a_key("second")}

    virtual_time.run(scene())


def test_who_is_gone_placed_or_paused_by_then_is_left_out_and_still_looked_at(watched: Watched) -> None:
    async def scene() -> None:
        inside = a_world("waits")
        here = an_aiservice("placed")
        inside.see(placed(here, a_placement(here)))
        inside.see(an_aiservice("paused", suspend=True))
        await inside.woken()
        names = ("waits", "placed", "paused", "gone")
        gathered(inside, *names)
        inside.controller.batcher.tick()
        assert watched.asked == [["waits"]]
        assert await inside.woken() == {a_key(name) for name in names}

    virtual_time.run(scene())


def test_a_decision_that_was_not_acted_on_is_no_obstacle_to_the_next() -> None:
    async def scene() -> None:
        inside = a_world("first", "second")
        for _ in range(3):
            gathered(inside, "first", "second")
            inside.controller.batcher.tick()
        assert inside.world.ledger.held("gnb-7").services == 1

    virtual_time.run(scene())


def test_the_more_urgent_service_gets_the_last_device() -> None:
    async def scene() -> None:
        inside = a_world("a-ordinary")
        inside.see(an_aiservice("b-urgent", priorityClassName="urgent"))
        inside.world.priority_classes.put(("", "urgent"), ("urgent", 1000))
        await inside.work_for()
        assert service_of(inside, "a-ordinary").status.placements == []
        assert [placement.node for placement in service_of(inside, "b-urgent").status.placements] == ["gnb-7"]

    virtual_time.run(scene())


def test_a_service_that_cannot_be_decided_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene() -> None:
        spy = Watched(poison="broken")
        monkeypatch.setattr(batcher, "decide", spy)
        inside = a_world("broken", "first", "second", rows=2)
        await inside.work_for(60)
        assert all(service_of(inside, name).status.placements for name in ("first", "second"))
        tries = [names for names in spy.asked if names == ["broken"]]
        assert 3 <= len(tries) <= 9, "with a back-off"

    virtual_time.run(scene())
    assert "Failed to decide" in caplog.text


def test_a_first_placement_that_cannot_be_written_is_tried_with_a_back_off(watched: Watched) -> None:
    async def scene() -> None:
        inside = a_world("plates")
        inside.applier.failures += [(WriteStatus, Unavailable("no answer"))] * 1000
        await inside.work_for(60)
        assert 3 <= len(watched.asked) <= 9

    virtual_time.run(scene())


def test_decisions_refusals_and_who_waits_are_counted() -> None:
    async def scene() -> None:
        inside = a_world("first", "second")
        await inside.work_for()
        assert value(inside, "aif_decision_seconds_count") >= 1.0
        assert value(inside, "aif_rejections_total", reason="CapacityReserved") >= 1.0
        assert value(inside, "aif_services_waiting") == 1.0

    virtual_time.run(scene())


def test_who_waits_is_decided_once_until_capacity_changes(watched: Watched) -> None:
    async def scene() -> None:
        inside = a_world("first", "second")
        await inside.work_for(300)
        assert watched.asked == [["first", "second"]]
        assert said(inside.applier.done).count("status AIService second") == 1
        assert value(inside, "aif_rejections_total", reason="CapacityReserved") == 1.0
        inside.triggers.capacity_changed()
        await inside.work_for(300)
        assert watched.asked == [["first", "second"], ["second"]]
        inside.world.services.put(("default", "first"), None)
        await inside.work_for(10)
        assert [placement.node for placement in service_of(inside, "second").status.placements] == ["gnb-7"]

    virtual_time.run(scene())


def test_a_node_that_took_no_pod_of_a_service_is_left_out_for_it_alone() -> None:
    async def scene() -> None:
        inside = a_world("first", "second", rows=2)
        for name in ("first", "second"):
            inside.world.bar(service_of(inside, name), [{"first": "gnb-7", "second": "gnb-8"}[name]], NOON)
        await inside.work_for()
        homes = [service_of(inside, name).status.placements[0].node for name in ("first", "second")]
        assert homes == ["gnb-8", "gnb-7"]

    virtual_time.run(scene())
