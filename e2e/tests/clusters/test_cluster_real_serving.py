"""The inference server in pods of real nodes: Prometheus finds it, the operator judges it, and its end fails nobody."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import operator_account
import pytest
import real_machine
from documents import ROOT
from kubectl import Kubectl
from network import VGG16, a_compute_node, a_service, a_workload
from operator_process import Operators
from prometheus_api_client import PrometheusConnect
from rest import NotYet, Rest, eventually
from rich.console import Console
from services import Services

from cluster import api
from cluster.api import Cluster
from cluster.parts import Options
from cluster.paths import Folders
from cluster.progress import Steps
from cluster.real import monitoring, python_image
from cluster.real.machine import DEFAULT_NODES
from cluster.real.verbs import RealNodes

pytestmark = pytest.mark.slow

NAME = "real-serving"
NODES = tuple(replace(node, cpus=1.0) for node in DEFAULT_NODES[:2])
PATIENCE_S = 240.0
TARGET_MS = 2000
"""Far from what a request takes, be the machine as busy as it may."""


@dataclass(frozen=True, slots=True)
class Place:
    """A cluster with the image of the server, a Prometheus, and an operator that asks it."""

    real: RealNodes
    services: Services
    prometheus: PrometheusConnect

    def query(self, expression: str) -> list[Any]:
        """The rows of a vector."""
        rows: list[Any] = self.prometheus.custom_query(expression)
        return rows

    def url(self, name: str) -> str:
        """Where clients reach a service."""
        found = self.services.rest.get("services", name, self.services.namespace)
        assert found is not None
        return f"http://{found['spec']['clusterIP']}:{found['spec']['ports'][0]['port']}"

    @contextmanager
    def load(self, name: str, failures: Path, *options: str) -> Iterator[dict[str, Any]]:
        """Send load from where clients of Services are; the mapping that is given ends up with what came of it."""
        told: dict[str, Any] = {}
        asked = ("--seconds", "0", "--clients", "new,keepalive,stream", "--failures", str(failures), *options)
        command = [sys.executable, "-m", "load", "--url", self.url(name), "--output", "json", *asked]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "e2e")}
        line = self.real.command(command)
        load = subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            yield told
        finally:
            load.send_signal(signal.SIGTERM)
            told |= json.loads(load.communicate(timeout=120)[0])


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """The user's programs, and a state folder of the test's own."""
    return replace(Folders.of(os.environ), state=tmp_path_factory.mktemp("state") / "aif-operator")


@pytest.fixture(scope="module")
def cluster(folders: Folders) -> Iterator[Cluster]:
    """A cluster with two nodes of a CPU each."""
    yield real_machine.bring_up(NAME, Options(real=NODES), folders)
    api.down(NAME, folders=folders)


@pytest.fixture(scope="module")
def place(cluster: Cluster, folders: Folders, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """All of it, with one service that is ready."""
    real, kubectl, rest = RealNodes(NAME, folders), Kubectl(cluster), Rest.to(cluster)
    image = folders.layout(NAME).root / "images" / "runtime.tar"
    python_image.write_runtime(image)
    real.load(image)
    url = monitoring.start(NAME, folders, Steps(Console(quiet=True)))
    operator_account.install_kinds(kubectl)
    operator_account.install(kubectl)
    for node, tier in zip(NODES, ("RAN", "Edge"), strict=True):
        rest.apply("computenodes", a_compute_node(node.name, tier=tier))
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    rest.create("namespaces", {"metadata": {"name": "plates", "labels": labels}})
    operators = Operators(kubectl, tmp_path_factory.mktemp("operator"))
    operators.start_leading(AIF_PROMETHEUS_URL=url, AIF_EVALUATION_SECONDS="1")
    services = Services(rest, "plates")
    services.apply(a_service("plates", **_spec()))
    services.await_ready("plates", within_s=PATIENCE_S)
    yield Place(real, services, PrometheusConnect(url, timeout=10))
    operators.end_all()


@pytest.fixture
def failures(tmp_path: Path) -> Path:
    """Where the load generator writes what failed."""
    return tmp_path / "failures.jsonl"


def _spec() -> dict[str, Any]:
    workload = a_workload(python_image.RUNTIME_IMAGE, port=8080, readinessPath="/readyz")
    return {
        "workload": {**workload, "resources": {"cpu": "50m", "memory": "192Mi"}},
        "model": {**VGG16, "flopsPerRequest": "100M", "memoryTrafficBytesPerRequest": "10M"},
        "load": {"requestsPerSecond": 5},
        "qos": {"latency": {"maxP99Microseconds": TARGET_MS * 1000}},
        "evaluation": {"windowSeconds": 15, "fastWindowSeconds": 10, "forSeconds": 2},
    }


def test_prometheus_finds_servers_and_kubelets_and_all_are_up(place: Place) -> None:
    def found() -> dict[str, list[Any]]:
        rows = place.query("up == 1")
        return {job: [row["metric"] for row in rows if row["metric"]["job"] == job] for job in _JOBS}

    expected = {"aiservices": 1, "kubelet": len(NODES), "cadvisor": len(NODES)}
    eventually(lambda: {job: len(rows) for job, rows in found().items()} == expected, "all are up", PATIENCE_S)
    assert place.query("up == 0") == []
    (labels,) = found()["aiservices"]
    placement = place.services.get("plates")["status"]["placements"][0]
    assert (labels["namespace"], labels["aiservice"]) == ("plates", "plates")
    assert (labels["copy"], labels["node"]) == (placement["copy"], placement["node"])


_JOBS = ("aiservices", "kubelet", "cadvisor")


def test_a_contract_is_met_as_the_servers_own_metrics_tell(place: Place, failures: Path) -> None:
    with place.load("plates", failures, "--rate", "40") as told:
        place.services.await_condition("plates", "QoSMet", "True", within_s=PATIENCE_S)
        (row,) = place.services.get("plates")["status"]["qos"]
        assert (row["dimension"], row["verdict"], row["estimated"]) == ("latency", "Met", True)
        assert 0 < row["measured"] < TARGET_MS * 1000
        recorded = "aiservice:aif_requests:rate1m"
        eventually(lambda: float(place.query(recorded)[0]["value"][1]) > 5, "rules are evaluated", PATIENCE_S)
        usage = 'aiservice_copy:container_cpu:rate1m{aiservice="plates"}'
        eventually(lambda: place.query(usage), "the use of its pods is told by copy", PATIENCE_S)
    _nothing_failed(told, failures)


def _nothing_failed(told: dict[str, Any], failures: Path) -> None:
    assert told["sent"] > 100
    assert told["failed"] == 0, failures.read_text()


def test_a_changed_workload_is_replaced_under_load_and_no_request_fails(place: Place, failures: Path) -> None:
    with place.load("plates", failures, "--rate", "40") as told:
        (before,) = place.services.copies("plates")
        workload = {**_spec()["workload"], "env": [{"name": "AIF_SERVER_REPEAT", "value": "2"}]}
        place.services.patch("plates", {"workload": workload})

        def replaced() -> bool:
            uids = [copy["metadata"]["uid"] for copy in place.services.copies("plates")]
            pods = place.services.children("pods", "plates")
            return len(uids) == len(pods) == 1 and before["metadata"]["uid"] not in uids

        eventually(replaced, "the new copy serves and the old one is gone", PATIENCE_S)
    _nothing_failed(told, failures)


SETTLE_S = 3
"""An address behind a new Service answers once the proxy of the client's own node knows of it, a moment after Ready."""

SLOWED_SHARE = 0.65
"""What a slowed node gets of the CPU that the load takes: requests wait longer and longer for each other."""


def test_a_service_whose_node_turns_slow_is_moved_and_no_request_fails(place: Place, failures: Path) -> None:
    place.services.apply(a_service("rescued", **_heavy()))
    place.services.await_ready("rescued", within_s=PATIENCE_S)
    time.sleep(SETTLE_S)
    slow = place.services.node_of("rescued")
    with place.load("rescued", failures, "--rate", "25", "--timeout", "120") as told:
        place.services.await_condition("rescued", "QoSMet", "True", within_s=PATIENCE_S)
        try:
            _slow_down(place, slow)
            eventually(lambda: _moved_from(place, slow), "it is moved", PATIENCE_S)
        finally:
            place.real.slow(slow, None)
        place.services.await_condition("rescued", "QoSMet", "True", within_s=PATIENCE_S)
    _nothing_failed(told, failures)
    assert {"LatencyBreached", "MoveStarted", "TrafficSwitched", "Completed"} <= set(place.services.events("rescued"))
    place.services.delete("rescued")


def _heavy() -> dict[str, Any]:
    """Return a service of which a request takes some milliseconds of CPU, and of which many may wait."""
    spec = _spec()
    told = {"AIF_SERVER_REPEAT": "60", "AIF_SERVER_QUEUE": "4000", "AIF_SERVER_GRACE_SECONDS": "85"}
    variables = [{"name": name, "value": value} for name, value in told.items()]
    return spec | {
        "workload": {**spec["workload"], "env": variables, "resources": {"cpu": "250m", "memory": "192Mi"}},
        "load": {"requestsPerSecond": 25},
        "migration": {
            "cooldownSeconds": 0,
            "verifySeconds": 5,
            "verifyMinRequests": 20,
            "drainSeconds": 90,
            "timeoutSeconds": 180,
        },
    }


def _slow_down(place: Place, node: str) -> None:
    """Give the pods of a node less CPU than they take, and less again where that does not break the contract yet."""
    cpus = _taken(place, node)
    for _ in range(4):
        cpus *= SLOWED_SHARE
        place.real.slow(node, cpus)
        with suppress(NotYet):
            place.services.await_condition("rescued", "ThresholdAlarm", "True", within_s=30)
            return


def _taken(place: Place, node: str) -> float:
    """Return the CPUs that the pods of a node take, once none of them starts any more."""
    time.sleep(5)
    used, begun = place.real.pods(node).cpu_seconds(), time.monotonic()
    time.sleep(10)
    return (place.real.pods(node).cpu_seconds() - used) / (time.monotonic() - begun)


def _moved_from(place: Place, node: str) -> bool:
    status = place.services.get("rescued")["status"]
    moved: bool = status.get("migration") is None and status["placements"][0]["node"] != node
    assert moved, json.dumps({name: status.get(name) for name in ("qos", "migration", "plan", "conditions")})
    return moved
