"""How much is written: of what follows closely only the last state, and a move takes no more than it must."""

from __future__ import annotations

from dataclasses import replace

from aif.api.aiservice import AIService
from aif.domain.actions import Emit
from aif.domain.cluster import Pod
from aif.gateways.kubernetes.views import Endpoints
from tests import virtual_time
from tests.builders import a_pod, an_aiservice
from tests.handlers.scenes import Inside
from tests.handlers.test_losses import a_world, cordon, home_of, lose
from tests.reconcile.scenes import said

AFTER = 0.2
"""Seconds between two observations that belong together."""


def copy_of(inside: Inside) -> str:
    service = inside.world.services.get(("default", "plates"))
    assert isinstance(service, AIService)
    return service.status.placements[0].copy_id


def status_of(inside: Inside, kind: str) -> str:
    service = inside.world.services.get(("default", "plates"))
    assert isinstance(service, AIService)
    return next(each.status for each in service.status.conditions if each.type == kind)


async def show(inside: Inside, *pods: Pod, seconds: float = AFTER) -> None:
    """Let the caches show these pods of the service, and then the endpoints that follow."""
    for name in inside.world.pods.keys():  # noqa: SIM118 - a cache iterates over values
        if name not in {(pod.namespace, pod.name) for pod in pods}:
            inside.world.pods.put(name, None)
    for pod in pods:
        inside.world.pods.put((pod.namespace, pod.name), pod)
    await inside.work_for(AFTER)
    ready = frozenset(pod.uid for pod in pods if pod.ready and not pod.terminating)
    inside.world.endpoints.put(("default", "plates-x"), Endpoints("default", "plates-x", "plates", ready))
    await inside.work_for(seconds)


def a_replica(inside: Inside, **fields: object) -> Pod:
    """Return a pod of the present copy."""
    copy = copy_of(inside)
    service = inside.world.services.get(("default", "plates"))
    assert isinstance(service, AIService)
    own = {"service": "plates", "copy": copy, "node": service.status.placements[0].node_name}
    return a_pod(f"plates-{copy}", **{**own, **fields})


def about_the_service(inside: Inside, since: int = 0) -> list[str]:
    """Return what was written of the service and its children, in a few words."""
    done = [
        each
        for each in inside.applier.done[since:]
        if not (isinstance(each, Emit) and each.regarding.kind != "AIService")
    ]
    return [words.split(" plates")[0] for words in said(done) if "ComputeNode" not in words]


async def a_service_that_runs() -> Inside:
    """Return a replica whose one service is placed, made and ready."""
    inside = a_world()
    inside.see(an_aiservice())
    await inside.work_for(10)
    await show(inside, a_replica(inside, ready=False))
    await show(inside, a_replica(inside), seconds=10)
    assert status_of(inside, "Ready") == "True"
    return inside


def test_a_placement_takes_its_children_an_event_the_decision_and_ready() -> None:
    async def scene() -> None:
        inside = await a_service_that_runs()
        assert about_the_service(inside) == [
            "status AIService",
            "apply Deployment",
            "apply Service",
            "apply PodDisruptionBudget",
            "event Placed",
            "status AIService",
        ]

    virtual_time.run(scene())


def test_a_move_off_a_lost_node_takes_four_writes_beside_the_loss_and_ready() -> None:
    async def scene() -> None:
        inside = await a_service_that_runs()
        old, (home,) = a_replica(inside), home_of(inside)
        begin = len(inside.applier.done)
        lose(inside, home, seconds=1.0)
        await show(inside, replace(old, ready=False), seconds=3.0)
        assert about_the_service(inside, begin) == ["status AIService"]
        begin = len(inside.applier.done)
        lose(inside, home)
        await inside.work_for(AFTER)
        assert home_of(inside) != [home]
        gone = replace(old, ready=False, terminating=True)
        await show(inside, gone)
        await show(inside, gone, a_replica(inside, ready=False))
        await show(inside, gone, a_replica(inside), seconds=10)
        assert status_of(inside, "Ready") == "True"
        assert about_the_service(inside, begin) == [
            "status AIService",
            "apply Deployment",
            "delete Deployment",
            "event Moving",
            "status AIService",
        ]

    virtual_time.run(scene())


def test_a_state_that_lasts_is_written() -> None:
    async def scene() -> None:
        inside = await a_service_that_runs()
        await show(inside, a_replica(inside, ready=False), seconds=2.0)
        assert status_of(inside, "Ready") == "False"

    virtual_time.run(scene())


def test_a_state_that_passes_is_not_written() -> None:
    async def scene() -> None:
        inside = await a_service_that_runs()
        begin = len(inside.applier.done)
        await show(inside, a_replica(inside, ready=False))
        await show(inside, a_replica(inside), seconds=10)
        assert about_the_service(inside, begin) == []

    virtual_time.run(scene())


def test_a_service_that_waits_writes_no_more_as_others_take_and_leave_what_is_short() -> None:
    async def scene() -> None:
        inside = await a_service_that_runs()
        for node in ("gnb-7", "gnb-8"):
            lose(inside, node)
        await inside.work_for(10)
        begin = len(inside.applier.done)
        for round_ in range(5):
            lose(inside, "gnb-8", seconds=60.0 + round_)
            await inside.work_for(10)
        assert about_the_service(inside, begin) == []

    virtual_time.run(scene())


def replicas(inside: Inside, *, ready: bool = True) -> dict[str, Pod]:
    """Return a pod of every copy that is to be there, by its copy; the Node's name follows from the label."""
    deployments = [child for child in inside.world.children["Deployment"] if child.copy]
    return {
        child.copy: a_pod(
            child.reference.name,
            service="plates",
            copy=child.copy,
            node=child.body["spec"]["template"]["spec"]["nodeSelector"]["kubernetes.io/hostname"],
            ready=ready,
        )
        for child in deployments
    }


async def behind(inside: Inside, *pods: Pod) -> None:
    """Let the caches show that the Service leads to these pods."""
    uids = frozenset(pod.uid for pod in pods)
    inside.world.endpoints.put(("default", "plates-x"), Endpoints("default", "plates-x", "plates", uids))
    await inside.work_for(AFTER)


def test_a_move_that_nothing_measures_takes_four_statuses_and_turns_the_service_before_the_old_copy_goes() -> None:
    async def scene() -> None:
        inside = await a_service_that_runs()
        old = a_replica(inside)
        cordon(inside, home_of(inside)[0])
        await inside.work_for(AFTER)
        begin = len(inside.applier.done)
        pods = replicas(inside)
        new = next(pod for copy, pod in pods.items() if copy != old.copy)
        await show(inside, old, replace(new, ready=False))
        await show(inside, old, new)
        await behind(inside, new)
        await show(inside, new, seconds=10)
        assert about_the_service(inside, begin) == [
            "status AIService",
            "event TargetReady",
            "event ContractVerified",
            "apply Service",
            "status AIService",
            "event TrafficSwitched",
            "apply PodDisruptionBudget",
            "delete Deployment",
            "status AIService",
            "event Completed",
            "apply Service",
        ]
        assert status_of(inside, "Ready") == "True"

    virtual_time.run(scene())
