"""Thousands of services on many nodes as the operator sees them, and a source that answers about all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.domain.cluster import Node, Pod
from aif.domain.policy import Policy
from aif.gateways.prometheus.source import Series
from aif.handlers.world import World
from aif.scheduling.ledger import Claim

NOW: Final = datetime(2030, 1, 1, tzinfo=UTC)
PENDING_SECONDS: Final = 50
BOUNDS: Final = ("0.005", "0.01", "0.019", "0.02", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "+Inf")


def a_service(number: int, *, pending: bool) -> AIService:
    """Return a placed service with a latency and an availability to keep."""
    name, node = f"service-{number:05d}", f"node-{number % 1000:04d}"
    since = (NOW - timedelta(seconds=PENDING_SECONDS)).strftime("%Y-%m-%dT%H:%M:%SZ")
    alarm = {"verdict": "Breached", "alarm": "Pending", "alarmSince": since} if pending else {}
    return AIService.model_validate(
        {
            "metadata": {"name": name, "namespace": f"team-{number % 100}", "uid": f"uid-{number}", "generation": 1},
            "spec": {
                "serviceType": "Inference",
                "model": {
                    "name": "m",
                    "flopsPerRequest": "1G",
                    "cuts": [{"name": "Input", "ueFlops": 0, "dataBits": "1M"}],
                },
                "load": {"requestsPerSecond": 10},
                "qos": {"latency": {"maxP99Microseconds": 20_000}, "availability": {"minPpm": 990_000}},
                "workload": {"image": "i", "replicas": 1, "resources": {"cpu": 1, "memory": "1Gi"}},
                "variants": [{"name": "cpu"}],
            },
            "status": {
                "placements": [
                    {
                        "node": node,
                        "nodeName": node,
                        "tier": "Edge",
                        "variant": "cpu",
                        "replicas": 1,
                        "score": 50,
                        "copy": f"copy-{number}",
                        "predictedNetworkMicroseconds": 1000,
                    }
                ],
                "qos": [{"dimension": "latency", "target": 20_000, **alarm}],
            },
        }
    )


def a_node(number: int) -> ComputeNode:
    """Return a ComputeNode with 64 cores."""
    name = f"node-{number:04d}"
    cpu = {
        "name": "cpu",
        "type": "cpu",
        "count": 64,
        "memoryBandwidthBytesPerSecond": "200G",
        "peakFlops": [{"precision": "FP32", "flopsPerSecond": "4T"}],
        "power": {"idleWatts": 50, "maxWatts": 200},
    }
    spec = {"tier": "Edge", "origin": "InNetwork", "nodeName": name, "capability": {"devices": [cpu]}}
    return ComputeNode.model_validate({"metadata": {"name": name, "uid": name, "generation": 1}, "spec": spec})


class Answers:
    """Answers every query about all services, pods or nodes at once, from memory."""

    def __init__(self, services: Sequence[AIService], nodes: Sequence[ComputeNode], seconds: float) -> None:
        metas = [service.metadata for service in services]
        copies = [service.status.placements[0].copy_id for service in services]
        self._who = [{"namespace": m.namespace, "aiservice": m.name} for m in metas]
        self._copies = [{**who, "copy": copy} for who, copy in zip(self._who, copies, strict=True)]
        self._pods = [{"namespace": m.namespace, "pod": f"{m.name}-0"} for m in metas]
        self._nodes = [{"node": node.metadata.name} for node in nodes]
        self._seconds = seconds
        self._known: dict[str, tuple[Series, ...]] = {}

    async def query(self, expression: str, at: float) -> Sequence[Series]:
        """Return a row for each of those that the query groups by; an answer is made once."""
        await asyncio.sleep(0)
        if expression not in self._known:
            self._known[expression] = tuple(self._rows(expression, at))
        return self._known[expression]

    def _rows(self, expression: str, at: float) -> list[Series]:
        if "(namespace, aiservice, le) (aif" in expression and "histogram_quantile" not in expression:
            return [Series({**who, "le": bound}, 1.0) for who in self._who for bound in BOUNDS]
        labels = self._pods if "(namespace, pod)" in expression else self._nodes
        if "aiservice, copy" in expression:
            labels = self._copies
        elif "aiservice" in expression:
            labels = self._who
        value = at - 5.0 if "timestamp(" in expression else self._value(expression)
        return [Series(each, value) for each in labels]

    def _value(self, expression: str) -> float:
        if "histogram_quantile" in expression:
            return self._seconds
        if expression.startswith("1 - "):
            return 0.999
        return 1000.0 if expression.startswith("sum by (namespace, aiservice) (increase(aif_request_seconds_c") else 0.5


def a_world(services: Sequence[AIService], nodes: Sequence[ComputeNode]) -> World:
    """Return a world that sees all of them, with a pod and a claim each."""
    world = World(Policy(), asyncio.get_running_loop().time)
    for node in nodes:
        name = node.metadata.name
        world.nodes.put(("", name), Node(name, ready="True", allocatable={"cpu": 64.0, "memory": 2.0**38}))
        world.compute_nodes.put(("", name), node)
    for service in services:
        meta, place = service.metadata, service.status.placements[0]
        world.services.put((meta.namespace, meta.name), service)
        pod = Pod(meta.namespace, f"{meta.name}-0", f"pod-{meta.uid}", place.node_name, service=meta.name)
        world.pods.put((pod.namespace, pod.name), pod)
        world.ledger.restore(Claim(meta.uid, meta.namespace, meta.name, place.node, place.node_name, {"cpu": 1.0}))
    return world
