"""One service in one variant, against all nodes at once: what filters and scores look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from aif.api.aiservice import AIService
from aif.api.computenode import CPU
from aif.api.qos import LatencyIndicator
from aif.api.workload import Variant
from aif.domain.policy import Policy
from aif.planning.arrays import FloatArray, IntArray
from aif.planning.demands import Demand, translate
from aif.planning.kpi.request import Prediction, Servers, predict
from aif.planning.paths import Links
from aif.planning.roofline import attainable, intensity
from aif.scheduling.node_table import NodeTable


class FreeRates(NamedTuple):
    """What other services leave of the users' paths, bit/s."""

    up: FloatArray
    down: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """One service in one variant, against every node of the table.

    Attributes:
        service: What is asked for.
        variant: The way it would run.
        demand: Resource demands that follow.
        table: The nodes, a row each.
        policy: What the administrator configured.
        links: Paths from the users to each node.
        servers: What computes a request on each node.
        prediction: What a request meets with on each node.
        node_rate: Rate that all devices of the demanded type attain on this work together, FLOP/s.
    """

    service: AIService
    variant: Variant
    demand: Demand
    table: NodeTable
    policy: Policy
    links: Links
    servers: Servers
    prediction: Prediction
    node_rate: FloatArray

    @classmethod
    def of(
        cls, service: AIService, variant: Variant, table: NodeTable, policy: Policy, replicas: int | None = None
    ) -> Self:
        """Return the problem with all that follows from its parts; of so many replicas and their share of the load."""
        latency, whole = service.spec.qos.latency, translate(service, variant)
        demand, links = whole if replicas is None else whole.share(replicas), table.network.links(service.spec.ue)
        servers = table.servers(demand)
        indicator = LatencyIndicator.REQUEST if latency is None else latency.indicator
        prediction = predict(demand, indicator, servers, links, table.carbon)
        device = table.device(demand.device)
        units = 1.0 if demand.device == CPU else device.count
        node_rate = units * attainable(device.peak[demand.precision], device.bandwidth, intensity(demand.request))
        return cls(service, variant, demand, table, policy, links, servers, prediction, node_rate)

    @property
    def free_rates(self) -> FreeRates:
        """Return the rates of each path, less what claims hold on its first hop."""
        links, access, room = self.links, self.table.network.links(None), self.table.room
        if links is access:
            return FreeRates(links.up - room.up_held, links.down - room.down_held)
        shared = links.site >= 0
        up = np.where(shared, (access.up - room.up_held)[links.site], np.inf)
        down = np.where(shared, (access.down - room.down_held)[links.site], np.inf)
        return FreeRates(np.minimum(links.up, up), np.minimum(links.down, down))

    @property
    def devices_taken(self) -> FloatArray:
        """Return how many devices the service would take; of the CPU, the share that its cores are."""
        demand = self.demand
        if demand.device != CPU:
            return np.full(len(self.table), float(demand.devices * demand.replicas))
        return np.asarray(demand.replicas * demand.cores / self.table.device(CPU).count)

    def accelerators(self, rows: IntArray) -> list[str]:
        """Return the types of accelerators that one of ``rows`` has."""
        allocatable = self.table.room.allocatable
        return sorted(name for name in allocatable if "/" in name and allocatable[name].take(rows).any())

    def free_after(self, resource: str, rows: IntArray) -> FloatArray:
        """Return the share of ``resource`` that stays free on each of ``rows`` once the service is there, 0..1."""
        room = self.table.room
        allocatable = room.allocatable_of(resource).take(rows)
        left = room.free_of(resource).take(rows) - self.demand.amount(resource)
        share = left / allocatable if allocatable.min(initial=np.inf) > 0.0 else _ratio(left, allocatable)
        return np.minimum(np.maximum(share, 0.0), 1.0)

    @property
    def missing(self) -> str:
        """Return which figure of the service, or else of a node, keeps its compute time from being predicted."""
        untold = {
            "spec.model.flopsPerRequest is not set": np.isnan(self.demand.request.flops),
            "spec.load.requestsPerSecond is not set": np.isnan(self.demand.requests_per_second),
            "spec.model.cuts has no cut named Input": np.isnan(self.demand.up_bits),
            "resources.cpu of the workload is not set": self.demand.device == CPU and np.isnan(self.demand.cores),
        }
        from_node = (
            f"peak rate at {self.demand.precision}, memory bandwidth or power of {self.demand.device} not declared"
        )
        return next((reason for reason, holds in untold.items() if holds), from_node)


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Return ``part`` over ``whole``, 0 where there is nothing to have a part of."""
    return np.asarray(part / np.where(whole > 0.0, whole, np.inf))
