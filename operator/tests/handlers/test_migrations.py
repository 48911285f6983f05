"""Which services are on their way."""

from __future__ import annotations

from aif.api.aiservice import AIService
from aif.handlers.migrations import migrating
from tests import virtual_time
from tests.builders import a_compute_node, a_node, an_aiservice
from tests.handlers.scenes import Inside, a_key

HERE, THERE = a_compute_node("gnb-7"), a_compute_node("gnb-8")
NODES = (a_node("worker-gnb-7"), a_node("worker-gnb-8"))
KEY = ("default", "plates")


async def a_placed_service() -> Inside:
    """Return a replica's inside that has placed a service."""
    inside = Inside.of(HERE, THERE, nodes=NODES)
    inside.see(an_aiservice())
    inside.work.add(a_key())
    await inside.work_for()
    return inside


def test_a_service_with_the_copies_that_it_should_have_is_not_on_its_way() -> None:
    async def scene() -> None:
        inside = await a_placed_service()
        assert len(inside.world.children["Deployment"]) == 1
        assert migrating(inside.world) == set()

    virtual_time.run(scene())


def test_a_service_is_on_its_way_until_the_last_copy_of_before_has_gone() -> None:
    async def scene() -> None:
        inside = await a_placed_service()
        service = inside.world.services.get(KEY)
        assert isinstance(service, AIService)
        (placement,) = service.status.placements
        elsewhere = [placement.model_copy(update={"copy_id": "another"})]
        status = service.status.model_copy(update={"placements": elsewhere})
        inside.world.services.put(KEY, service.model_copy(update={"status": status}))
        assert migrating(inside.world) == {KEY}
        (deployment,) = inside.world.children["Deployment"]
        inside.world.children["Deployment"].put((deployment.reference.namespace, deployment.reference.name), None)
        assert migrating(inside.world) == set()

    virtual_time.run(scene())


def test_what_belongs_to_no_service_or_to_one_without_a_place_is_not_on_its_way() -> None:
    async def scene() -> None:
        inside = await a_placed_service()
        service = inside.world.services.get(KEY)
        assert isinstance(service, AIService)
        status = service.status.model_copy(update={"placements": []})
        inside.world.services.put(KEY, service.model_copy(update={"status": status}))
        assert migrating(inside.world) == set()
        inside.world.services.put(KEY, None)
        assert migrating(inside.world) == set()

    virtual_time.run(scene())
