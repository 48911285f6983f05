"""The embedded cluster for real: its programs, simulated nodes with GPUs, a node that dies, the audit log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cluster import api, nodes, status
from cluster.api import Cluster
from cluster.choose import Asked
from cluster.nodes import SimulatedNode
from cluster.parts import Options
from cluster.paths import Folders
from cluster.process import find
from cluster.record import Provider
from cluster.status import Phase

pytestmark = pytest.mark.slow

POD = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {
        "containers": [
            {
                "name": "web",
                "image": "example.com/web:1",
                "ports": [{"containerPort": 8080}],
                "readinessProbe": {"httpGet": {"port": 8080}},
                "resources": {"limits": {"nvidia.com/gpu": 2}},
            }
        ]
    },
}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": POD,
    },
}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """The user's programs, and a state folder of the test's own."""
    return replace(Folders.of(os.environ), state=tmp_path_factory.mktemp("state") / "aif-operator")


@pytest.fixture(scope="module")
def embedded(folders: Folders) -> Iterator[Cluster]:
    """A cluster that sees a dead node soon, with two nodes of two GPUs each."""
    options = Options(node_grace_s=8, eviction_s=2)
    cluster = api.up("tool", wish=Asked(provider=Provider.EMBEDDED), options=options, folders=folders)
    nodes.create(cluster, [SimulatedNode(name, resources={"nvidia.com/gpu": "2"}) for name in ("one", "two")])
    yield cluster
    started = [part.identity for part in cluster.parts]
    assert api.down("tool", folders=folders)
    assert [identity.pid for identity in started if find(identity)] == []


def kubectl(cluster: Cluster, *words: str, manifest: object = None) -> str:
    command = [str(cluster.kubectl), "--kubeconfig", str(cluster.kubeconfig), *words]
    text = None if manifest is None else json.dumps(manifest)
    return subprocess.run(command, check=True, capture_output=True, text=True, input=text).stdout


@pytest.fixture(scope="module")
def workload(embedded: Cluster) -> Cluster:
    """The cluster with a Deployment that needs all GPUs, ready, behind a Service."""
    for manifest in (DEPLOYMENT, SERVICE):
        kubectl(embedded, "apply", "-f", "-", manifest=manifest)
    kubectl(embedded, "rollout", "status", "deployment/web", "--timeout=60s")
    return embedded


def test_the_cluster_is_ready_and_reports_the_version_it_was_built_from(embedded: Cluster) -> None:
    assert kubectl(embedded, "get", "--raw", "/readyz") == "ok"
    versions = json.loads(kubectl(embedded, "version", "-o", "json"))
    assert versions["serverVersion"]["gitVersion"] == embedded.part("kube-apiserver").version
    assert versions["clientVersion"]["gitVersion"] == embedded.part("kube-apiserver").version
    assert status.inspect(embedded).phase is Phase.READY


def test_pods_with_gpus_become_ready_on_simulated_nodes_and_behind_their_service(workload: Cluster) -> None:
    pods = json.loads(kubectl(workload, "get", "pods", "-l", "app=web", "-o", "json"))["items"]
    assert sorted(pod["spec"]["nodeName"] for pod in pods) == ["one", "two"]
    for endpoint in range(2):
        ready = f"--for=jsonpath={{.endpoints[{endpoint}].conditions.ready}}=true"
        slices = "kubernetes.io/service-name=web"
        kubectl(workload, "wait", "endpointslice", "-l", slices, ready, "--timeout=30s")


def test_gpus_that_are_taken_are_not_given_twice(workload: Cluster) -> None:
    manifest = {**POD, "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "third"}}
    refused = "--for=jsonpath={.status.conditions[0].reason}=Unschedulable"
    kubectl(workload, "apply", "-f", "-", manifest=manifest)
    kubectl(workload, "wait", "pod/third", refused, "--timeout=30s")
    kubectl(workload, "delete", "pod", "third")


def test_a_second_up_finds_the_same_processes(embedded: Cluster, folders: Folders) -> None:
    assert api.up("tool", wish=Asked(provider=Provider.EMBEDDED), folders=folders) == embedded


def test_the_audit_log_tells_who_wrote_what(workload: Cluster) -> None:
    assert workload.audit_log is not None
    events = [json.loads(line) for line in workload.audit_log.read_text().splitlines()]
    writes = [
        event
        for event in events
        if event["verb"] in {"create", "patch"} and event["objectRef"].get("resource") == "deployments"
    ]
    users = {event["user"]["username"] for event in writes if event["objectRef"].get("subresource") is None}
    assert users == {"admin"}
    assert writes[0]["requestObject"]["spec"]["replicas"] == 2
    assert {event["stage"] for event in events} <= {"ResponseComplete", "ResponseStarted", "Panic"}


def test_a_node_that_goes_silent_is_not_ready_and_comes_back(workload: Cluster) -> None:
    nodes.stop_heartbeat(workload, "one")
    nodes.await_ready(workload, ["one"], ready=False)
    nodes.await_ready(workload, ["two"])
    nodes.resume_heartbeat(workload, "one")
    nodes.await_ready(workload, ["one"])
    kubectl(workload, "rollout", "status", "deployment/web", "--timeout=60s")


def test_a_lost_accelerator_is_seen_in_the_nodes_allocatable(embedded: Cluster) -> None:
    nodes.create(embedded, [SimulatedNode("three", labels={"tier": "edge"}, resources={"nvidia.com/gpu": "4"})])
    nodes.set_resources(embedded, "three", {"nvidia.com/gpu": "3"})
    node = json.loads(kubectl(embedded, "get", "node", "three", "-o", "json"))
    nodes.delete(embedded, ["three", "never-there"])
    assert node["status"]["allocatable"]["nvidia.com/gpu"] == "3"
    assert node["status"]["allocatable"]["cpu"] == "32"
    assert node["metadata"]["labels"]["tier"] == "edge"


@pytest.mark.usefixtures("embedded")
def test_the_command_line_finds_the_cluster(folders: Folders) -> None:
    environ = {**os.environ, "XDG_STATE_HOME": str(folders.state.parent), "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "cluster", "status", "--name", "tool", "--output", "json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environ)
    assert {part["state"] for part in json.loads(done.stdout)["parts"]} == {"ready"}
