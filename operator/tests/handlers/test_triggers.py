"""Which objects are looked at when something in the world changes, and which are left in peace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from aif.api.computenode import ComputeNode, Reserved
from aif.domain.cluster import Pod
from aif.gateways.kubernetes.views import Endpoints
from aif.handlers.keys import Kind, WorkKey
from tests import virtual_time
from tests.builders import a_compute_node, a_node, a_pod, an_aiservice
from tests.handlers.scenes import Inside, a_key
from tests.reconcile.scenes import a_child, copy_of, placed

NODE = a_node()
COMPUTE = a_compute_node()
SERVICE = placed(an_aiservice())
PLATES, GNB, WORKER = a_key(), a_key("gnb-7", Kind.COMPUTE_NODE), a_key("worker-gnb-7", Kind.NODE)
WAITING = a_key("waiting")
COPY = copy_of(SERVICE)
OWN_POD = a_pod(service="plates", copy="a", ready=False)


def seen(change: Callable[[Inside], None]) -> tuple[set[WorkKey], int]:
    """Return the keys that ``change`` wakes at once in a world at rest, and how many it wakes a little later."""

    async def scene() -> tuple[set[WorkKey], int]:
        inside = Inside.of(COMPUTE, nodes=[NODE])
        inside.see(SERVICE)
        inside.world.children["Deployment"].put(("default", COPY.reference.name), COPY)
        inside.world.pods.put(("default", "plates-0"), OWN_POD)
        await inside.woken()
        inside.triggers.waiting.add(WAITING)
        before = inside.work.delayed
        change(inside)
        return await inside.woken(), inside.work.delayed - before

    return virtual_time.run(scene())


def put_pod(pod: Pod | None, name: str = "plates-0") -> Callable[[Inside], None]:
    return lambda inside: inside.world.pods.put(("default", name), pod)


def put_node(compute: ComputeNode | None) -> Callable[[Inside], None]:
    return lambda inside: inside.world.compute_nodes.put(("", "gnb-7"), compute)


def with_status(compute: ComputeNode) -> ComputeNode:
    reserved = compute.status.model_copy(update={"reserved": Reserved(services=3)})
    return compute.model_copy(update={"status": reserved})


@pytest.mark.parametrize(
    ("change", "woken"),
    [
        pytest.param(lambda i: i.see(an_aiservice()), {PLATES}, id="a service"),
        pytest.param(lambda i: i.world.services.put(("default", "plates"), None), {PLATES}, id="a deleted service"),
        pytest.param(
            lambda i: i.world.children["Deployment"].put(("default", COPY.reference.name), None),
            {PLATES},
            id="a lost child",
        ),
        pytest.param(
            lambda i: i.world.children["Deployment"].put(
                ("default", COPY.reference.name), a_child(COPY.body, resource_version="8", labels={})
            ),
            {PLATES},
            id="a child without its labels",
        ),
        pytest.param(put_pod(replace(OWN_POD, ready=True)), {PLATES}, id="an own pod that became ready"),
        pytest.param(
            lambda i: i.world.endpoints.put(("default", "e"), Endpoints("default", "e", "plates", frozenset({"1"}))),
            {PLATES},
            id="endpoints",
        ),
        pytest.param(
            lambda i: i.world.nodes.put(("", NODE.name), replace(NODE, ready="False")),
            {WORKER, GNB, PLATES},
            id="a lost node",
        ),
        pytest.param(put_node(a_compute_node(tier="Edge")), {GNB, WORKER, PLATES}, id="a changed offer"),
        pytest.param(put_node(None), {GNB, WORKER, PLATES}, id="a deleted ComputeNode"),
    ],
)
def test_a_change_wakes_what_it_is_about(change: Callable[[Inside], None], woken: set[WorkKey]) -> None:
    assert seen(change)[0] == woken


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(put_pod(a_pod("other"), "other"), id="a foreign pod"),
        pytest.param(put_node(a_compute_node(tier="Edge")), id="a changed offer"),
        pytest.param(lambda i: i.world.nodes.put(("", NODE.name), replace(NODE, unschedulable=True)), id="a cordon"),
        pytest.param(lambda i: i.triggers.capacity_changed(), id="a released claim"),
    ],
)
def test_changed_capacity_wakes_what_waits_a_little_later(change: Callable[[Inside], None]) -> None:
    assert seen(change)[1] >= 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(put_node(with_status(COMPUTE)), id="a mere status of a node"),
        pytest.param(put_pod(replace(OWN_POD, ready=True)), id="a pod that uses what it used"),
    ],
)
def test_what_changes_no_capacity_wakes_nobody_who_waits(change: Callable[[Inside], None]) -> None:
    assert seen(change)[1] == 0


def test_a_foreign_pod_wakes_no_service() -> None:
    assert seen(put_pod(a_pod("other"), "other"))[0] == set()


def test_a_deleted_service_lets_go_of_what_it_held_at_once() -> None:
    async def scene() -> None:
        inside = Inside.of(COMPUTE, nodes=[NODE])
        inside.see(an_aiservice())
        await inside.work_for()
        assert inside.world.ledger.held("gnb-7").services == 1
        inside.world.services.put(("default", "plates"), None)
        assert inside.world.ledger.held("gnb-7").services == 0

    virtual_time.run(scene())


def test_everything_is_looked_at_on_demand() -> None:
    assert seen(lambda inside: inside.triggers.everything())[0] == {PLATES, GNB, WORKER}
