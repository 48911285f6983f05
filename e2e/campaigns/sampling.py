"""Looks at the cluster again and again while a campaign runs: is any node overbooked, how large is the operator."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import psutil
from operator_process import Replica
from rest import Json, Rest

from campaigns.booking import host_of, overbooked

_CACHED: Final = {"resourceVersion": "0"}
"""From the API server's own cache: a look costs the database nothing."""


@dataclass(slots=True)
class Samples:
    """What was seen.

    `bound`: nodes where bound pods ask for more than allocatable. `sent`: where they do together with pods that are
    sent to the node and still unbound. `resident`: (seconds, bytes) of the operator.
    """

    looks: int = 0
    bound: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    resident: list[tuple[float, int]] = field(default_factory=list)

    @property
    def mib(self) -> list[float]:
        """The memory of the operator over time; zero where it was never seen."""
        return [size / 2**20 for _, size in self.resident] or [0.0]


class Sampler:
    """Takes samples in a thread of its own."""

    def __init__(self, rest: Rest, every_s: float, operator: Callable[[], Replica | None]) -> None:
        """Look through `rest` every `every_s` seconds, and at the process that `operator` names."""
        self._rest = rest
        self._every_s = every_s
        self._operator = operator
        self._over = threading.Event()
        self._began = time.monotonic()
        self.samples = Samples()

    @contextmanager
    def running(self) -> Iterator[Samples]:
        """Sample all the while; the last sample is taken after the end."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield self.samples
        finally:
            self._over.set()
            thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._every_s):
            self._look()
        self._look()

    def _look(self) -> None:
        nodes = self._list("nodes")
        pods = self._list("pods")
        bound = [pod for pod in pods if pod["spec"].get("nodeName")]
        healthy = [node for node in nodes if _is_ready(node)]
        # A pod that waits for a node from which its copy is about to leave asks for nothing that anybody else may use.
        waiting = [pod for pod in pods if host_of(pod) and not pod["metadata"].get("deletionTimestamp")]
        self.samples.looks += 1
        self.samples.bound.update(map(str, overbooked(nodes, bound)))
        self.samples.sent.update(map(str, overbooked(healthy, waiting)))
        self._weigh()

    def _list(self, plural: str) -> list[Json]:
        return list(self._rest.send("GET", f"/api/v1/{plural}", **_CACHED)["items"])

    def _weigh(self) -> None:
        replica = self._operator()
        if replica is not None and replica.alive:
            size = psutil.Process(replica.process.pid).memory_info().rss
            self.samples.resident.append((time.monotonic() - self._began, size))


def _is_ready(node: Json) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"].get("conditions", ()))
