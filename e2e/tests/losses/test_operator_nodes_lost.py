"""Nodes fall silent or go: services leave them by the rules, and the most urgent come first."""

import pytest
from losing import MANY, MakePool, await_moved, copies, never_overbooked, place, placed
from network import GPU, a_compute_node
from rest import Json, Rest, eventually, stays
from services import Services

from cluster import nodes
from cluster.api import Cluster

pytestmark = pytest.mark.usefixtures("operator")


def test_a_silent_node_is_left_and_nobody_returns_when_it_is_back(
    make_pool: MakePool, services: Services, cluster: Cluster, rest: Rest
) -> None:
    pool = make_pool(4, 2)
    before = place(services, pool, *MANY)
    silent = before[MANY[0]]
    with never_overbooked(pool):
        nodes.stop_heartbeat(cluster, silent)
        nodes.await_ready(cluster, [silent], ready=False)
        after = await_moved(services, before, silent)
        stayed = {name: node for name, node in before.items() if node != silent}
        assert stayed.items() <= after.items(), "who was not there does not move"
        nodes.resume_heartbeat(cluster, silent)
        nodes.await_ready(cluster, [silent])
        eventually(lambda: not _pods_on(rest, services, silent), "what ran on the lost node is gone")
        stays(lambda: {name: services.node_of(name) for name in before} == after, "nobody moves back", 3)


def _pods_on(rest: Rest, services: Services, node: str) -> list[Json]:
    return [pod for pod in rest.list("pods", services.namespace) if pod["spec"].get("nodeName") == node]


def test_a_partition_that_takes_three_of_five_nodes_moves_nobody(
    make_pool: MakePool, services: Services, cluster: Cluster
) -> None:
    pool = make_pool(5, 2)
    before = place(services, pool, *MANY)
    held = copies(services, *MANY)
    cut = list(dict.fromkeys([*before.values(), *pool.nodes]))[:3]
    for node in cut:
        nodes.stop_heartbeat(cluster, node)
    nodes.await_ready(cluster, cut, ready=False)
    stays(lambda: copies(services, *MANY) == held, "each copy stays", 10)
    assert {name: services.node_of(name) for name in MANY} == before
    for node in cut:
        nodes.resume_heartbeat(cluster, node)
    services.await_ready(*MANY)
    assert copies(services, *MANY) == held


def test_a_deleted_node_is_left_at_once(make_pool: MakePool, services: Services, cluster: Cluster) -> None:
    pool = make_pool(3, 2)
    before = place(services, pool, *MANY[:3])
    gone = before[MANY[0]]
    with never_overbooked(pool):
        nodes.delete(cluster, [gone])
        await_moved(services, before, gone)


def test_what_lost_its_node_and_finds_no_other_waits_and_the_most_urgent_is_placed_first(
    make_pool: MakePool, services: Services, cluster: Cluster, urgent: str
) -> None:
    pool = make_pool(2, 1)
    services.apply(pool.service("a-routine"))
    services.apply(pool.service("b-urgent", priorityClassName=urgent))
    services.await_ready("a-routine", "b-urgent")
    nodes.delete(cluster, pool.nodes)
    for name in ("a-routine", "b-urgent"):
        services.await_condition(name, "Placed", "False")
        told = services.await_condition(name, "Degraded", "True")
        assert services.node_of(name) in told["message"]
    with never_overbooked(pool):
        # Not the node that either was on, but another that takes just one of them.
        pool.rest.delete("computenodes", pool.nodes[1])
        pool.create(pool.nodes[:1])
        services.await_ready("b-urgent")
        stays(lambda: placed(services, "a-routine", "b-urgent") == {"b-urgent"}, "there is room for one only", 3)
        pool.rest.apply("computenodes", a_compute_node(pool.nodes[1], gpus=1))
        pool.create(pool.nodes[1:])
        services.await_ready("a-routine")


def test_of_those_that_wait_for_a_first_place_the_most_urgent_come_first(
    make_pool: MakePool, services: Services, urgent: str
) -> None:
    pool = make_pool(1, 1)
    pool.set_gpus(pool.nodes[0], 0)
    for name in MANY[:3]:
        services.apply(pool.service(name))
    services.apply(pool.service("urgent", priorityClassName=urgent))
    for name in (*MANY[:3], "urgent"):
        await_lack_of_devices(services, name)
    pool.set_gpus(pool.nodes[0], 1)
    services.await_ready("urgent")
    assert placed(services, *MANY[:3]) == set()


def await_lack_of_devices(services: Services, name: str) -> None:
    """Wait until a service says that it waits for a device: a first look may come before the node is ready."""
    eventually(lambda: GPU in services.condition(name, "Placed")["message"], f"{name} waits for a device")


def test_what_comes_free_is_shared_fairly_between_namespaces(
    make_pool: MakePool, services: Services, others: Services
) -> None:
    pool = make_pool(1, 4)
    pool.set_gpus(pool.nodes[0], 0)
    for name in (*MANY, "plates-6"):
        services.apply(pool.service(name))
        services.await_condition(name, "Placed", "False")
    for name in MANY[:2]:
        others.apply(pool.service(name))
        others.await_condition(name, "Placed", "False")
    pool.set_gpus(pool.nodes[0], 4)
    others.await_ready(*MANY[:2])
    eventually(lambda: len(placed(services, *MANY, "plates-6")) == 2, "the rest goes to the first namespace")
