"""The servers of simulated services, as far as Prometheus sees them.

Usage: ``python -m demo.exporter KUBECONFIG CONTEXT NAMESPACE PORT``

It looks at the cluster every second: which pods are ready, which of them the Service leads to, how fast their nodes
are. What all of their servers would expose, it exposes in one answer.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from kubernetes.client import ApiClient

from aif.api.aiservice import AIService
from aif.api.base import API_VERSION
from aif.api.computenode import ComputeNode
from aif.cli.output import errors
from aif.domain.cluster import COPY_LABEL
from cluster.kube import connect
from demo.objects import Objects
from demo.traffic import Copy, Servers, slowdown, work_seconds

LOOK_SECONDS: Final = 1.0
_SERVICE_NAME: Final = "kubernetes.io/service-name"
Json = dict[str, Any]


class Cluster:
    """What answers requests in one namespace of a cluster."""

    def __init__(self, client: ApiClient, namespace: str) -> None:
        """Read through ``client``."""
        self._objects = Objects(client)
        self._namespace = namespace

    def copies(self) -> Iterator[Copy]:
        """Yield the copies of services that requests come to; a service's load is shared alike by its replicas."""
        nodes = {one["spec"].get("nodeName"): one for one in self._objects.all(API_VERSION, "ComputeNode")}
        slow = {
            one["metadata"]["name"]: slowdown(one["metadata"].get("annotations"))
            for one in self._objects.all("v1", "Node")
        }
        pods = {one["metadata"]["uid"]: one for one in self._objects.all("v1", "Pod", self._namespace)}
        serving = self._serving()
        for raw in self._objects.all(API_VERSION, "AIService", self._namespace):
            service = AIService.model_validate(raw)
            mine = [pods[uid] for uid in serving.get(service.metadata.name, ()) if uid in pods]
            yield from _copies(service, mine, nodes, slow)

    def _serving(self) -> dict[str, list[str]]:
        """Return the uids of the pods behind each Service."""
        found: dict[str, list[str]] = {}
        for part in self._objects.all("discovery.k8s.io/v1", "EndpointSlice", self._namespace):
            name = (part["metadata"].get("labels") or {}).get(_SERVICE_NAME, "")
            for endpoint in part.get("endpoints") or ():
                if (endpoint.get("conditions") or {}).get("ready") is not False and endpoint.get("targetRef"):
                    found.setdefault(name, []).append(endpoint["targetRef"]["uid"])
        return found


def _copies(
    service: AIService, pods: list[Json], nodes: Mapping[str, Json], slow: Mapping[str, float]
) -> Iterator[Copy]:
    load = service.spec.load
    if load is None or service.spec.model.generation is not None or not pods:
        return
    places = [*service.status.placements, *(service.status.migration.targets if service.status.migration else ())]
    named = {variant.name: variant for variant in service.variants}
    variants = {place.copy_id: named[place.variant] for place in places if place.variant in named}
    each = float(load.requests_per_second) / len(pods)
    replicas = Counter((pod["metadata"]["labels"].get(COPY_LABEL, ""), pod["spec"]["nodeName"]) for pod in pods)
    for (copy, name), count in replicas.items():
        if copy not in variants or name not in nodes:
            continue
        node = ComputeNode.model_validate(nodes[name])
        seconds = work_seconds(service, variants[copy], node)
        if seconds is not None:
            who = (service.metadata.namespace, service.metadata.name, copy, node.metadata.name)
            # Replicas beside each other halve the wait rather than the rate; for the little load here that is the same.
            yield Copy(who, each * count, seconds * slow.get(name, 1.0))


class Exporter:
    """Servers that are asked for their metrics while requests go on coming."""

    def __init__(self, cluster: Cluster) -> None:
        """Begin without requests."""
        self._cluster = cluster
        self._servers = Servers()
        self._lock = threading.Lock()
        self._last = time.monotonic()

    def look(self) -> None:
        """Let requests come to what serves now, as many as the time since the last look brings."""
        copies = list(self._cluster.copies())
        now = time.monotonic()
        with self._lock:
            self._servers.serve(copies, now - self._last)
        self._last = now

    def exposition(self) -> str:
        """Return the metrics of all copies."""
        with self._lock:
            return self._servers.exposition()


def serve(exporter: Exporter, port: int) -> ThreadingHTTPServer:
    """Return a server on ``port`` that answers from now on."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(exporter.exposition().encode())

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing of each scrape."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> None:
    """Look at the cluster until the process is ended; a cluster that does not answer is asked again."""
    kubeconfig, context, namespace, port = sys.argv[1:]
    exporter = Exporter(Cluster(connect(kubeconfig or None, context or None), namespace))
    serve(exporter, int(port))
    while True:
        try:
            exporter.look()
        except Exception as error:  # noqa: BLE001 - whatever a cluster that goes away answers, it may come back
            errors().print(f"{type(error).__name__}: {error}", soft_wrap=True)
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main()
