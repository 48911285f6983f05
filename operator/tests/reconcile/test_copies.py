"""The Deployment of a copy: in full, as a file, and what makes it another copy."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from aif.domain.policy import Policy
from aif.reconcile.copies import copy_id, deployment
from tests.builders import GPU_VARIANT, an_aiservice
from tests.reconcile.scenes import a_placement

GOLDEN: Final = Path(__file__).parent / "golden"

EVERYTHING: Final[dict[str, Any]] = {
    "image": "plates:1.4",
    "command": ["/serve"],
    "args": ["--port=8080"],
    "env": [
        {"name": "LEVEL", "value": "info"},
        {"name": "KEY", "secretKey": {"name": "plates", "key": "api"}},
        {"name": "LABELS", "configMapKey": {"name": "plates", "key": "labels"}},
    ],
    "imagePullSecrets": ["registry"],
    "port": 9000,
    "readinessPath": "/ready",
    "startupPath": "/started",
    "startupSeconds": 302,
    "replicas": 2,
    "resources": {"cpu": 2, "memory": "4Gi", "ephemeralStorage": "1Gi"},
    "volumes": [
        {"name": "models", "mountPath": "/models", "claimName": "models", "readOnly": True},
        {"name": "shm", "mountPath": "/dev/shm", "memory": {"size": "1Gi"}},  # noqa: S108 - a path in a container
        {"name": "config", "mountPath": "/config", "configMapName": "plates"},
        {"name": "tls", "mountPath": "/tls", "secretName": "tls"},
    ],
    "runtimeClassName": "gvisor",
}
ACCELERATED: Final = {**GPU_VARIANT, "count": 2, "args": ["--engine=gpu"], "resources": {"cpu": 4}}

SERVICES: Final = {
    "everything": an_aiservice(
        namespace="shop", priorityClassName="standard", workload=EVERYTHING, variants=[ACCELERATED]
    ),
    "least": an_aiservice(workload={"image": "plates:1.4"}, variants=None),
}


@pytest.mark.parametrize("name", SERVICES)
def test_a_copy_is_the_deployment_in_the_file(name: str) -> None:
    service = SERVICES[name]
    made = deployment(service, a_placement(service, replicas=2), service.variants[0], "worker-gnb-7", Policy())
    assert made == yaml.safe_load((GOLDEN / f"{name}.yaml").read_text())


def a_pod_spec(**spec: Any) -> dict[str, Any]:
    """Return the pod of a service with these fields."""
    service = an_aiservice(**spec)
    made = deployment(service, a_placement(service), service.variants[0], "worker-gnb-7", Policy())
    pod: dict[str, Any] = made["spec"]["template"]["spec"]
    return pod


def test_pods_meet_the_restricted_profile_and_mount_no_token() -> None:
    pod = a_pod_spec()
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_a_variants_resources_replace_the_workloads_one_by_one() -> None:
    workload = {"image": "plates:1", "resources": {"cpu": 2, "memory": "4Gi"}}
    (container,) = a_pod_spec(workload=workload, variants=[{"name": "cpu", "resources": {"cpu": 8}}])["containers"]
    assert container["resources"] == {"requests": {"cpu": "8", "memory": "4Gi"}, "limits": {"memory": "4Gi"}}


def test_only_taints_of_the_accelerators_own_kind_are_tolerated() -> None:
    assert a_pod_spec()["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    assert "tolerations" not in a_pod_spec(variants=[{"name": "cpu"}])


SAME: Final = an_aiservice()


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(
            {"workload": {"image": "plates:1.4", "replicas": 9, "resources": {"cpu": 2, "memory": "4Gi"}}},
            id="replicas",
        ),
        pytest.param({"qos": {"latency": {"maxP99Microseconds": 9, "weight": 3}}}, id="the contract"),
        pytest.param({"migration": {"drainSeconds": 5}}, id="bounds on moving"),
        pytest.param({"load": {"requestsPerSecond": 31}}, id="the load"),
        pytest.param({"expose": {"gateway": {"name": "edge", "host": "a.example.org"}}}, id="the route"),
        pytest.param({"metadata": {"labels": {"team": "a"}}}, id="labels"),
    ],
)
def test_what_does_not_change_pods_makes_no_new_copy(spec: dict[str, Any]) -> None:
    other = an_aiservice(**spec)
    assert copy_id(other, "worker-1", other.variants[0]) == copy_id(SAME, "worker-1", SAME.variants[0])


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"workload": {"image": "plates:2", "resources": {"cpu": 2, "memory": "4Gi"}}}, id="image"),
        pytest.param({"workload": {"image": "plates:1.4", "resources": {"cpu": 3, "memory": "4Gi"}}}, id="resources"),
        pytest.param({"variants": [{**GPU_VARIANT, "args": ["--fast"]}]}, id="arguments of the variant"),
        pytest.param({"variants": [{**GPU_VARIANT, "count": 2}]}, id="accelerators"),
        pytest.param({"priorityClassName": "high"}, id="priority"),
        pytest.param({"metadata": {"uid": "another"}}, id="a new service of the same name"),
    ],
)
def test_what_changes_pods_makes_a_new_copy(spec: dict[str, Any]) -> None:
    other = an_aiservice(**spec)
    assert copy_id(other, "worker-1", other.variants[0]) != copy_id(SAME, "worker-1", SAME.variants[0])


def test_the_same_pods_on_another_node_are_another_copy() -> None:
    (variant,) = SAME.variants
    assert copy_id(SAME, "worker-1", variant) != copy_id(SAME, "worker-2", variant)


def test_the_name_of_a_copy_is_a_dns_label_for_the_longest_name() -> None:
    service = an_aiservice("a" * 40)
    made = deployment(service, a_placement(service), service.variants[0], "worker-gnb-7", Policy())
    assert len(made["metadata"]["name"]) <= 52, "a ReplicaSet and a pod add their own suffixes to it"
