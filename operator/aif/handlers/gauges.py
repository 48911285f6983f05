"""Shows how much of each promise is used up and how busy each node is, for dashboards; what is gone is not shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import isfinite

import numpy as np
from prometheus_client import Gauge

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.contract.limits import Limits
from aif.contract.telemetry import NodeReading
from aif.contract.watch import Judged
from aif.gateways.exposition import Exposition
from aif.handlers.usage import MOST_SERVICES

Labels = tuple[str, ...]


class Gauges:
    """Gauges with a label per object; at most so many services as usage is counted for."""

    def __init__(self, metrics: Exposition) -> None:
        self._metrics = metrics
        self._shown: dict[Gauge, set[Labels]] = {}

    def contracts(self, services: Iterable[AIService], judged: Callable[[str], Iterable[Judged] | None]) -> None:
        """Show the load of each promise that is known: 1 on its target, more beyond it."""
        rows = [(service.metadata, each) for service in services for each in judged(service.metadata.uid) or ()]
        known = [(meta, each) for meta, each in rows if each.value is not None]
        values = np.array([each.value for _, each in known], dtype=np.float64)
        loads = Limits.of([each.limit for _, each in known]).load(values)
        told = {
            (meta.namespace, meta.name, each.dimension): float(load)
            for (meta, each), load in zip(known, loads, strict=True)
        }
        self._show(self._metrics.contract_load, dict(list(told.items())[:MOST_SERVICES]))

    def nodes(self, nodes: Iterable[ComputeNode], reading: Callable[[str], NodeReading | None]) -> None:
        """Show the use of the busiest device of each node that is known."""
        self._show(self._metrics.node_load, {(name,): load for name, load in _loads(nodes, reading) if isfinite(load)})

    def _show(self, gauge: Gauge, told: dict[Labels, float]) -> None:
        for labels in self._shown.get(gauge, set()) - told.keys():
            gauge.remove(*labels)
        for labels, value in told.items():
            gauge.labels(*labels).set(value)
        self._shown[gauge] = set(told)


def _loads(nodes: Iterable[ComputeNode], reading: Callable[[str], NodeReading | None]) -> Iterator[tuple[str, float]]:
    for node in nodes:
        found = reading(node.metadata.name)
        if found is not None:
            yield node.metadata.name, found.load
