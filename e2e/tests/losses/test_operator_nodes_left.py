"""Nodes are cordoned, drained, shrunken or slowed: services leave them, and no node is ever overbooked."""

import pytest
from kubectl import Kubectl, KubectlFailed
from losing import MANY, MakePool, await_moved, await_one_copy, copies, never_overbooked, other_than, place
from network import A100, CPU, GPU, a_compute_node, a_workload, within
from rest import Rest, eventually, stays
from services import Services, least_endpoints

pytestmark = pytest.mark.usefixtures("operator")


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
    # The first decision may come before the operator has seen the whole pool; what is short follows
    eventually(lambda: len(services.get("plates")["status"]["placements"]) == 2, "both replicas have a node")
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
    pool.await_seen()
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
