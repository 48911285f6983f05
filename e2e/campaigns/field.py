"""The cluster of a campaign, with its nodes and ComputeNodes, and the operator beside it under its own account."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import operator_account
from kubectl import Kubectl
from operator_process import Operators
from rest import Json, Rest, eventually, path_of

from campaigns.drawing import NAMESPACES, Place
from cluster import api, nodes
from cluster.api import Cluster
from cluster.choose import Asked
from cluster.parts import Options
from cluster.progress import Steps
from cluster.record import Provider

Item = TypeVar("Item")

_AT_ONCE: Final = 8
_CLEAN_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Field:
    """Where a campaign takes place."""

    cluster: Cluster
    rest: Rest
    operators: Operators
    places: Sequence[Place]

    def build(self) -> None:
        """Create nodes, ComputeNodes and namespaces."""
        nodes.create(self.cluster, [place.node for place in self.places])
        each(self.places, lambda place: self.rest.apply("computenodes", place.compute_node))
        for name in NAMESPACES:
            self.rest.apply("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def clear(self) -> None:
        """Remove all services and wait until nothing of them is left; bring back every node."""
        for name in NAMESPACES:
            self.rest.send("DELETE", path_of("aiservices", "", name))
        nodes.create(self.cluster, [place.node for place in self.places])
        for place in self.places:
            nodes.resume_heartbeat(self.cluster, place.name)
        eventually(lambda: not self.rest.list("pods"), "no pod is left", _CLEAN_S)
        nodes.await_ready(self.cluster, [place.name for place in self.places])

    def apply(self, service: tuple[str, Json]) -> None:
        """Apply an AIService, given with its namespace."""
        self.rest.apply("aiservices", service[1], service[0])


def each(items: Iterable[Item], action: Callable[[Item], object]) -> None:
    """Do something for each item, some of them at a time."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(action, items))


@contextmanager
def field(name: str, places: Sequence[Place], node_grace_s: int, steps: Steps) -> Iterator[Field]:
    """Yield a field on a cluster of its own, which ends with the campaign."""
    with steps.run("Start the cluster"):
        cluster = api.up(name, wish=Asked(provider=Provider.EMBEDDED), options=Options(node_grace_s=node_grace_s))
    try:
        with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
            kubectl = Kubectl(cluster)
            operator_account.install_kinds(kubectl)
            operator_account.install(kubectl)
            here = Field(cluster, Rest.to(cluster), Operators(kubectl, Path(folder)), places)
            with steps.run(f"Create {len(places)} nodes"):
                here.build()
            try:
                yield here
            finally:
                here.operators.end_all()
    finally:
        api.down(name)
