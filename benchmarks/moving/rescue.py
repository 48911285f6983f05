"""A service on real nodes whose node is slowed: alarm, move, and the contract kept again."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_api_client import PrometheusConnect
from rest import eventually
from services import Services

from cluster.progress import Steps
from cluster.real import monitoring
from moving.breach import Rule, Story, alarmed, met, moved, reached, telling, watching
from moving.loading import Load, Told, under_load
from moving.strategies import an_aiservice, url_of
from moving.testbed import Testbed, testbed
from moving.timers import Timers

TARGET_MS: Final = 250
_REPEAT: Final = 60
"""Runs of the model per request: some milliseconds of CPU."""

_PICTURE: Final = {"name": "Input", "ueFlops": 0, "dataBits": "8k"}
_NAMESPACE = "rescue"
_PATIENCE_S: Final = 240.0
_CALM_S: Final = 20.0
_SETTLE_S: Final = 3.0
"""An address behind a new Service answers once the proxy of the client's own node knows of it, a moment after Ready."""

_SHARE: Final = 0.65
"""What a slowed node gets of the CPU that the load takes: requests wait longer and longer for each other."""

_QUEUE: Final = 4000
"""So many may wait: what is slow is late, and not refused."""

Json = dict[str, Any]


@dataclass(slots=True)
class Round:
    """One breach; `marks` are times in seconds since the epoch, in the order in which they are to come."""

    node: str
    cpus_before: float
    cpus_slow: float
    p99_before: float
    marks: dict[str, float | None] = field(default_factory=dict)
    load: Told = field(default_factory=Told)

    def since_breach(self, mark: str) -> float | None:
        """Return the seconds from the breach to a mark; None where either did not come."""
        at, breach = self.marks.get(mark), self.marks.get("breach")
        return None if at is None or breach is None else at - breach

    def told(self) -> Json:
        """Return the round for JSON."""
        return {
            "node": self.node,
            "secondsSinceBreach": {
                mark: None if (at := self.since_breach(mark)) is None else round(at, 2) for mark in self.marks
            },
            "cpusBefore": round(self.cpus_before, 3),
            "cpusSlow": round(self.cpus_slow, 3),
            "p99Before": round(self.p99_before, 4),
            "sent": self.load.sent,
            "failed": self.load.failed,
            "how": ", ".join(f"{count} {kind}" for kind, count in sorted(self.load.kinds.items())),
            "clients": self.load.result.get("clients", {}),
        }


@dataclass(frozen=True, slots=True)
class Scene:
    """Where rounds take place: the testbed, the Prometheus of its operator, what was told, and the load."""

    here: Testbed
    prometheus: PrometheusConnect
    story: Story
    load: Load

    def is_met(self, name: str, since: float) -> bool:
        """Whether a contract is kept, or was since."""
        return bool(self.story.first(name, met, since)) or met(self.here.rest.get("aiservices", name, _NAMESPACE) or {})


def measure(name: str, rounds: int, rate: float, timers: Timers, steps: Steps) -> list[Round]:
    """Return what happened in each round."""
    with ExitStack() as stack:
        here = stack.enter_context(testbed(name, steps))
        url = monitoring.start(here.cluster.name, here.folders, steps, timers.scrape)
        stack.enter_context(here.operator(AIF_PROMETHEUS_URL=url, AIF_EVALUATION_SECONDS=str(timers.tick)))
        here.add_namespace(_NAMESPACE)
        stack.callback(here.kubectl, "delete", "namespace", _NAMESPACE, "--wait=false")
        story = stack.enter_context(watching(here.kubectl, _NAMESPACE))
        scene = Scene(
            here, PrometheusConnect(url, timeout=10), story, Load(rate, 1.0, timeout=30.0, arrivals="poisson")
        )
        found = []
        for number in range(rounds):
            # A service of its own: for an hour nobody returns to a node that was left for a breach.
            with steps.run(f"Round {number + 1} of {rounds}: slow the node, and wait for the move"):
                found.append(_round(scene, f"plates-{number}", _spec(timers, rate)))
        return found


def _serve(here: Testbed, name: str, spec: Json) -> str:
    """Start a service, and return where clients reach it."""
    environment = {"AIF_SERVER_REPEAT": str(_REPEAT), "AIF_SERVER_QUEUE": str(_QUEUE)}
    tenant = Services(here.rest, _NAMESPACE)
    tenant.apply(an_aiservice(name, environment, spec, cpu="250m"))
    tenant.await_ready(name, within_s=_PATIENCE_S)
    time.sleep(_SETTLE_S)
    return url_of(here, _NAMESPACE, name)


def _spec(timers: Timers, rate: float) -> Json:
    return {
        "model": {"name": "plates", "flopsPerRequest": "54M", "memoryTrafficBytesPerRequest": "4M", "cuts": [_PICTURE]},
        "load": {"requestsPerSecond": round(rate)},
        "qos": {"latency": {"maxP99Microseconds": TARGET_MS * 1000}},
        "evaluation": timers.evaluation(),
        "migration": {
            "cooldownSeconds": 0,
            "maxPerHour": 60,
            "verifySeconds": timers.verify,
            "verifyMinRequests": 100,
            "timeoutSeconds": 180,
        },
    }


def _round(scene: Scene, name: str, spec: Json) -> Round:
    here, story = scene.here, scene.story
    address, begun = _serve(here, name, spec), time.time()
    with under_load(here.real, [address], scene.load) as told:
        eventually(lambda: scene.is_met(name, begun), "the contract is kept", _PATIENCE_S)
        time.sleep(_CALM_S)
        service = here.rest.get("aiservices", name, _NAMESPACE) or {}
        node = str(service["status"]["placements"][0]["node"])
        this = Round(node, *_slowed(here, node), p99_before=_p99(scene.prometheus, name), load=told)
        slowed = time.time()
        here.real.slow(node, this.cpus_slow)
        try:
            ended = eventually(lambda: _moved_at(story, name, node, slowed), "it moved", _PATIENCE_S)
            eventually(lambda: scene.is_met(name, ended), "it is kept again", _PATIENCE_S)
        finally:
            here.real.slow(node, None)
    alarm = story.first(name, alarmed, slowed)
    this.marks = {"slowed": slowed, "breach": Rule.of(service).first_broken(scene.prometheus, slowed, alarm or ended)}
    this.marks |= {mark: story.first(name, holds, slowed) for mark, holds in _marks(node).items()}
    this.marks["kept again"] = story.first(name, met, alarm or ended)
    here.rest.delete("aiservices", name, _NAMESPACE)
    return this


def _moved_at(story: Story, name: str, node: str, since: float) -> float | None:
    """Return when it had moved; until then an assertion fails with what the service says of itself."""
    at = story.first(name, functools.partial(moved, node), since)
    assert at is not None, telling(story.of(name)[-1][1])  # noqa: S101 - the words of the failure
    return at


def _marks(node: str) -> dict[str, Callable[[Json], bool]]:
    return {
        "alarm": alarmed,
        "move begun": functools.partial(reached, "TargetReserved"),
        "target ready": functools.partial(reached, "TargetReady"),
        "verified": functools.partial(reached, "ContractVerified"),
        "switched": functools.partial(reached, "TrafficSwitched"),
        "draining": functools.partial(reached, "SourceDraining"),
        "drained": functools.partial(moved, node),
    }


def _slowed(here: Testbed, node: str) -> tuple[float, float]:
    """Return the CPUs that the pods of a node take under load, and what it shall get."""
    used, begun = here.real.pods(node).cpu_seconds(), time.monotonic()
    time.sleep(_CALM_S / 2)
    taken = (here.real.pods(node).cpu_seconds() - used) / (time.monotonic() - begun)
    return taken, taken * _SHARE


def _p99(prometheus: PrometheusConnect, name: str) -> float:
    asked = f'aiservice:aif_request_seconds:p99_1m{{namespace="{_NAMESPACE}",aiservice="{name}"}}'
    rows = prometheus.custom_query(asked)
    return float(rows[0]["value"][1]) if rows else float("nan")
