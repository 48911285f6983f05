"""What tests of moves share: two nodes, requests that are as fast as a node says, and who keeps the contract."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import prometheus_server
from network import a_compute_node, within
from operator_process import Operators, Replica
from pod_traffic import PodTraffic, following
from pool import Pool
from prometheus_server import Prometheus
from rest import Json, Rest, eventually
from services import Services

from cluster.api import Cluster

GOOD, BAD, WORSE = 0.010, 0.200, 0.500
"""Seconds of a request: well within a target of 100 ms, well beyond it, and worse than that."""

SMALL: Json = {
    "name": "small",
    "flopsPerRequest": "10M",
    "memoryTrafficBytesPerRequest": "100k",
    "cuts": [{"name": "Input", "ueFlops": 0, "dataBits": "1k"}],
}
"""A model that a share of a core keeps up with, and an input that no link feels."""

QUICK: Json = {"windowSeconds": 10, "fastWindowSeconds": 5, "forSeconds": 2}
MIGRATION: Json = {"verifySeconds": 10, "verifyMinRequests": 50, "drainSeconds": 1, "cooldownSeconds": 5}
"""A contract and its moves in times that a test can wait for."""


@dataclass
class Moves:
    """Two nodes, requests that are as fast as the node says, and an operator that keeps the contract."""

    pool: Pool
    traffic: PodTraffic
    prometheus: Prometheus
    operators: Operators
    services: Services
    rest: Rest
    replicas: list[Replica] = field(default_factory=list)

    def start(self, **settings: str) -> Replica:
        """Start an operator that looks at all contracts every second."""
        usual = {"AIF_PROMETHEUS_URL": self.prometheus.url, "AIF_EVALUATION_SECONDS": "1", "AIF_RESYNC_SECONDS": "20"}
        replica = self.operators.start_leading(**(usual | settings))
        self.replicas.append(replica)
        self.pool.await_seen()
        return replica

    def serve(self, name: str = "plates", **spec: Any) -> str:
        """Place a service with a latency target of 100 ms, wait until that is kept, and return its node."""
        usual = within(100) | {
            "load": {"requestsPerSecond": 250},
            "model": SMALL,
            "evaluation": QUICK,
            "migration": MIGRATION,
        }
        self.services.apply(self.pool.plain(name, **(usual | spec)))
        self.services.await_ready(name)
        self.services.await_condition(name, "QoSMet", "True", within_s=60)
        return self.services.node_of(name)

    def turn(self, node: str, seconds: float) -> None:
        """From now on requests take so long on a node."""
        self.traffic.nodes[node] = seconds

    def other(self, node: str) -> str:
        """Return a node of the pool other than this."""
        return next(name for name in self.pool.nodes if name != node)

    def migration(self, name: str = "plates") -> Json:
        """Return the move that is under way; empty where none is."""
        found: Json = self.services.get(name)["status"].get("migration") or {}
        return found

    def records(self, name: str = "plates") -> list[Json]:
        """Return the moves that ended."""
        found: list[Json] = self.services.get(name)["status"].get("migrations") or []
        return found

    def await_phase(self, *phases: str, name: str = "plates", within_s: float = 90.0) -> Json:
        """Return the move once it is in one of these phases."""
        return eventually(lambda: self._in(name, phases), f"the move is in {' or '.join(phases)}", within_s)

    def _in(self, name: str, phases: tuple[str, ...]) -> Json:
        move = self.migration(name)
        return move if move.get("phase") in phases else {}

    def await_record(self, number: int = 1, name: str = "plates", within_s: float = 120.0) -> Json:
        """Return the record of a move once it is over."""

        def over() -> Json:
            return next((each for each in self.records(name) if each["id"] == number), {})

        return eventually(over, f"move {number} is over", within_s)


World = Callable[[int], AbstractContextManager[Moves]]
"""Makes so many nodes and everything around them."""


@contextmanager
def world(
    cluster: Cluster, rest: Rest, operators: Operators, services: Services, folder: Path, size: int
) -> Iterator[Moves]:
    """Yield `size` nodes without accelerators, a Prometheus and the requests of a namespace; no operator runs yet."""
    traffic = PodTraffic()
    pool = Pool(cluster, rest, f"moves-{secrets.token_hex(3)}", size, 0)
    with prometheus_server.running(folder, traffic) as prometheus:
        pool.create(pool.nodes)
        for name in pool.nodes:
            rest.apply("computenodes", a_compute_node(name))
        here = Moves(pool, traffic, prometheus, operators, services, rest)
        try:
            with following(rest, services.namespace, traffic, prometheus):
                yield here
        finally:
            for replica in here.replicas:
                if replica.alive:
                    replica.end()
            pool.raze()
