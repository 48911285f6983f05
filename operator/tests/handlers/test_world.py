"""What is promised, decided for many, and left out for a while."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from aif.api.aiservice import AIService
from aif.handlers.world import BAR_SECONDS
from aif.scheduling.cycle import select
from aif.scheduling.ledger import Claim
from tests import virtual_time
from tests.builders import NOON, a_compute_node, a_node, a_pod, an_aiservice
from tests.handlers.scenes import Inside

HERE, THERE = a_compute_node("gnb-7"), a_compute_node("gnb-8")
NODES = (a_node("worker-gnb-7"), a_node("worker-gnb-8"))


def a_world() -> Inside:
    return Inside.of(HERE, THERE, nodes=NODES)


def a_claim(service: AIService, node: str = "gnb-7", copy: str = "a", gpus: float = 1.0) -> Claim:
    """Return accelerators of ``node`` for ``service``."""
    meta = service.metadata
    return Claim(
        meta.uid, meta.namespace, meta.name, node, f"worker-{node}", resources={"nvidia.com/gpu": gpus}, copy=copy
    )


FIRST, SECOND = an_aiservice("first"), an_aiservice("second")


def test_a_service_may_hold_room_on_several_nodes() -> None:
    async def scene() -> None:
        inside = a_world()
        claims = [a_claim(FIRST), a_claim(FIRST, "gnb-8", "b")]
        assert inside.world.hold(FIRST, claims) is None
        assert inside.world.ledger.claims_of(FIRST.metadata.uid) == tuple(claims)

    virtual_time.run(scene())


def test_what_cannot_all_be_held_is_not_held_in_part() -> None:
    async def scene() -> None:
        inside = a_world()
        assert inside.world.hold(SECOND, [a_claim(SECOND, "gnb-8")]) is None
        short = inside.world.hold(FIRST, [a_claim(FIRST), a_claim(FIRST, "gnb-8", "b")])
        assert short is not None
        assert (short.node, short.resource) == ("worker-gnb-8", "nvidia.com/gpu")
        assert inside.world.ledger.claims_of(FIRST.metadata.uid) == ()

    virtual_time.run(scene())


def test_a_copy_that_answers_nobody_makes_room_for_the_next() -> None:
    async def scene() -> None:
        inside = a_world()
        old = a_pod("first-old", service="first", copy="old", ready=False, requests={"nvidia.com/gpu": 1.0})
        inside.world.pods.put(("default", "first-old"), old)
        assert inside.world.hold(FIRST, [a_claim(FIRST, copy="new")]) is None
        inside.world.pods.put(("default", "first-old"), replace(old, ready=True))
        assert inside.world.hold(FIRST, [a_claim(FIRST, copy="newer")]) is not None

    virtual_time.run(scene())


def test_a_decision_is_kept_and_held_until_it_is_acted_on() -> None:
    async def scene() -> None:
        world = a_world().world
        selection = select(FIRST, world.table(NOON), world.policy)
        world.assign(FIRST, selection)
        assert world.snapshot(FIRST, NOON).selection is selection
        assert world.ledger.held("gnb-7").services == 1
        world.forget_selection(FIRST.metadata.uid)
        assert not world.has_selection(FIRST)

    virtual_time.run(scene())


def test_a_decision_for_an_earlier_spec_is_none() -> None:
    async def scene() -> None:
        world = a_world().world
        world.assign(FIRST, select(FIRST, world.table(NOON), world.policy))
        later = FIRST.model_copy(update={"metadata": FIRST.metadata.model_copy(update={"generation": 2})})
        assert not world.has_selection(later)

    virtual_time.run(scene())


def test_a_decision_that_cannot_be_held_is_not_kept() -> None:
    async def scene() -> None:
        world = a_world().world
        selection = select(FIRST, world.table(NOON), world.policy)
        assert world.hold(SECOND, [a_claim(SECOND)]) is None
        world.assign(FIRST, selection)
        assert not world.has_selection(FIRST)

    virtual_time.run(scene())


def test_a_node_that_took_no_pod_is_left_out_for_a_while_and_for_this_service_only() -> None:
    async def scene() -> None:
        world = a_world().world
        world.bar(FIRST, {"gnb-7"}, NOON)
        nearly, over = (NOON + timedelta(seconds=BAR_SECONDS + more) for more in (-1, 1))
        assert world.snapshot(FIRST, nearly).barred == {"gnb-7"}
        assert world.barred(FIRST, over) == frozenset()
        assert world.barred(SECOND, NOON) == frozenset()

    virtual_time.run(scene())


def test_a_service_without_a_priority_class_has_the_least_of_the_unnamed() -> None:
    async def scene() -> None:
        world = a_world().world
        world.priority_classes.put(("", "urgent"), ("urgent", 1000))
        assert world.priorities() == {"": 0, "urgent": 1000}

    virtual_time.run(scene())


def test_a_snapshot_tells_when_too_many_move_already() -> None:
    async def scene() -> None:
        world = a_world().world
        assert world.snapshot(FIRST, NOON).may_move
        for _ in range(10):
            world.moves.take()
        assert not world.snapshot(FIRST, NOON).may_move

    virtual_time.run(scene())


def test_a_snapshot_keeps_its_nodes_while_the_next_one_shows_what_changed() -> None:
    async def scene() -> None:
        inside = a_world()
        before, again = inside.world.snapshot(FIRST, NOON), inside.world.snapshot(FIRST, NOON)
        assert before.nodes is again.nodes
        inside.world.nodes.put(("", "worker-gnb-8"), None)
        assert set(before.nodes) == {"worker-gnb-7", "worker-gnb-8"}
        assert set(inside.world.snapshot(FIRST, NOON).nodes) == {"worker-gnb-7"}

    virtual_time.run(scene())
