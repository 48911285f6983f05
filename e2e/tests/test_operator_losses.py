"""Nodes fall silent, go, are drained or shrink: services leave them by the rules, and no node is ever overbooked.

These tests have a cluster of their own, where a silent node is soon NotReady.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import operator_account
import pytest
from kubectl import Kubectl, KubectlFailed
from network import A100, CPU, GPU, a_compute_node, a_workload, within
from operator_process import Operators
from pool import Pool
from rest import Json, Rest, eventually, stays
from services import Services, condition, least_endpoints

from cluster import api, nodes
from cluster.api import Cluster
from cluster.choose import Asked
from cluster.parts import Options
from cluster.record import Provider

pytestmark = pytest.mark.usefixtures("operator")

NAME: Final = "e2e-losses"
NODE_GRACE_S: Final = 6
"""Seconds until a silent node is NotReady; with the 50 of Kubernetes these tests would mostly wait."""

MANY: Final = [f"plates-{number}" for number in range(1, 6)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster in which a silent node is soon NotReady; one that runs already is used and left running."""
    known = api.find(NAME)
    found_running = known is not None and api.runs(known)
    running = api.up(NAME, wish=Asked(provider=Provider.EMBEDDED), options=Options(node_grace_s=NODE_GRACE_S))
    try:
        operator_account.install_kinds(Kubectl(running))
        yield running
    finally:
        if not found_running:
            api.down(NAME)


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster) -> Kubectl:
    """kubectl, bound to this cluster."""
    return Kubectl(cluster)


@pytest.fixture(scope="module")
def rest(cluster: Cluster) -> Rest:
    """The administrator's access to this cluster."""
    return Rest.to(cluster)


@pytest.fixture(scope="module")
def operators(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operators]:
    """Starts the operator beside this cluster, under its own account."""
    operator_account.install(kubectl)
    running = Operators(kubectl, tmp_path_factory.mktemp("operator"))
    yield running
    running.end_all()


MakePool = Callable[..., Pool]


@pytest.fixture
def make_pool(cluster: Cluster, rest: Rest) -> Iterator[MakePool]:
    """Makes nodes for one test; they go after it."""
    made = list[Pool]()

    def make(size: int, gpus: int) -> Pool:
        made.append(Pool(cluster, rest, f"pool-{secrets.token_hex(3)}", size, gpus))
        made[-1].build()
        return made[-1]

    yield make
    for pool in made:
        pool.raze()


@contextmanager
def never_overbooked(pool: Pool) -> Iterator[None]:
    """Fail where a node is overbooked at any look, five times a second."""
    over, seen, looks = threading.Event(), set[str](), list[int]()

    def look() -> None:
        while not looks or not over.wait(0.2):
            seen.update(map(str, pool.overbooked()))
            looks.append(1)

    looker = threading.Thread(target=look)
    looker.start()
    try:
        yield
    finally:
        over.set()
        looker.join()
    assert looks, "nobody looked"
    assert seen == set()


def place(services: Services, pool: Pool, *names: str) -> dict[str, str]:
    """Place services that take an accelerator each; return the node of each."""
    for name in names:
        services.apply(pool.service(name))
    services.await_ready(*names)
    return {name: services.node_of(name) for name in names}


def await_moved(services: Services, before: dict[str, str], *nodes_left: str) -> dict[str, str]:
    """Wait until no service runs on `nodes_left`, each is ready and has one copy; return the node of each."""

    def moved() -> dict[str, str]:
        now = {name: services.node_of(name) for name in before}
        left = {name: node for name, node in now.items() if node in nodes_left}
        assert left == {}, f"still there: {left}"
        return now

    after = eventually(moved, f"{', '.join(nodes_left)} is left")
    services.await_ready(*before)
    await_one_copy(services, *before)
    return after


def await_one_copy(services: Services, *names: str) -> None:
    """Wait until each service has a single copy."""
    eventually(lambda: [len(services.copies(name)) for name in names] == [1] * len(names), "one copy each")


def copies(services: Services, *names: str) -> dict[str, list[str]]:
    """Return the uids of the Deployments of each service."""
    return {name: [copy["metadata"]["uid"] for copy in services.copies(name)] for name in names}


def placed(services: Services, *names: str) -> set[str]:
    """Return which of the services have a place."""
    return {name for name in names if condition(services.get(name), "Placed")["status"] == "True"}


def other_than(pool: Pool, node: str) -> str:
    """Return a node of the pool other than `node`."""
    return next(name for name in pool.nodes if name != node)


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


@pytest.fixture
def urgent(rest: Rest) -> Iterator[str]:
    """A PriorityClass above the default."""
    name = f"urgent-{secrets.token_hex(3)}"
    body = {"metadata": {"name": name}, "value": 1000, "preemptionPolicy": "Never"}
    rest.create("priorityclasses", body)
    yield name
    rest.delete("priorityclasses", name)


def test_of_those_that_wait_for_a_first_place_the_most_urgent_come_first(
    make_pool: MakePool, services: Services, urgent: str
) -> None:
    pool = make_pool(1, 1)
    pool.set_gpus(pool.nodes[0], 0)
    for name in MANY[:3]:
        services.apply(pool.service(name))
    services.apply(pool.service("urgent", priorityClassName=urgent))
    for name in (*MANY[:3], "urgent"):
        assert GPU in services.await_condition(name, "Placed", "False")["message"]
    pool.set_gpus(pool.nodes[0], 1)
    services.await_ready("urgent")
    assert placed(services, *MANY[:3]) == set()


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


@pytest.fixture
def others(rest: Rest) -> Iterator[Services]:
    """The services of a second namespace."""
    name = f"e2e-{secrets.token_hex(4)}"
    rest.create("namespaces", {"metadata": {"name": name}})
    yield Services(rest, name)
    rest.delete("namespaces", name)


def test_a_cordoned_node_is_left_without_a_gap(make_pool: MakePool, services: Services) -> None:
    pool = make_pool(2, 2)
    before = place(services, pool, "plates")
    with never_overbooked(pool), least_endpoints(services, "plates") as fewest:
        pool.cordon(before["plates"])
        await_moved(services, before, before["plates"])
    assert fewest[0] >= 1


def test_on_a_cordoned_node_without_an_alternative_a_service_serves_on_and_says_so(
    make_pool: MakePool, services: Services
) -> None:
    pool = make_pool(1, 1)
    before = place(services, pool, "plates")
    with least_endpoints(services, "plates") as fewest:
        pool.cordon(before["plates"])
        services.await_condition("plates", "Degraded", "True", "NodeCordoned")
    assert fewest[0] >= 1
    assert services.condition("plates", "Ready")["status"] == "True"
    pool.cordon(before["plates"], cordoned=False)
    eventually(lambda: not _degraded(services, "plates"), "it is well again")


def _degraded(services: Services, name: str) -> bool:
    return any(c["type"] == "Degraded" for c in services.get(name)["status"]["conditions"])


def test_a_drain_waits_until_the_service_has_moved(make_pool: MakePool, services: Services, kubectl: Kubectl) -> None:
    pool = make_pool(2, 1)
    (node,) = place(services, pool, "plates").values()
    other = other_than(pool, node)
    pool.cordon(other)
    with least_endpoints(services, "plates") as fewest:
        with pytest.raises(KubectlFailed, match="disruption budget"):
            kubectl("drain", node, "--timeout=4s")
        assert services.ready_endpoints("plates") == 1
        pool.cordon(other, cordoned=False)
        kubectl("drain", node, "--timeout=60s")
        assert services.node_of("plates") == other
    assert fewest[0] >= 1
    services.await_ready("plates")


def test_a_taint_that_evicts_is_answered_with_another_node(make_pool: MakePool, services: Services) -> None:
    pool = make_pool(2, 2)
    before = place(services, pool, "plates")
    with never_overbooked(pool):
        pool.taint(before["plates"], {"key": "example.org/repair", "effect": "NoExecute"})
        await_moved(services, before, before["plates"])


def test_just_enough_services_leave_a_node_that_lost_devices(make_pool: MakePool, services: Services) -> None:
    pool = make_pool(2, 4)
    first, second = pool.nodes
    pool.cordon(second)
    place(services, pool, *MANY[:4])
    held = copies(services, *MANY[:4])
    pool.cordon(second, cordoned=False)
    pool.set_gpus(first, 2)

    def on_second() -> bool:
        return sum(services.node_of(name) == second for name in MANY[:4]) == 2

    eventually(on_second, "two have left")
    await_one_copy(services, *MANY[:4])
    services.await_ready(*MANY[:4])
    stays(on_second, "the other two stay", 3)
    kept = [name for name in MANY[:4] if services.node_of(name) == first]
    assert copies(services, *kept) == {name: held[name] for name in kept}
    assert pool.overbooked() == []


def test_a_node_whose_owner_makes_it_slower_is_left(make_pool: MakePool, services: Services, rest: Rest) -> None:
    pool = make_pool(2, 1)
    services.apply(pool.service("plates", **within(30)))
    services.await_ready("plates")
    node = services.node_of("plates")
    slow = {**A100, "count": 1, "peakFlops": [{"precision": "FP32", "flopsPerSecond": "500G"}]}
    with least_endpoints(services, "plates") as fewest:
        rest.apply("computenodes", a_compute_node(node, capability={"devices": [CPU, slow]}))
        await_moved(services, {"plates": node}, node)
    assert fewest[0] >= 1


def test_replicas_overflow_to_other_nodes_and_follow_kubectl_scale(
    make_pool: MakePool, services: Services, kubectl: Kubectl
) -> None:
    pool = make_pool(3, 1)
    services.apply(pool.service("plates", workload=a_workload(replicas=2)))
    services.await_ready("plates")
    assert len(services.get("plates")["status"]["placements"]) == 2
    with never_overbooked(pool):
        for replicas, serving in ((4, 3), (3, 3), (1, 1)):
            kubectl("scale", "--namespace", services.namespace, f"--replicas={replicas}", "ais/plates")
            eventually(lambda n=serving: services.ready_endpoints("plates") == n, f"{serving} replicas answer")  # type: ignore[misc]
            if replicas > serving:
                told = services.await_condition("plates", "Degraded", "True")
                assert "1 of 4 replicas find no place" in told["message"]
                assert GPU in told["message"]
        eventually(lambda: not _degraded(services, "plates"), "nothing is short any more")


def test_an_autoscaler_drives_the_scale_subresource(make_pool: MakePool, services: Services, rest: Rest) -> None:
    pool = make_pool(1, 0)
    services.apply(pool.plain("plates"))
    services.await_ready("plates")
    target = {"apiVersion": "net4ai.io/v1alpha1", "kind": "AIService", "name": "plates"}
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}
    spec = {
        "scaleTargetRef": target,
        "minReplicas": 2,
        "maxReplicas": 4,
        "metrics": [{"type": "Resource", "resource": cpu}],
    }
    rest.create("horizontalpodautoscalers", {"metadata": {"name": "plates"}, "spec": spec}, services.namespace)
    eventually(lambda: services.ready_endpoints("plates") == 2, "the autoscaler's minimum answers", 45)
    scale = rest.send("GET", f"/apis/net4ai.io/v1alpha1/namespaces/{services.namespace}/aiservices/plates/scale")
    pods = rest.send("GET", f"/api/v1/namespaces/{services.namespace}/pods", labelSelector=scale["status"]["selector"])
    assert len(pods["items"]) == 2


def test_a_node_that_the_scheduler_refuses_is_barred_and_another_is_taken(
    make_pool: MakePool, services: Services, rest: Rest
) -> None:
    pool = make_pool(2, 1)
    preferred, other = pool.nodes
    rest.apply("computenodes", a_compute_node(other, gpus=1, round_trip=20_000))
    claim = _a_claim_on(rest, services.namespace, other)
    volume = {"name": "models", "mountPath": "/models", "claimName": claim}
    services.apply(pool.service("plates", workload=a_workload(volumes=[volume]), **within(50)))
    eventually(lambda: services.node_of("plates") == preferred, "the best node is tried, where the volume is not")
    await_moved(services, {"plates": preferred}, preferred)


def _a_claim_on(rest: Rest, namespace: str, node: str) -> str:
    """Make a volume that only `node` reaches, which no ComputeNode tells, and a claim that is bound to it."""
    terms = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}]
    common = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    where = {"local": {"path": "/models"}, "nodeAffinity": {"required": {"nodeSelectorTerms": terms}}}
    volume = {"capacity": {"storage": "1Gi"}, "persistentVolumeReclaimPolicy": "Retain"}
    rest.create("persistentvolumes", {"metadata": {"name": namespace}, "spec": {**common, **volume, **where}})
    wanted = {**common, "volumeName": namespace, "resources": {"requests": {"storage": "1Gi"}}}
    rest.create("persistentvolumeclaims", {"metadata": {"name": "models"}, "spec": wanted}, namespace)

    def bound() -> bool:
        found = rest.get("persistentvolumeclaims", "models", namespace)
        return bool(found and found["status"].get("phase") == "Bound")

    eventually(bound, "the claim is bound")
    return "models"
