"""Which services are on their way."""

from __future__ import annotations

from aif.api.aiservice import AIService
from aif.api.migration_status import MigrationRecord, Phase
from aif.handlers.migrations import follow, migrating
from tests import virtual_time
from tests.builders import a_compute_node, a_node, an_aiservice
from tests.handlers.scenes import Inside, a_key
from tests.reconcile.moving.moves import LATER, moving
from tests.reconcile.scenes import placed

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


def test_phases_and_ends_of_moves_are_counted_once() -> None:
    async def scene() -> None:
        inside = await a_placed_service()
        follow(inside.world, inside.metrics, lambda: LATER)
        service = moving(Phase.TARGET_READY, service=placed(an_aiservice()))
        inside.world.services.put(KEY, service)
        for phase in (Phase.TARGET_READY, Phase.CONTRACT_VERIFIED, Phase.CONTRACT_VERIFIED):
            inside.world.services.put(KEY, moving(phase, service=service))
        record = MigrationRecord(id=1, source="gnb-7", to="gnb-8", trigger="LatencyBreached", result="RolledBack")
        over = service.status.model_copy(update={"migration": None, "migrations": [record]})
        for _ in range(2):
            inside.world.services.put(KEY, service.model_copy(update={"status": over}))
        value = inside.metrics.registry.get_sample_value
        labels = {"result": "RolledBack", "trigger": "LatencyBreached"}
        assert value("aif_migrations_total", labels) == 1
        assert value("aif_migration_phase_seconds_sum", {"phase": "TargetReady"}) == 30.0
        assert value("aif_migration_phase_seconds_count", {"phase": "ContractVerified"}) == 1

    virtual_time.run(scene())


def test_a_service_counts_among_those_that_move_until_its_move_is_over_or_it_is_gone() -> None:
    async def scene() -> None:
        inside = await a_placed_service()
        inside.world.services.put(KEY, moving())
        assert len(inside.world.moving) == 1
        inside.world.services.put(KEY, placed(an_aiservice()))
        assert inside.world.moving == set()
        inside.world.services.put(KEY, moving())
        inside.world.services.put(KEY, None)
        assert inside.world.moving == set()

    virtual_time.run(scene())
