"""Nodes and resources are watched by a real Prometheus: overload, silence, calibration, usage, and the dashboard."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import prometheus_server
import pytest
from documents import ROOT
from network import VGG16, a_service, a_workload, within
from operator_process import Operators, Replica
from prometheus_server import BUCKETS, Prometheus, Target, Traffic
from rest import Json, Rest, eventually
from services import Services, condition

NODE: Final = "edge-1"
MODEL: Final = {**VGG16, "flopsPerRequest": "100M", "memoryTrafficBytesPerRequest": "10M"}
CORES: Final = 2
EXPECTED: Final = 10e6 / (170e9 * CORES / 32)
"""Seconds of a request on the cores of a replica, by what the ComputeNode declares: bound by its memory."""

QUICK: Final = {"windowSeconds": 10, "fastWindowSeconds": 5, "forSeconds": 2}
PROFILE: Final = """
resourceProfiles:
- name: cadvisor
  sampledAt:
    Node: max by ($by) (timestamp(machine_cpu_cores))
    Pod: max by ($by) (timestamp(container_memory_working_set_bytes{container!=""}))
  resources:
  - {resource: cpu, scope: Node, raisePercent: 95, clearPercent: 80, forSeconds: 3, windowSeconds: 10, query:
     'sum by ($by) (rate(container_cpu_usage_seconds_total{id="/"}[$window])) / max by ($by) (machine_cpu_cores)'}
  - {resource: memory, scope: Pod, raisePercent: 90, clearPercent: 80, forSeconds: 3, windowSeconds: 10, query:
     'max by ($by) (container_memory_working_set_bytes{container!=""} / (container_spec_memory_limit_bytes > 0))'}
"""
"""The profile that comes along, with windows that a test can wait for."""


@dataclass
class Exporters:
    """What kubelets and the pods of services expose; counters grow with real time."""

    load: float = 0.2
    memory: float = 0.5
    seconds: float = EXPECTED
    pods: list[tuple[str, str]] = field(default_factory=list)
    _busy: float = 0.0
    _last: float = field(default_factory=time.monotonic)
    _requests: float = 0.0
    _computed: float = 0.0

    def kubelet(self) -> str:
        """Return what the cAdvisor of the node exposes."""
        self._grow()
        lines = [f'container_cpu_usage_seconds_total{{id="/"}} {self._busy}', "machine_cpu_cores 32"]
        for namespace, pod in self.pods:
            labels = f'{{container="main",namespace="{namespace}",pod="{pod}"}}'
            lines += [f"container_memory_working_set_bytes{labels} {self.memory * 1e9}"]
            lines += [f"container_spec_memory_limit_bytes{labels} 1e9"]
        return "\n".join(lines) + "\n"

    def server(self) -> str:
        """Return what the server of each copy exposes: 100 requests a second."""
        self._grow()
        n, computed = self._requests, self._computed
        counts = {str(bound): n if bound >= self.seconds else 0.0 for bound in BUCKETS} | {"+Inf": n}
        lines = [f'aif_request_seconds_bucket{{le="{le}"}} {count}' for le, count in counts.items()]
        lines += [f"aif_request_seconds_count {n}", f"aif_request_seconds_sum {computed}"]
        lines += [f"aif_compute_seconds_count {n}", f"aif_compute_seconds_sum {computed}"]
        return "\n".join([*lines, f"aif_joules_total {2.0 * n}"]) + "\n"

    def _grow(self) -> None:
        now = time.monotonic()
        passed, self._last = now - self._last, now
        self._busy += 32 * self.load * passed
        self._requests += 100 * passed
        self._computed += 100 * passed * self.seconds


@dataclass
class Scene:
    """Exporters, a Prometheus that scrapes them, and an operator that asks it and is scraped by it."""

    exporters: Exporters
    prometheus: Prometheus
    replica: Replica
    rest: Rest
    copies: list[Target] = field(default_factory=list)

    def scrape(self, *, kubelet: bool = True) -> None:
        """Scrape the operator, the copies and, unless it went silent, the node."""
        labels = {"namespace": "aif-system", "service": "aif-operator-metrics", "pod": self.replica.identity}
        own = Target("/metrics", labels, f"127.0.0.1:{self.replica.port}")
        node = [Target("/node/kubelet", {"node": NODE})] if kubelet else []
        self.prometheus.scrape(own, *node, *self.copies)

    def node(self) -> Json:
        """Return the ComputeNode."""
        found = self.rest.get("computenodes", NODE)
        assert found is not None
        return found

    def await_node(self, kind: str, status: str, reason: str = "") -> Json:
        """Return a condition of the ComputeNode once it says this."""

        def holds() -> Json:
            told = condition(self.node(), kind)
            assert told["status"] == status, told
            assert reason in ("", told["reason"]), told
            return told

        return eventually(holds, f"{NODE} is {kind}={status}", 240)

    def serve(self, services: Services, *names: str, **spec: Any) -> None:
        """Place services on the node, and have their copies scraped."""
        for name in names:
            workload = a_workload(resources={"cpu": CORES, "memory": "64Mi"})
            fields = within(100) | {"model": MODEL, "evaluation": QUICK, "workload": workload} | spec
            services.apply(a_service(name, on=NODE, **fields))
        for name in names:
            services.await_ready(name, within_s=60)
            (place,) = services.get(name)["status"]["placements"]
            labels = {"namespace": services.namespace, "aiservice": name, "copy": place["copy"]}
            self.copies.append(Target("/copy/server", labels))
        pods = self.rest.list("pods", services.namespace)
        self.exporters.pods = [(services.namespace, pod["metadata"]["name"]) for pod in pods]
        self.scrape()

    def events(self) -> list[str]:
        """Return the reasons of the events about the node."""
        found = self.rest.list("events", "default")
        return [each["reason"] for each in found if each.get("regarding", {}).get("name") == NODE]


@pytest.fixture
def scene(operators: Operators, rest: Rest, tmp_path: Path) -> Iterator[Scene]:
    """A world of the test's own."""
    exporters, traffic = Exporters(), Traffic()
    traffic.pages = {("node", "kubelet"): exporters.kubelet, ("copy", "server"): exporters.server}
    profile = tmp_path / "resources.yaml"
    profile.write_text(PROFILE)
    with prometheus_server.running(tmp_path, traffic) as prometheus:
        replica = operators.start_leading(
            AIF_PROMETHEUS_URL=prometheus.url, AIF_EVALUATION_SECONDS="1", AIF_RESOURCE_PROFILES=str(profile)
        )
        scene = Scene(exporters, prometheus, replica, rest)
        scene.scrape()
        yield scene
        if scene.replica.alive:
            scene.replica.end()


def test_an_overloaded_node_is_told_once_and_cleared_once_and_its_silence_is_no_loss_of_services(
    scene: Scene, services: Services
) -> None:
    scene.await_node("TelemetryFresh", "True")
    scene.await_node("Overloaded", "False")
    before = scene.events()
    scene.exporters.load = 1.0
    told = scene.await_node("Overloaded", "True", "NodeOverloaded")
    assert "raised at 95 %" in told["message"]
    eventually(lambda: scene.replica.metric("aif_node_alarms") == 1, "the alarm is counted")
    scene.exporters.load = 0.2
    scene.await_node("Overloaded", "False")
    eventually(lambda: scene.events().count("AlarmCleared") == before.count("AlarmCleared") + 1, "its end is told")
    assert scene.events().count("NodeOverloaded") == before.count("NodeOverloaded") + 1
    scene.serve(services, "plates")
    scene.scrape(kubelet=False)
    scene.await_node("TelemetryFresh", "False", "MetricsStale")
    assert services.node_of("plates") == NODE, "who is there stays"
    services.await_ready("plates")
    scene.scrape()
    scene.await_node("TelemetryFresh", "True")


def test_pressure_on_pods_is_an_alarm_although_no_contract_is_broken(scene: Scene, services: Services) -> None:
    scene.serve(services, "plates")
    scene.exporters.memory = 0.97
    told = services.await_condition("plates", "ResourcePressure", "True", "ResourceOverloaded", within_s=60)
    assert told["message"] == "memory in use: 97 %; raised at 90 %, cleared at 80 %"
    (row,) = services.get("plates")["status"]["resources"]
    assert (row["resource"], row["alarm"], row["usedPercent"]) == ("memory", "Raised", 97)
    scene.exporters.memory = 0.5
    eventually(
        lambda: (
            "resources" not in services.get("plates")["status"] or not services.get("plates")["status"]["resources"]
        ),
        "over",
        60,
    )
    assert services.events("plates").count("ResourceOverloaded") == 1


def test_a_node_that_is_slower_than_it_claims_is_calibrated_and_a_successor_knows(
    scene: Scene, services: Services, operators: Operators
) -> None:
    scene.exporters.seconds = 4 * EXPECTED
    names = [f"copy-{number}" for number in range(8)]
    scene.serve(services, *names)
    told = scene.await_node("CapabilityVerified", "False", "CapabilityNotAttained")
    assert "cpu attains " in told["message"]
    (known,) = [each for each in scene.node()["status"]["calibration"] if each["device"] == "cpu"]
    assert known["compute"]["observations"] >= 30
    assert 25 <= known["compute"]["measuredPercent"] <= 55, "a quarter, and what tests before this one saw"
    assert known["compute"]["efficiencyPercent"] < 67
    assert scene.node()["status"]["observed"]["efficiencyPercent"] == known["compute"]["efficiencyPercent"]
    assert [services.node_of(name) for name in names] == [NODE] * 8
    scene.replica.kill()
    scene.replica = operators.start_leading(AIF_PROMETHEUS_URL=scene.prometheus.url, AIF_EVALUATION_SECONDS="1")
    time.sleep(5)
    (after,) = [each for each in scene.node()["status"]["calibration"] if each["device"] == "cpu"]
    assert after["compute"]["observations"] >= known["compute"]["observations"]
    scene.await_node("CapabilityVerified", "False", "CapabilityNotAttained")


EMPTY_HERE: Final = (
    "aif_reconcile_errors_total",
    "aif_write_wait_seconds_total",
    "aif_unreadable_objects_total",
    "aif_rejections_total",
    "aif_moves_total",
    "aif_migrations_total",
    "aif_migration_phase_seconds",
    "aif_recorded_decisions_total",
    "aif_prometheus_errors_total",
    "aif_usage_bytes_total",
)
"""Metrics without series while nothing fails, moves, is refused or recorded, and no exporter tells of traffic."""


def test_every_query_of_the_dashboard_is_answered_and_usage_grows(scene: Scene, services: Services) -> None:
    scene.serve(services, "plates")
    services.await_condition("plates", "MetricsAvailable", "True", within_s=60)
    name = f'aiservice_namespace="{services.namespace}",aiservice="plates"'
    for counter, least in (("flop", 100 * 100e6), ("device_seconds", CORES), ("joules", 2.0)):
        query = f"increase(aif_usage_{counter}_total{{{name}}}[30s])"
        eventually(partial(_exceeds, scene, query, least), query, 60)
    dashboard = json.loads((ROOT / "helm/aif-operator/files/dashboard.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked = [each.replace("$namespace", "aif-system").replace("$__rate_interval", "30s") for each in queries]
    unanswered = [
        query for query in asked if not any(metric in query for metric in EMPTY_HERE) and not _rows(scene, query)
    ]
    assert unanswered == []
    assert all(_rows(scene, query) is not None for query in asked), "each is answered without an error"


def _rows(scene: Scene, query: str) -> list[Any]:
    return scene.prometheus.query(query)


def _exceeds(scene: Scene, query: str, least: float) -> bool:
    rows = _rows(scene, query)
    return bool(rows) and float(rows[0]["value"][1]) > least
