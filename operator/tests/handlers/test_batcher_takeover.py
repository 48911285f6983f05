"""A replica that takes over in the middle of a joint batch: what was recorded stands, and nothing is promised twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from aif.api.aiservice import AIService
from aif.domain.policy import Policy
from aif.handlers.keys import Kind
from aif.reconcile.holding import held
from tests import virtual_time
from tests.builders import NOON
from tests.handlers.scenes import Inside, a_key
from tests.scheduling.test_batch import a_service, a_site, hosts
from tests.scheduling.test_joint import crowd

GPU = "nvidia.com/gpu"


def a_replica() -> Inside:
    """Return a replica that sees a site of four accelerators and one of three."""
    sites = [a_site("site", gpus=4), a_site("other", gpus=3)]
    return Inside.of(*sites, nodes=list(hosts(sites).values()))


def a_crowd() -> list[AIService]:
    """Return services for eleven accelerators of seven: by turns two large ones leave the small ones out."""
    large, *small = crowd()[0]
    return [large, *small, a_service("broad", gpus=3)]


def successor_of(first: Inside) -> Inside:
    """Return a replica that knows what the API server holds, and what was promised by it, as after its start."""
    second = a_replica()
    for service in first.world.services:
        assert isinstance(service, AIService)
        second.world.services.put(("default", service.metadata.name), service)
    for kind, cache in first.world.children.items():
        for child in cache:
            second.world.children[kind].put(("default", child.reference.name), child)
    table = second.world.table(NOON)
    for service in placed(second):
        for claim in held(service, table, Policy()):
            second.world.ledger.restore(claim)
    second.triggers.everything()
    return second


def placed(inside: Inside) -> list[AIService]:
    """Return the services that have a place."""
    return [each for each in inside.world.services if isinstance(each, AIService) and each.status.placements]


def homes(services: Sequence[AIService]) -> dict[str, str]:
    return {each.metadata.name: each.status.placements[0].node for each in services}


def promised(inside: Inside) -> Counter[str]:
    """Return accelerators that the ledger holds, by node."""
    held_there: Counter[str] = Counter()
    for claim in inside.world.ledger.claims:
        held_there[claim.node] += int(claim.resources[GPU])
    return held_there


@pytest.mark.parametrize("writes", range(6))
def test_a_joint_batch_that_is_cut_off_is_neither_lost_nor_promised_twice(writes: int) -> None:
    async def scene() -> None:
        first = a_replica()
        for service in a_crowd():
            first.see(service)
        first.applier.statuses = writes
        await first.work_for(0.5)
        recorded = homes(placed(first))
        assert bool(recorded) == bool(writes)

        second = successor_of(first)
        await second.work_for()
        now = homes(placed(second))
        assert recorded.items() <= now.items(), "what was recorded stays where it is"
        assert now.keys() == {"s0", "s1", "s2", "s3", "broad"}, "as many as the whole batch would have placed"
        assert promised(second) == {"site": 4, "other": 3}
        claimed = {claim.service for claim in second.world.ledger.claims}
        assert claimed == now.keys(), "who waits holds nothing"

    virtual_time.run(scene())


def test_what_a_replica_held_for_who_it_never_wrote_down_dies_with_it() -> None:
    async def scene() -> None:
        first = a_replica()
        for service in a_crowd():
            first.see(service)
        first.applier.statuses = 0
        await first.work_for(0.5)
        assert sum(promised(first).values()) == 7, "it had reserved all there is"
        second = successor_of(first)
        assert not second.world.ledger.claims
        second.world.services.put(("default", "late"), a_service("late", gpus=3))
        second.work.add(a_key("late", Kind.SERVICE))
        await second.work_for()
        assert sum(promised(second).values()) <= 7

    virtual_time.run(scene())
