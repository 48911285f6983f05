"""Services without a place gather, are decided together, and each acts on its part."""

from __future__ import annotations

import pytest

from aif.domain.actions import WriteStatus
from aif.errors import Unavailable
from aif.handlers import batcher
from tests import virtual_time
from tests.builders import NOON, an_aiservice
from tests.handlers.batches import Watched, a_world, gathered, service_of, value
from tests.handlers.scenes import a_key
from tests.reconcile.scenes import a_placement, placed, said


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
