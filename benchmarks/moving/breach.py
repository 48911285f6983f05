"""When a contract was broken, as Prometheus has it, and when the operator said and did what: in one time."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from kubectl import Kubectl
from prometheus_api_client import PrometheusConnect

from aif.contract.profiles import ALL, Signal
from aif.gateways.prometheus.profiles import load

Json = dict[str, Any]

PROFILE: Final = load()["aif-runtime"]
PHASES: Final = ("TargetReserved", "TargetReady", "ContractVerified", "TrafficSwitched", "SourceDraining")


@dataclass(frozen=True, slots=True)
class Rule:
    """A promised latency and the windows over which it is judged, all in seconds."""

    namespace: str
    name: str
    most: float
    windows: tuple[int, int]

    @classmethod
    def of(cls, service: Json) -> Rule:
        """Return the rule for a placed AIService: what is left for the server of the target and its tolerance."""
        spec, metadata = service["spec"], service["metadata"]
        latency, evaluation = spec["qos"]["latency"], spec["evaluation"]
        way = service["status"]["placements"][0]["predictedNetworkMicroseconds"]
        most = (latency["maxP99Microseconds"] * (1 + latency.get("tolerancePercent", 5) / 100) - way) / 1e6
        windows = (evaluation["fastWindowSeconds"], evaluation["windowSeconds"])
        return cls(metadata["namespace"], metadata["name"], most, windows)

    def first_broken(self, prometheus: PrometheusConnect, since: float, until: float) -> float | None:
        """Return the time of the first sample at which both windows are beyond what may be; None where none is."""
        times = self._samples(prometheus, since, until)
        return next((at for at in times if all(self._beyond(prometheus, at, window) for window in self.windows)), None)

    def _samples(self, prometheus: PrometheusConnect, since: float, until: float) -> Sequence[float]:
        series = f'aif_request_seconds_count{{namespace="{self.namespace}",aiservice="{self.name}"}}'
        asked = f"{series}[{int(until - since) + 1}s]"
        rows = prometheus.custom_query(asked, params={"time": f"{until:.3f}"})
        return sorted({at for row in rows for at, _ in row["values"] if at >= since})

    def _beyond(self, prometheus: PrometheusConnect, at: float, window: int) -> bool:
        asked = PROFILE.query(Signal.REQUEST_SECONDS, window, ALL)
        rows = prometheus.custom_query(asked, params={"time": f"{at:.3f}"})
        values = [float(row["value"][1]) for row in rows if self._is_of(row["metric"])]
        return bool(values) and values[0] > self.most

    def _is_of(self, labels: Json) -> bool:
        return (labels.get("namespace"), labels.get("aiservice")) == (self.namespace, self.name)


@dataclass(slots=True)
class Story:
    """Every state of the AIServices of a namespace as the API server told it, with the time when it came."""

    states: list[tuple[float, Json]] = field(default_factory=list)

    def of(self, name: str) -> list[tuple[float, Json]]:
        """Return the states of one service."""
        return [(at, state) for at, state in self.states if state["metadata"]["name"] == name]

    def first(self, name: str, holds: Any, since: float) -> float | None:  # noqa: ANN401 - a test of a state
        """Return when a state of a service first held; None where none did."""
        return next((at for at, state in self.of(name) if at >= since and holds(state)), None)


@contextmanager
def watching(kubectl: Kubectl, namespace: str) -> Iterator[Story]:
    """Follow the AIServices of a namespace."""
    story = Story()
    command = [str(kubectl.cluster.kubectl), "--kubeconfig", str(kubectl.cluster.kubeconfig), "-n", namespace]
    line = [*command, "get", "aiservices", "--watch", "-o", "json"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        reader = threading.Thread(target=_read, args=(process, story))
        reader.start()
        try:
            yield story
        finally:
            process.terminate()
            reader.join()


def _read(process: subprocess.Popen[str], story: Story) -> None:
    """Note each document with the time of its last line; kubectl writes one after the other, indented."""
    lines: list[str] = []
    for line in process.stdout or ():
        lines.append(line)
        if line.rstrip() == "}":
            story.states.append((time.time(), json.loads("".join(lines))))
            lines = []


def alarmed(state: Json) -> bool:
    """Whether a threshold alarm stands."""
    return _condition(state, "ThresholdAlarm") == "True"


def met(state: Json) -> bool:
    """Whether the contract is kept, as it is measured."""
    return _condition(state, "QoSMet") == "True"


def reached(phase: str, state: Json) -> bool:
    """Whether the move under way is in a phase, or beyond it."""
    migration = state.get("status", {}).get("migration")
    return migration is not None and PHASES.index(migration["phase"]) >= PHASES.index(phase)


def moved(from_node: str, state: Json) -> bool:
    """Whether no move is under way, and the service is elsewhere."""
    status = state.get("status", {})
    return status.get("migration") is None and from_node not in {each["node"] for each in status.get("placements", ())}


def telling(state: Json) -> str:
    """Return what a service says of itself, but for what is as expected."""
    status = state.get("status", {})
    words = [
        f"{each['type']}={each['status']} {each['reason']}: {each['message']}"
        for each in status.get("conditions", ())
        if each["reason"] != "AsExpected"
    ]
    rest = {name: status.get(name) for name in ("qos", "migration", "migrations", "plan", "timers")}
    return "; ".join([*words, json.dumps(rest)])


def _condition(state: Json, kind: str) -> str:
    return next((each["status"] for each in state.get("status", {}).get("conditions", ()) if each["type"] == kind), "")
