"""Three real nodes with the image of the inference server, and the operator beside them."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import network
import operator_account
from kubectl import Kubectl
from operator_process import Operators, Replica
from rest import Rest

from cluster import api
from cluster.api import Cluster
from cluster.choose import Asked
from cluster.errors import ClusterError
from cluster.parts import Options
from cluster.paths import Folders
from cluster.progress import Steps
from cluster.real import python_image, requirements
from cluster.real.machine import TIER_LABEL, RealNode
from cluster.real.verbs import RealNodes
from cluster.record import Provider

NODES: Final = tuple(
    RealNode(name, {TIER_LABEL: tier}, cpus=1.5)
    for name, tier in (("ran-1", "RAN"), ("edge-1", "Edge"), ("core-1", "Core"))
)
ROUND_TRIPS: Final = {"ran-1": 800, "edge-1": 2_000, "core-1": 4_000}
"""Microseconds between users and node, as its operator declares them."""


@dataclass(frozen=True, slots=True)
class Testbed:
    """A running cluster, and access to all of it."""

    cluster: Cluster
    real: RealNodes
    kubectl: Kubectl
    rest: Rest
    operators: Operators
    folders: Folders

    @property
    def names(self) -> list[str]:
        """The nodes by name."""
        return [node.name for node in NODES]

    def add_namespace(self, name: str) -> None:
        """Create a namespace, after removing one of that name."""
        self.kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=true")
        self.kubectl("create", "namespace", name)

    def require_operator(self) -> None:
        """Raise ClusterError with its last words where the operator has ended: nobody starts it again here."""
        last = self.operators.replicas[-1]
        if not last.alive:
            raise ClusterError(f"the operator ended with {last.process.returncode}:\n{last.tail()}")

    @contextlib.contextmanager
    def operator(self, **settings: str) -> Iterator[Replica]:
        """Run the operator with these variables."""
        replica = self.operators.start_leading(**settings)
        try:
            yield replica
        finally:
            replica.end()


def leave_out_where_unfit() -> None:
    """End the program with 0 and the reason where this machine cannot run real nodes."""
    if (reason := requirements.problem()) is not None:
        print(f"left out: {reason}")
        raise SystemExit(0)


@contextlib.contextmanager
def testbed(name: str, steps: Steps) -> Iterator[Testbed]:
    """Yield a testbed; a cluster of this name that runs already is used and left running, another ends with this."""
    folders = Folders.of(os.environ)
    found = api.find(name, folders=folders)
    running = found is not None and api.runs(found)
    cluster = api.up(
        name, wish=Asked(provider=Provider.EMBEDDED), options=Options(real=NODES), folders=folders, steps=steps
    )
    try:
        with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
            kubectl, rest = Kubectl(cluster), Rest.to(cluster)
            here = Testbed(cluster, RealNodes(name, folders), kubectl, rest, Operators(kubectl, Path(folder)), folders)
            _furnish(here, steps)
            try:
                yield here
            finally:
                here.operators.end_all()
    finally:
        if not running:
            api.down(name, folders=folders)


def _furnish(here: Testbed, steps: Steps) -> None:
    image = here.folders.layout(here.cluster.name).root / "images" / "runtime.tar"
    with steps.run("Make the image of the server"):
        python_image.write_runtime(image)
    with steps.run("Load it into the nodes"):
        here.real.load(image)
    operator_account.install_kinds(here.kubectl)
    operator_account.install(here.kubectl)
    for node in NODES:
        tier = node.labels[TIER_LABEL]
        here.rest.apply("computenodes", network.a_compute_node(node.name, tier=tier, round_trip=ROUND_TRIPS[node.name]))
