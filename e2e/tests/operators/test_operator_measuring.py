"""Contracts are judged by a real Prometheus: kept, broken, unknown; alarms outlive operator and metrics."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import prometheus_server
import pytest
from network import VGG16, a_service, within
from operator_process import Operators, Replica
from prometheus_server import Prometheus, Traffic
from rest import Json, eventually
from services import Services

FAST, SLOW = 0.010, 0.200
"""Seconds on the server, well within a target of 100 ms and well beyond it."""

SMALL = {**VGG16, "flopsPerRequest": "100M", "memoryTrafficBytesPerRequest": "10M"}
"""A model that a share of a core keeps up with."""

QUICK = {"windowSeconds": 10, "fastWindowSeconds": 5, "forSeconds": 2}
"""An evaluation that a test can wait for."""


@dataclass
class Measured:
    """A Prometheus that scrapes simulated traffic, and how to start an operator that asks it."""

    traffic: Traffic
    prometheus: Prometheus
    operators: Operators
    services: Services
    names: list[str] = field(default_factory=list)

    def start(self) -> Replica:
        """Start an operator that looks at all contracts every second."""
        return self.operators.start_leading(AIF_PROMETHEUS_URL=self.prometheus.url, AIF_EVALUATION_SECONDS="1")

    def serve(self, name: str, seconds: float, **spec: Any) -> None:
        """Place a service with a latency target of 100 ms, and let its requests take so long on the server."""
        spec = within(100) | {"model": SMALL, "evaluation": QUICK} | spec
        self.services.apply(a_service(name, **spec))
        self.names.append(name)
        self.traffic.serve(name, seconds, self.services.namespace)
        self.prometheus.watch(*((self.services.namespace, each) for each in self.names))

    def turn(self, name: str, seconds: float) -> None:
        """From now on requests take so long."""
        self.traffic.serve(name, seconds, self.services.namespace)

    def latency(self, name: str) -> Json:
        """Return what the status says of the latency."""
        rows: list[Json] = self.services.get(name)["status"]["qos"]
        return next(row for row in rows if row["dimension"] == "latency")


@pytest.fixture
def measured(operators: Operators, services: Services, tmp_path: Path) -> Iterator[Measured]:
    """A Prometheus of the test's own."""
    traffic = Traffic()
    with prometheus_server.running(tmp_path, traffic) as prometheus:
        yield Measured(traffic, prometheus, operators, services)


@pytest.fixture
def operator(measured: Measured) -> Iterator[Replica]:
    """An operator that measures, for one test."""
    replica = measured.start()
    yield replica
    if replica.alive:
        replica.end()


def test_a_kept_contract_is_met_with_target_prediction_and_measurement(
    measured: Measured, operator: Replica, services: Services
) -> None:
    measured.serve("plates", FAST)
    services.await_condition("plates", "QoSMet", "True")
    services.await_condition("plates", "MetricsAvailable", "True")
    row = measured.latency("plates")
    assert row["verdict"] == "Met"
    assert row["estimated"], "a server cannot see the way to its users"
    placement = services.get("plates")["status"]["placements"][0]
    way = placement["predictedNetworkMicroseconds"]
    assert row["target"] == 100_000
    assert abs(row["measured"] - (1e6 * FAST + way)) < 1000, "what the server measured, and the way to the users"
    assert operator.metric("aif_threshold_alarms") == 0


def test_a_broken_contract_raises_one_alarm_and_clears_it_when_kept_again(
    measured: Measured, operator: Replica, services: Services
) -> None:
    measured.serve("plates", FAST)
    services.await_condition("plates", "QoSMet", "True")
    measured.turn("plates", SLOW)
    told = services.await_condition("plates", "ThresholdAlarm", "True", "LatencyBreached")
    assert "at most 100000 us" in told["message"]
    assert services.condition("plates", "QoSMet")["status"] == "False"
    assert services.condition("plates", "Ready")["status"] == "True", "a slow service is ready all the same"
    eventually(lambda: operator.metric("aif_threshold_alarms") == 1, "the alarm is counted")
    measured.turn("plates", FAST)
    services.await_condition("plates", "QoSMet", "True")
    eventually(lambda: "AlarmCleared" in services.events("plates"), "the end of the alarm is told")
    assert services.events("plates").count("LatencyBreached") == 1


def test_missing_metrics_are_unknown_and_move_nothing(
    measured: Measured, operator: Replica, services: Services
) -> None:
    measured.serve("plates", FAST, metrics={"staleAfterSeconds": 5})
    services.await_condition("plates", "QoSMet", "True")
    copies = [copy["metadata"]["uid"] for copy in services.copies("plates")]
    measured.prometheus.process.send_signal(signal.SIGSTOP)
    try:
        services.await_condition("plates", "QoSMet", "Unknown", "PrometheusError", within_s=60)
        assert services.condition("plates", "MetricsAvailable")["status"] == "False"
        assert services.condition("plates", "Ready")["status"] == "True"
    finally:
        measured.prometheus.process.send_signal(signal.SIGCONT)
    services.await_condition("plates", "QoSMet", "True", within_s=90)
    assert [copy["metadata"]["uid"] for copy in services.copies("plates")] == copies
    assert operator.alive


def test_lies_are_unknown(measured: Measured, operator: Replica, services: Services) -> None:
    del operator
    measured.traffic.value = "NaN"
    measured.serve("plates", FAST)
    services.await_condition("plates", "QoSMet", "Unknown", "MetricsMissing")
    services.await_ready("plates")


def test_a_service_without_requests_is_neither_met_nor_broken(
    measured: Measured, operator: Replica, services: Services
) -> None:
    del operator
    measured.traffic.rate = 1.0
    measured.serve("plates", SLOW)
    services.await_condition("plates", "QoSMet", "Unknown", "TooFewRequests")


def test_a_successor_neither_repeats_an_alarm_nor_loses_it(measured: Measured, services: Services) -> None:
    first = measured.start()
    measured.serve("plates", SLOW)
    services.await_condition("plates", "ThresholdAlarm", "True")
    raised = measured.latency("plates")["alarmSince"]
    first.kill()
    second = measured.start()
    time.sleep(8)
    assert measured.latency("plates")["alarmSince"] == raised
    assert services.events("plates").count("LatencyBreached") == 1
    measured.turn("plates", FAST)
    services.await_condition("plates", "QoSMet", "True")
    second.end()


def test_a_value_that_only_moves_writes_nothing(measured: Measured, operator: Replica, services: Services) -> None:
    del operator
    measured.serve("plates", FAST)
    services.await_condition("plates", "QoSMet", "True")
    services.await_ready("plates")
    time.sleep(2)
    before = services.get("plates")["metadata"]["resourceVersion"]
    for step in range(6):
        measured.turn("plates", FAST * (1 + step))
        time.sleep(1)
    assert services.get("plates")["metadata"]["resourceVersion"] == before
