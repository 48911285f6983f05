"""What is read of Nodes, children, endpoints and pods."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.domain.cluster import ObjectReference, Taint
from aif.gateways.kubernetes.pods import effective_requests, parse_pod
from aif.gateways.kubernetes.views import parse_child, parse_endpoints, parse_node

NOON = "2030-01-01T12:00:00Z"


def a_raw_node(**status: Any) -> dict[str, Any]:
    """Return a Node as the API server sends it."""
    return {"metadata": {"name": "worker-1", "uid": "uid-1", "creationTimestamp": NOON}, "spec": {}, "status": status}


def a_raw_pod(phase: str = "Running", spec: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    """Return a pod of the service plates as the API server sends it."""
    labels = {"net4ai.io/service": "plates", "net4ai.io/copy": "plates-a"}
    metadata = {"namespace": "shop", "name": "plates-a-1", "uid": "uid-1", "labels": labels}
    return {"metadata": metadata, "spec": spec or {"nodeName": "worker-1"}, "status": {"phase": phase, **status}}


def a_container(**requests: str | int) -> dict[str, Any]:
    """Return a container that asks for ``requests``."""
    return {"name": "main", "resources": {"requests": requests}}


def a_sidecar(**requests: str | int) -> dict[str, Any]:
    """Return an init container that stays."""
    return {**a_container(**requests), "restartPolicy": "Always"}


def test_a_node_is_read() -> None:
    raw = a_raw_node(
        conditions=[{"type": "Ready", "status": "True", "lastTransitionTime": NOON}],
        allocatable={"cpu": "7910m", "memory": "32Gi", "nvidia.com/gpu": "2"},
    )
    raw["metadata"]["labels"] = {"zone": "north"}
    raw["spec"] = {"unschedulable": True, "taints": [{"key": "gpu", "effect": "NoSchedule"}]}
    node = parse_node(raw)
    assert (node.name, node.uid, node.ready, node.unschedulable) == ("worker-1", "uid-1", "True", True)
    assert node.allocatable == {"cpu": 7.91, "memory": 32 * 2**30, "nvidia.com/gpu": 2.0}
    assert node.ready_since == node.created == datetime(2030, 1, 1, 12, tzinfo=UTC)
    assert node.taints == (Taint("gpu", "", "NoSchedule"),)
    assert node.labels == {"zone": "north"}


@pytest.mark.parametrize("raw", [{"metadata": {"name": "worker-1"}}, a_raw_node(conditions=None, allocatable=None)])
def test_a_node_that_has_not_reported_is_unknown_and_offers_nothing(raw: dict[str, Any]) -> None:
    node = parse_node(raw)
    assert (node.ready, dict(node.allocatable)) == ("Unknown", {})


def test_an_amount_that_cannot_be_read_counts_as_nothing_offered() -> None:
    assert parse_node(a_raw_node(allocatable={"cpu": "NaN", "memory": "1Gi"})).allocatable == {
        "cpu": 0.0,
        "memory": 2.0**30,
    }


def test_a_heartbeat_alone_changes_nothing_of_a_node() -> None:
    def ready(heartbeat: str) -> dict[str, Any]:
        condition = {"type": "Ready", "status": "True", "lastTransitionTime": NOON, "lastHeartbeatTime": heartbeat}
        return a_raw_node(conditions=[condition])

    assert parse_node(ready("2030-01-01T12:05:00Z")) == parse_node(ready("2030-01-01T12:10:00Z"))


def test_a_child_is_read_without_managed_fields() -> None:
    raw = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "namespace": "shop",
            "name": "plates-a",
            "uid": "uid-1",
            "resourceVersion": "7",
            "labels": {"net4ai.io/copy": "plates-a"},
            "managedFields": [{"manager": "aif-operator"}],
            "ownerReferences": [{"uid": "uid-other"}, {"uid": "uid-of-plates", "controller": True}],
        },
        "spec": {"replicas": 1},
    }
    child = parse_child(raw)
    assert child.reference == ObjectReference("apps/v1", "Deployment", "shop", "plates-a", "uid-1")
    assert (child.resource_version, child.owner_uid, child.copy) == ("7", "uid-of-plates", "plates-a")
    assert child.body["spec"] == {"replicas": 1}
    assert "managedFields" not in child.body["metadata"]
    assert not child.terminating


def test_a_child_that_goes_is_seen_to_go() -> None:
    raw = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "plates", "deletionTimestamp": NOON}}
    child = parse_child(raw)
    assert child.terminating
    assert child.owner_uid == ""


def test_endpoints_count_each_ready_pod_once() -> None:
    def endpoint(uid: str, address: str, *, ready: bool | None) -> dict[str, Any]:
        return {"addresses": [address], "conditions": {"ready": ready}, "targetRef": {"uid": uid}}

    raw = {
        "metadata": {"namespace": "shop", "name": "plates-x", "labels": {"kubernetes.io/service-name": "plates"}},
        "endpoints": [
            endpoint("uid-1", "10.0.0.1", ready=True),
            endpoint("uid-1", "fd00::1", ready=True),
            endpoint("uid-2", "10.0.0.2", ready=None),
            endpoint("uid-3", "10.0.0.3", ready=False),
            {"addresses": ["10.0.0.4"]},
        ],
    }
    endpoints = parse_endpoints(raw)
    assert endpoints.service == "plates"
    assert endpoints.ready == {"uid-1", "uid-2", "10.0.0.4"}


@pytest.mark.parametrize("endpoints", [None, []])
def test_a_slice_without_endpoints_answers_nothing(endpoints: list[Any] | None) -> None:
    assert parse_endpoints({"metadata": {"name": "x"}, "endpoints": endpoints}).ready == frozenset()


def test_a_pod_is_read() -> None:
    pod = parse_pod(
        a_raw_pod(
            spec={"nodeName": "worker-1", "containers": [a_container(cpu="500m")]},
            conditions=[{"type": "Ready", "status": "True"}],
        )
    )
    assert pod is not None
    assert (pod.node, pod.service, pod.copy, pod.ready) == ("worker-1", "plates", "plates-a", True)
    assert pod.requests == {"cpu": 0.5}


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_ended_holds_nothing(phase: str) -> None:
    assert parse_pod(a_raw_pod(phase)) is None


def test_a_pod_that_goes_holds_its_node_until_it_is_gone() -> None:
    raw = a_raw_pod()
    raw["metadata"]["deletionTimestamp"] = NOON
    pod = parse_pod(raw)
    assert pod is not None
    assert pod.terminating
    assert pod.node == "worker-1"


def test_a_pod_without_a_place_tells_since_when() -> None:
    stuck = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "lastTransitionTime": NOON}
    pod = parse_pod(a_raw_pod("Pending", conditions=[stuck]))
    gated = parse_pod(a_raw_pod("Pending", conditions=[{**stuck, "reason": "SchedulingGated"}]))
    assert pod is not None
    assert gated is not None
    assert pod.unschedulable_since == datetime(2030, 1, 1, 12, tzinfo=UTC)
    assert gated.unschedulable_since is None


@pytest.mark.parametrize(
    ("reasons", "waiting"),
    [
        pytest.param(["ImagePullBackOff"], "ImagePullBackOff", id="no image"),
        pytest.param(["ContainerCreating", "CrashLoopBackOff"], "CrashLoopBackOff", id="the one that says more"),
        pytest.param(["PodInitializing"], "PodInitializing", id="ordinary start"),
        pytest.param([], "", id="none waits"),
    ],
)
def test_a_pod_tells_why_a_container_waits(reasons: list[str], waiting: str) -> None:
    statuses = [{"state": {"waiting": {"reason": reason}}} for reason in reasons]
    pod = parse_pod(a_raw_pod("Pending", containerStatuses=[*statuses, {"state": {"running": {}}}]))
    assert pod is not None
    assert pod.waiting == waiting


@pytest.mark.parametrize(
    ("spec", "cpu"),
    [
        pytest.param({"containers": [a_container(cpu=1), a_container(cpu="500m")]}, 1.5, id="containers add up"),
        pytest.param(
            {"initContainers": [a_container(cpu=4), a_container(cpu=2)], "containers": [a_container(cpu=1)]},
            4.0,
            id="the greatest init container",
        ),
        pytest.param(
            {"initContainers": [a_container(cpu=1)], "containers": [a_container(cpu=2)]},
            2.0,
            id="a small init container adds nothing",
        ),
        pytest.param(
            {"initContainers": [a_sidecar(cpu=1), a_container(cpu=4)], "containers": [a_container(cpu=2)]},
            5.0,
            id="a sidecar stays while a later init container runs",
        ),
        pytest.param(
            {"initContainers": [a_container(cpu=4), a_sidecar(cpu=1)], "containers": [a_container(cpu=2)]},
            4.0,
            id="an init container has ended when a later sidecar starts",
        ),
        pytest.param(
            {"initContainers": [a_sidecar(cpu=1)], "containers": [a_container(cpu=2)]}, 3.0, id="a sidecar stays"
        ),
        pytest.param(
            {"containers": [a_container(cpu=2)], "overhead": {"cpu": "250m"}}, 2.25, id="overhead comes on top"
        ),
        pytest.param(
            {"containers": [a_container(cpu=2)], "resources": {"requests": {"cpu": 3}}}, 3.0, id="of the whole pod"
        ),
        pytest.param({"containers": [{"name": "main"}]}, None, id="nothing asked for"),
    ],
)
def test_a_pod_requests_what_the_scheduler_counts(spec: dict[str, Any], cpu: float | None) -> None:
    assert effective_requests(spec).get("cpu") == cpu


def test_a_request_that_cannot_be_read_fills_any_node() -> None:
    assert effective_requests({"containers": [a_container(cpu="12Ei")]})["cpu"] >= 2.0**60


_AMOUNTS = st.dictionaries(st.sampled_from(["cpu", "memory"]), st.integers(0, 100), max_size=2)
_LISTS = st.lists(_AMOUNTS, max_size=3)


@given(_LISTS, _LISTS, _AMOUNTS)
def test_a_pod_never_requests_less_than_any_moment_of_its_life_needs(
    inits: list[dict[str, int]], mains: list[dict[str, int]], overhead: dict[str, int]
) -> None:
    spec = {
        "initContainers": [a_container(**amounts) for amounts in inits],
        "containers": [a_container(**amounts) for amounts in mains],
        "overhead": overhead,
    }
    requested = effective_requests(spec)
    for name in ("cpu", "memory"):
        moments = [sum(amounts.get(name, 0) for amounts in mains), *(amounts.get(name, 0) for amounts in inits)]
        assert requested.get(name, 0.0) == max(moments) + overhead.get(name, 0)
