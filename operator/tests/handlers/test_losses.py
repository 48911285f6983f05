"""A lost node, from the cache to the next placement: moved once, counted, and no faster than the rate."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from aif.api.aiservice import AIService
from tests import virtual_time
from tests.builders import CPU_32, NOON, a_compute_node, a_device, a_link, a_node, an_aiservice
from tests.handlers.scenes import Inside, a_key

GPUS = 30
ROOM = {"cpu": 512.0, "memory": 1e13, "pods": 110.0, "nvidia.com/gpu": float(GPUS)}


def a_world() -> Inside:
    """Return a replica that sees two large sites."""
    devices = [a_device(count=GPUS), a_device(CPU_32, count=512)]
    link = a_link(upBitsPerSecond="1950G")
    sites = [a_compute_node(name, devices=devices, links=[link]) for name in ("gnb-7", "gnb-8")]
    return Inside.of(*sites, nodes=[a_node(f"worker-{site.metadata.name}", allocatable=ROOM) for site in sites])


def home_of(inside: Inside, name: str = "plates") -> list[str]:
    service = inside.world.services.get(("default", name))
    assert isinstance(service, AIService)
    return [placement.node for placement in service.status.placements]


def lose(inside: Inside, name: str, seconds: float = 60.0) -> None:
    """Let the Node behind ``name`` be unreachable since so many seconds."""
    key = ("", f"worker-{name}")
    node = inside.world.nodes.get(key)
    assert node is not None
    inside.world.nodes.put(key, replace(node, ready="Unknown", ready_since=NOON - timedelta(seconds=seconds)))


def cordon(inside: Inside, name: str, *, unschedulable: bool = True) -> None:
    key = ("", f"worker-{name}")
    node = inside.world.nodes.get(key)
    assert node is not None
    inside.world.nodes.put(key, replace(node, unschedulable=unschedulable))


def moves(inside: Inside) -> float:
    return inside.metrics.registry.get_sample_value("aif_moves_total", {"reason": "NodeUnreachable"}) or 0.0


def test_a_service_on_a_lost_node_moves_once_and_is_counted() -> None:
    async def scene() -> None:
        inside = a_world()
        inside.see(an_aiservice())
        await inside.work_for()
        (before,) = home_of(inside)
        lose(inside, before)
        await inside.work_for()
        (after,) = home_of(inside)
        assert after != before
        assert moves(inside) == 1.0
        assert inside.world.ledger.held(before).services == 0
        assert inside.world.ledger.held(after).services == 1

    virtual_time.run(scene())


def test_within_the_grace_a_service_is_looked_at_again_when_it_ends() -> None:
    async def scene() -> None:
        inside = a_world()
        inside.see(an_aiservice())
        await inside.work_for()
        (home,) = home_of(inside)
        lose(inside, home, seconds=2.0)
        await inside.work_for(1.5)
        assert moves(inside) == 0.0
        began = virtual_time.now()
        while await asyncio.wait_for(inside.work.get(), timeout=10.0) != a_key():
            pass
        assert virtual_time.now() - began == pytest.approx(3.5)

    virtual_time.run(scene())


@pytest.mark.parametrize(
    ("seconds", "at_most"), [pytest.param(0.05, 10, id="at once"), pytest.param(1.0, 20, id="1 s")]
)
def test_a_site_is_left_no_faster_than_the_rate(seconds: float, at_most: int) -> None:
    async def scene() -> None:
        inside = a_world()
        cordon(inside, "gnb-8")
        names = [f"s-{number}" for number in range(25)]
        for name in names:
            inside.see(an_aiservice(name, load={"requestsPerSecond": 1}, qos={}))
        await inside.work_for(10)
        assert all(home_of(inside, name) == ["gnb-7"] for name in names)
        cordon(inside, "gnb-8", unschedulable=False)
        lose(inside, "gnb-7")
        await inside.work_for(seconds)
        assert 0 < moves(inside) <= at_most
        await inside.work_for(20)
        assert all(home_of(inside, name) == ["gnb-8"] for name in names)
        assert moves(inside) == len(names)

    virtual_time.run(scene())
