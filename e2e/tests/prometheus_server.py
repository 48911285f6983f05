"""A real Prometheus that scrapes what a test exposes, and a traffic model that it scrapes."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import yaml
from operator_process import free_port
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from rest import eventually

from cluster import prometheus
from cluster.paths import Folders

SCRAPE_SECONDS: Final = 1
BUCKETS: Final = tuple(round(0.001 * 1.04**step, 6) for step in range(180))
"""Upper bounds in seconds, from 1 ms to 1 s: each bucket is narrow enough to tell any target in it within 5 %."""


@dataclass
class Traffic:
    """Requests of simulated services: so many a second, each as long as the test says.

    What is exposed grows with real time, as the counters of a server would.
    """

    seconds: dict[tuple[str, str], float] = field(default_factory=dict)
    rate: float = 200.0
    failing: float = 0.0
    value: str = ""
    """Exposed instead of every count where it is not empty, such as NaN."""
    pages: dict[tuple[str, str], Callable[[], str]] = field(default_factory=dict)
    """What is exposed instead of simulated requests at /FIRST/SECOND."""
    beside: Callable[[], str] = str
    """Exposed beside the requests of each service."""
    _counts: dict[tuple[str, str], dict[float, float]] = field(default_factory=dict)
    _failures: dict[tuple[str, str], float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _last: float = field(default_factory=time.monotonic)

    def serve(self, service: str, seconds: float, namespace: str) -> None:
        """From now on requests of ``service`` take so long."""
        with self._lock:
            self._grow()
            self.seconds[namespace, service] = seconds
            self._counts.setdefault((namespace, service), dict.fromkeys((*BUCKETS, float("inf")), 0.0))

    def exposition(self, who: tuple[str, str]) -> str:
        """Return the metrics of one service as its server would."""
        if who in self.pages:
            return self.pages[who]()
        with self._lock:
            self._grow()
            counts = self._counts.get(who, {})
            total = max(counts.values(), default=0.0)
            lines = ["# TYPE aif_request_seconds histogram"]
            lines += [f'aif_request_seconds_bucket{{le="{_bound(le)}"}} {self.value or n}' for le, n in counts.items()]
            lines += [f"aif_request_seconds_sum {total}", f"aif_request_seconds_count {self.value or total}"]
            lines += ["# TYPE aif_request_failures_total counter"]
            lines += [f"aif_request_failures_total {self._failures.get(who, 0.0)}"]
        return "\n".join(lines) + f"\n{self.beside()}"

    @property
    def known(self) -> frozenset[tuple[str, str]]:
        """Return of whom there is anything to scrape."""
        return frozenset(self._counts)

    def _passed(self) -> float:
        """Return the seconds since it was asked last."""
        now = time.monotonic()
        passed, self._last = now - self._last, now
        return passed

    def _grow(self) -> None:
        requests = self.rate * self._passed()
        for who, seconds in self.seconds.items():
            self._failures[who] = self._failures.get(who, 0.0) + requests * self.failing
            for bound in self._counts[who]:
                self._counts[who][bound] += requests if seconds <= bound else 0.0


def _bound(le: float) -> str:
    return "+Inf" if le == float("inf") else str(le)


@dataclass(frozen=True)
class Target:
    """What is scraped: a path, the labels that relabelling would give it, and where, if not at the test's exporter."""

    path: str
    labels: dict[str, str]
    address: str = ""


@dataclass
class Prometheus:
    """One running Prometheus."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]
    exporter_port: int

    def watch(self, *services: tuple[str, str]) -> None:
        """Scrape the simulated services, each with the labels that relabelling would give its pods."""
        self.scrape(
            *(Target(f"/{ns}/{name}", {"namespace": ns, "aiservice": name, "copy": "1"}) for ns, name in services)
        )

    def scrape(self, *targets: Target) -> None:
        """Scrape exactly these targets."""
        own = f"127.0.0.1:{self.exporter_port}"
        entries = [
            {"targets": [each.address or own], "labels": {**each.labels, "__metrics_path__": each.path}}
            for each in targets
        ]
        partial = self.folder / "targets.partial"
        partial.write_text(json.dumps(entries))
        partial.rename(self.folder / "targets.json")

    def query(self, expression: str) -> list[Any]:
        """Return the rows of a vector."""
        rows: list[Any] = PrometheusConnect(self.url, timeout=5).custom_query(expression)
        return rows

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            return bool(self.query("vector(1)"))
        except (OSError, PrometheusApiClientException):
            return False


@contextmanager
def exporter(traffic: Traffic) -> Iterator[int]:
    """Serve the metrics of ``traffic`` at /NAMESPACE/SERVICE, and give the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            namespace, _, service = self.path.strip("/").partition("/")
            body = traffic.exposition((namespace, service)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing of each scrape."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def running(folder: Path, traffic: Traffic) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes ``traffic`` every second."""
    programs = prometheus.provide(Folders.of(os.environ), os.environ.get("PATH"))
    config = folder / "prometheus.yaml"
    scrape = {
        "job_name": "services",
        "scrape_interval": f"{SCRAPE_SECONDS}s",
        "scrape_timeout": "1s",
        "honor_labels": False,
        "file_sd_configs": [{"files": [str(folder / "targets.json")], "refresh_interval": "1s"}],
    }
    config.write_text(yaml.safe_dump({"scrape_configs": [scrape]}))
    (folder / "targets.json").write_text("[]")
    with exporter(traffic) as port:
        url_port = free_port()
        argv = [
            str(programs.prometheus),
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{url_port}",
            "--log.level=warn",
        ]
        with (folder / "prometheus.log").open("wb") as log:
            process = subprocess.Popen(argv, stdout=log, stderr=log)
        server = Prometheus(f"http://127.0.0.1:{url_port}", folder, process, port)
        try:
            eventually(server.ready, "Prometheus is ready")
            yield server
        finally:
            process.terminate()
            process.wait(20)
