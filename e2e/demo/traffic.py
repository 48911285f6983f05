"""Traffic of simulated services: how long a request takes on a node, and the histograms that servers would expose.

A request takes its work at the speed of the node, max(O/π, Q/β), after a wait for those before it: with the
utilisation u, a share u of the requests waits, for an exponential time with the mean S/(2(1 - u)). That is M/M/1 with
half the wait, as the work of a request is fixed. A node can be slowed down by the annotation `SLOWDOWN`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import exp
from typing import Final

from aif.api.aiservice import AIService
from aif.api.computenode import CPU, ComputeNode
from aif.api.workload import NO_ACCELERATOR, Variant

SLOWDOWN: Final = "demo.net4ai.io/slowdown"
"""Annotation of a Node: its work takes so many times as long."""

BUCKETS: Final = tuple(round(0.0005 * 1.05**step, 6) for step in range(150))
"""Upper bounds in seconds, from 0.5 ms to 0.7 s; 5 % apart, so that each tells a target in it well enough."""

LABELS: Final = ("namespace", "aiservice", "copy", "node")
"""Labels of every series, as relabelling gives them to pods."""

MOST: Final = 0.98
"""Highest utilisation: with more, a queue grows without end, and users stop asking."""


@dataclass(frozen=True, slots=True)
class Copy:
    """Replicas of a service on one node that answer requests.

    Attributes:
        who: Values of `LABELS`.
        rate: Requests per second that it gets.
        seconds: Time of the work of one request there.
    """

    who: tuple[str, str, str, str]
    rate: float
    seconds: float

    def within(self, seconds: float) -> float:
        """Return the share of requests that take at most so long."""
        used = min(MOST, self.rate * self.seconds)
        late = seconds - self.seconds
        return 0.0 if late < 0.0 else 1.0 - used * exp(-2.0 * (1.0 - used) * late / self.seconds)


def work_seconds(service: AIService, variant: Variant, node: ComputeNode) -> float | None:
    """Return the time of one request's work on ``node``, by what it declares; None where that is not known."""
    model, kind = service.spec.model, CPU if variant.accelerator == NO_ACCELERATOR else variant.accelerator
    device = next((each for each in node.spec.capability.devices if each.type == kind), None)
    flops, precision = variant.flops_per_request or model.flops_per_request, variant.precision or model.precision
    rates = {each.precision: float(each.flops_per_second) for each in device.peak_flops} if device is not None else {}
    if device is None or flops is None or precision not in rates:
        return None
    share = min(1.0, _cores(service, variant) / device.count) if kind == CPU else 1.0
    traffic, bandwidth = model.memory_traffic_bytes_per_request, device.memory_bandwidth_bytes_per_second
    moved = float(traffic) / (float(bandwidth) * share) if traffic and bandwidth else 0.0
    return max(float(flops) / (rates[precision] * share), moved)


def _cores(service: AIService, variant: Variant) -> float:
    asked = variant.resources.cpu or (service.spec.workload.resources.cpu if service.spec.workload else None)
    return float(asked) if asked is not None else 1.0


@dataclass
class Servers:
    """Counters of all copies that ever answered; they grow with time, as those of servers do."""

    counts: dict[tuple[str, str, str, str], dict[float, float]] = field(default_factory=dict)
    totals: dict[tuple[str, str, str, str], tuple[float, float]] = field(default_factory=dict)
    """Requests and seconds by copy."""

    def serve(self, copies: Iterable[Copy], seconds: float) -> None:
        """Let requests come for ``seconds``; copies that are gone are forgotten, as their servers are."""
        serving = {copy.who: copy for copy in copies}
        for gone in self.counts.keys() - serving.keys():
            del self.counts[gone], self.totals[gone]
        for who, copy in serving.items():
            counts = self.counts.setdefault(who, dict.fromkeys(BUCKETS, 0.0))
            requests, spent = self.totals.get(who, (0.0, 0.0))
            came = copy.rate * seconds
            self.totals[who] = requests + came, spent + came * copy.seconds
            for bound in counts:
                counts[bound] += came * copy.within(bound)

    def exposition(self) -> str:
        """Return the metrics of all copies, each under the labels that relabelling would give its pods."""
        lines = ["# TYPE aif_request_seconds histogram"]
        for who, counts in self.counts.items():
            labels = _labels(who)
            requests, spent = self.totals[who]
            lines += [f'aif_request_seconds_bucket{{{labels},le="{le}"}} {count:.3f}' for le, count in counts.items()]
            lines += [f'aif_request_seconds_bucket{{{labels},le="+Inf"}} {requests:.3f}']
            lines += [f"aif_request_seconds_sum{{{labels}}} {spent:.6f}"]
            lines += [f"aif_request_seconds_count{{{labels}}} {requests:.3f}"]
        lines += ["# TYPE aif_request_failures_total counter"]
        for who in self.counts:
            labels = _labels(who)
            lines += [f"aif_request_failures_total{{{labels}}} 0"]
        return "\n".join(lines) + "\n"


def _labels(who: tuple[str, str, str, str]) -> str:
    return ",".join(f'{name}="{value}"' for name, value in zip(LABELS, who, strict=True))


def slowdown(annotations: Mapping[str, str] | None) -> float:
    """Return how many times as long work takes on a Node; 1 where its annotation says nothing that can be read."""
    try:
        return max(1.0, float((annotations or {}).get(SLOWDOWN, "1")))
    except ValueError:
        return 1.0
