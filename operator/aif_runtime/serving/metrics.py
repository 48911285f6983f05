"""What the server tells Prometheus; the operator's metric profile `aif-runtime` asks for these names."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

_FIRST_BUCKET_S, _STEP, _BUCKETS = 0.001, 1.045, 210

BUCKETS = tuple(round(_FIRST_BUCKET_S * _STEP**step, 6) for step in range(_BUCKETS))
"""Upper bounds in seconds, 1 ms to 10 s. Each is less than 5 % above the one before: so narrow that a target with the
usual tolerance is told from a value beside it."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Exposition:
    """The metrics of one server; each has its own registry, so that several fit into one process."""

    def __init__(self, watts_per_core: float = 0.0, cpu_seconds: Callable[[], float] = time.process_time) -> None:
        # Each would be a series more that nobody asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # as the library has it
        self.registry = CollectorRegistry()
        self.seconds = Histogram(
            "aif_request_seconds",
            "Time from the head of a request to the end of its answer, streams left out",
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.compute = Histogram(
            "aif_compute_seconds",
            "Time that the model computed for a request, without waiting for its turn",
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.failures = Counter(
            "aif_request_failures", "Requests and streams that failed by the server's fault", registry=self.registry
        )
        told = "Requests that failed by the client's fault"
        self.rejected = Counter("aif_requests_rejected", told, registry=self.registry)
        self.operations = Counter(
            "aif_operations", "Operations of the model for answered requests", registry=self.registry
        )
        self.received = Counter("aif_received_bytes", "Bytes of the bodies of requests", registry=self.registry)
        self.sent = Counter("aif_sent_bytes", "Bytes of the bodies of answers", registry=self.registry)
        self.inside = Gauge("aif_requests_inside", "Requests that are computed or wait", registry=self.registry)
        self.draining = Gauge("aif_draining", "1 from the signal to end until the end", registry=self.registry)
        self.streams = Gauge("aif_streams", "Streams that run", registry=self.registry)
        self.first_chunk = Histogram(
            "aif_first_chunk_seconds",
            "Time from the head of a request to the first chunk of its stream",
            buckets=BUCKETS,
            registry=self.registry,
        )
        told = "Time from the head of a request to the end of its stream"
        self.stream_seconds = Histogram("aif_stream_seconds", told, registry=self.registry)
        told = "Streams that were ended early, as the server ends"
        self.cut_streams = Counter("aif_streams_cut", told, registry=self.registry)
        ProcessCollector(registry=self.registry)
        if watts_per_core:
            self.registry.register(_Energy(watts_per_core, cpu_seconds))

    def text(self) -> bytes:
        """Return the exposition in the text format of Prometheus."""
        return generate_latest(self.registry)


class _Energy(Collector):
    """Energy, estimated: the CPU time of the process times the power of a busy core. Idle power is nobody's request."""

    def __init__(self, watts_per_core: float, cpu_seconds: Callable[[], float]) -> None:
        self._watts = watts_per_core
        self._cpu_seconds = cpu_seconds

    def collect(self) -> Iterable[Metric]:
        told = CounterMetricFamily(
            "aif_joules",
            "Energy, estimated: CPU time of the process times the declared power of a busy core",
            labels=["estimated"],
        )
        told.add_metric(["true"], self._watts * self._cpu_seconds())
        yield told
