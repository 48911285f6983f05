"""Reading a real API server, its events, and the Lease on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from gateway_world import GONE, GatewayWorld, a_world, until, until_settled
from rest import Rest

from aif.domain.actions import Apply, Delete, Emit
from aif.domain.cluster import ObjectReference
from aif.gateways.cache import Cache
from aif.gateways.kubernetes.audit import evict_vanished
from aif.gateways.kubernetes.lease import Elector
from aif.gateways.kubernetes.pods import parse_pod
from aif.gateways.kubernetes.reflector import Reflector
from aif.gateways.kubernetes.resources import AISERVICES, DEPLOYMENTS, NODES, PODS, SERVICES
from aif.gateways.kubernetes.views import parse_node
from aif.settings import Settings
from cluster.api import Cluster


@pytest.fixture
async def world(cluster: Cluster, rest: Rest) -> AsyncIterator[GatewayWorld]:
    """Gateways, and an AIService to act for."""
    async with a_world(cluster, rest) as made:
        yield made


async def test_a_reflector_follows_creation_change_and_deletion(world: GatewayWorld) -> None:
    cache: Cache[int] = Cache()
    mirror = Reflector(
        world.api,
        DEPLOYMENTS,
        lambda raw: int(raw["spec"]["replicas"]),
        cache,
        metrics=world.metrics,
        namespace=world.namespace,
        label_selector="app=plates",
    )
    task = asyncio.create_task(mirror.run())
    await mirror.synced.wait()
    (made,) = await world.carry_out(Apply(world.intent()))
    key = (world.namespace, "plates-a")
    await until(lambda: cache.get(key) == 0)
    await until_settled(world)
    live = await world.deployment()
    await world.carry_out(Delete(made.reference, live["metadata"]["resourceVersion"]))
    await until(lambda: cache.get(key) is None)
    task.cancel()


async def test_a_list_in_pages_holds_all_and_the_audit_evicts_only_what_is_gone(world: GatewayWorld) -> None:
    pages = [page["items"] async for page in world.api.pages(SERVICES, limit=1)]
    assert all(len(items) <= 1 for items in pages)
    cache: Cache[str] = Cache()
    cache.put((world.namespace, "plates"), "there")
    cache.put((world.namespace, "ghost"), "gone")
    assert await evict_vanished(world.api, AISERVICES, cache) == [(world.namespace, "ghost")]


async def test_every_node_and_pod_can_be_read(world: GatewayWorld) -> None:
    nodes = [parse_node(raw) async for page in world.api.pages(NODES) for raw in page["items"]]
    assert all(node.ready in ("True", "False", "Unknown") and node.uid for node in nodes)
    async for page in world.api.pages(PODS):
        for raw in page["items"]:
            parse_pod(raw)


async def test_events_become_a_series_that_the_server_admits(world: GatewayWorld) -> None:
    event = Emit(world.service, "Normal", "Placed", "Place", "Placed on gnb-7")
    for _ in range(3):
        await world.recorder.emit(event)
    (stored,) = world.rest.list("events", world.namespace)
    assert stored["series"]["count"] == 2
    assert stored["regarding"]["uid"] == world.service.uid


async def test_an_event_on_an_object_without_namespace_lies_in_default(world: GatewayWorld) -> None:
    name = f"gnb-{world.namespace}"
    node = ObjectReference("net4ai.io/v1alpha1", "ComputeNode", "", name, GONE)
    await world.recorder.emit(Emit(node, "Warning", "NodeNotReady", "Judge", "Node is not ready"))
    (stored,) = [event for event in world.rest.list("events", "default") if event["regarding"]["name"] == name]
    assert stored["type"] == "Warning"
    world.rest.delete("events", stored["metadata"]["name"], "default")


async def test_the_lease_passes_from_one_replica_to_the_next(world: GatewayWorld) -> None:
    settings = Settings(namespace=world.namespace, lease_retry_seconds=0.2)
    first, second = (Elector(world.api, settings, metrics=world.metrics) for _ in range(2))
    await first.acquire()
    waiting = asyncio.create_task(second.acquire())
    await asyncio.sleep(1)
    assert not waiting.done()
    assert not second.is_leader()
    await first.release()
    await waiting
    assert second.is_leader()
    assert not first.is_leader()
    lease = world.rest.get("leases", settings.lease_name, world.namespace)
    assert lease is not None
    assert lease["spec"]["holderIdentity"] == second.identity
    assert lease["spec"]["leaseTransitions"] == 1
