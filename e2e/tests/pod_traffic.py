"""Requests that follow the Service: each pod behind it gets its share, and takes as long as its node says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from prometheus_server import BUCKETS, Prometheus, Traffic
from rest import Json, Refused, Rest

LOOK_SECONDS = 0.5


@dataclass
class PodTraffic(Traffic):
    """Traffic of every service of a namespace, spread over the pods that its Service leads to.

    Attributes:
        nodes: Seconds that a request takes on a node.
        failing_on: Share of the requests that fail on a node.
    """

    nodes: dict[str, float] = field(default_factory=dict)
    failing_on: dict[str, float] = field(default_factory=dict)
    usual: float = 0.010
    _computed: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    """Requests and seconds of computing by pod: the server takes all of a request's time to compute it."""
    _shares: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)

    def lead(self, namespace: str, pods: list[tuple[str, str, float]]) -> None:
        """From now on these pods (name, node, share of all requests) get the requests."""
        with self._lock:
            self._grow()
            self._shares = {(namespace, pod): (node, share) for pod, node, share in pods}
            for who in self._shares:
                self._counts.setdefault(who, dict.fromkeys((*BUCKETS, float("inf")), 0.0))

    def _grow(self) -> None:
        requests = self.rate * self._passed()
        for who, (node, share) in self._shares.items():
            seconds = self.nodes.get(node, self.usual)
            failed = requests * share * self.failing_on.get(node, 0.0)
            self._failures[who] = self._failures.get(who, 0.0) + failed
            count, computed = self._computed.get(who, (0.0, 0.0))
            self._computed[who] = (count + requests * share, computed + requests * share * seconds)
            for bound in self._counts[who]:
                self._counts[who][bound] += requests * share if seconds <= bound else 0.0

    def exposition(self, who: tuple[str, str]) -> str:
        """Return the metrics of one pod as its server would; what it computed calibrates its node."""
        count, seconds = self._computed.get(who, (0.0, 0.0))
        lines = ["# TYPE aif_compute_seconds histogram"]
        lines += [f'aif_compute_seconds_bucket{{le="+Inf"}} {count}', f"aif_compute_seconds_count {count}"]
        return super().exposition(who) + "\n".join([*lines, f"aif_compute_seconds_sum {seconds}", ""])


@contextmanager
def following(rest: Rest, namespace: str, traffic: PodTraffic, prometheus: Prometheus) -> Iterator[None]:
    """Let ``traffic`` go where the Services of ``namespace`` lead, and Prometheus scrape every pod there."""
    over = threading.Event()

    def follow() -> None:
        while not over.wait(LOOK_SECONDS):
            try:
                _follow(rest, namespace, traffic, prometheus)
            except (Refused, OSError):
                continue  # the next look

    follower = threading.Thread(target=follow)
    follower.start()
    try:
        yield
    finally:
        over.set()
        follower.join()


def _follow(rest: Rest, namespace: str, traffic: PodTraffic, prometheus: Prometheus) -> None:
    pods = {pod["metadata"]["uid"]: pod for pod in rest.list("pods", namespace) if "net4ai.io/copy" in _labels(pod)}
    behind: dict[str, list[Json]] = {}
    for part in rest.list("endpointslices", namespace):
        for endpoint in part.get("endpoints") or []:
            pod = pods.get((endpoint.get("targetRef") or {}).get("uid", ""))
            if pod is not None and endpoint.get("conditions", {}).get("ready") is not False:
                behind.setdefault(_labels(pod)["net4ai.io/service"], []).append(pod)
    shares = [
        (pod["metadata"]["name"], pod["spec"]["nodeName"], 1.0 / len(listed))
        for listed in behind.values()
        for pod in listed
    ]
    traffic.lead(namespace, shares)
    targets = [
        {
            "targets": [f"127.0.0.1:{prometheus.exporter_port}"],
            "labels": {
                "namespace": namespace,
                "aiservice": _labels(pod)["net4ai.io/service"],
                "copy": _labels(pod)["net4ai.io/copy"],
                "pod": pod["metadata"]["name"],
                "__metrics_path__": f"/{namespace}/{pod['metadata']['name']}",
            },
        }
        for pod in pods.values()
        if (namespace, pod["metadata"]["name"]) in traffic.known
    ]
    partial = prometheus.folder / "targets.partial"
    partial.write_text(json.dumps(targets))
    partial.rename(prometheus.folder / "targets.json")


def _labels(pod: Json) -> dict[str, str]:
    labels: dict[str, str] = pod["metadata"].get("labels", {})
    return labels
