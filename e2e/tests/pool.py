"""Nodes of one test's own, that it may break: a pool by label, with a ComputeNode for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from campaigns.booking import Overbooking, overbooked
from network import GPU, a_compute_node, a_service, accelerated
from rest import Json, Rest, eventually

from cluster import nodes
from cluster.api import Cluster
from cluster.nodes import SimulatedNode

POOL: Final = "pool"


@dataclass(frozen=True, slots=True)
class Pool:
    """Some nodes, and services that may only run there."""

    cluster: Cluster
    rest: Rest
    name: str
    size: int
    gpus: int

    @property
    def nodes(self) -> list[str]:
        """The names of the nodes."""
        return [f"{self.name}-{number}" for number in range(1, self.size + 1)]

    def build(self) -> None:
        """Create the nodes, each of which a ComputeNode of tier Edge speaks for."""
        self.create(self.nodes)
        for name in self.nodes:
            self.rest.apply("computenodes", a_compute_node(name, gpus=self.gpus))

    def create(self, names: Sequence[str]) -> None:
        """Create nodes of the pool and wait until they are Ready."""
        resources = {GPU: str(self.gpus)} if self.gpus else {}
        nodes.create(self.cluster, [SimulatedNode(name, {POOL: self.name}, resources=resources) for name in names])

    def await_seen(self) -> None:
        """Wait until the operator has judged every ComputeNode as it is now: a decision before that sees a part."""
        for name in self.nodes:
            eventually(lambda name=name: self._is_seen(name), f"the operator takes {name}")  # type: ignore[misc]

    def _is_seen(self, name: str) -> bool:
        found = self.rest.get("computenodes", name) or {}
        status = found.get("status", {})
        ready = [each["status"] for each in status.get("conditions", []) if each["type"] == "Ready"]
        return ready == ["True"] and status["observedGeneration"] == found["metadata"]["generation"]

    def raze(self) -> None:
        """Remove the nodes and their ComputeNodes."""
        for name in self.nodes:
            self.rest.delete("computenodes", name)
        nodes.delete(self.cluster, self.nodes)

    def service(self, name: str, **spec: Any) -> Json:
        """Return a service that takes one accelerator of the pool."""
        return self.plain(name, variants=accelerated(), **spec)

    def plain(self, name: str, **spec: Any) -> Json:
        """Return a service that takes a little CPU of the pool."""
        return a_service(name, placement={"nodeSelector": {POOL: self.name}}, **spec)

    def set_gpus(self, node: str, gpus: int) -> None:
        """Change how many accelerators a node offers."""
        nodes.set_resources(self.cluster, node, {GPU: str(gpus)})

    def cordon(self, node: str, *, cordoned: bool = True) -> None:
        """Cordon a node, or make it schedulable again."""
        self.rest.patch("nodes", node, {"spec": {"unschedulable": cordoned or None}})

    def taint(self, node: str, *taints: Json) -> None:
        """Give a node just these taints."""
        self.rest.patch("nodes", node, {"spec": {"taints": list(taints)}})

    def overbooked(self) -> list[Overbooking]:
        """Return what is overbooked in the whole cluster."""
        return overbooked(self.rest.list("nodes"), self.rest.list("pods"))
