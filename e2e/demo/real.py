"""The demo on real nodes: a server in a real pod, real requests, and a node that is really slowed down."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aif.api.aiservice_status import Placement
from cluster import api
from cluster.api import Cluster
from cluster.choose import Asked
from cluster.errors import ClusterError
from cluster.health import await_fact, last_lines
from cluster.parts import Options
from cluster.paths import Folders
from cluster.process import ProcessIdentity, find, spawn
from cluster.progress import Step, Steps
from cluster.real import monitoring, python_image, requirements
from cluster.real.machine import DEFAULT_NODES
from cluster.real.verbs import RealNodes
from cluster.record import Provider
from demo import breach, manifests
from demo.record import Files, Made, Nodes
from demo.up import CLUSTER, CRDS, NETWORK, OPERATOR, SERVICES, Builder, Standing, known_of, record_of

IMAGE, LOAD, TOLD = (
    Step("Make the image of the server, and load it into the nodes", "15 s"),
    Step("Send requests", "1 s"),
    Step("Count the requests", "10 s"),
)
RATE: Final = 25
"""Requests per second, as the service declares; a stream per second goes beside them."""

SHARE: Final = 0.65
"""What a slowed node leaves its pods of the CPU that they take: requests wait longer and longer for each other."""

_WATCHED_S: Final = 10.0
_PATIENCE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Machines:
    """The real nodes under the load of the demo."""

    real: RealNodes
    files: Files

    def slow_down(self, place: Placement) -> str:
        """Leave the pods of a node less CPU than the requests take."""
        pods = self.real.pods(place.node_name)
        used, begun = pods.cpu_seconds(), time.monotonic()
        time.sleep(_WATCHED_S)
        taken = (pods.cpu_seconds() - used) / (time.monotonic() - begun)
        self.real.slow(place.node_name, taken * SHARE)
        command = f"python -m cluster slow-node {place.node_name} --cpus {taken * SHARE:.2f}"
        return f"the pods of {place.node} take {taken:.2f} CPUs, and get {taken * SHARE:.2f}: {command}"

    def send(self, url: str) -> ProcessIdentity:
        """Send requests from where clients of Services are, until it is ended."""
        words = ["--url", url, "--rate", str(RATE), "--streams", "1", "--clients", "new,keepalive,stream"]
        command = [sys.executable, "-m", "load", *words, "--seconds", "0", "--timeout", "30", "--arrivals", "poisson"]
        path = os.pathsep.join(entry for entry in sys.path if entry)
        return spawn(self.real.command(["env", f"PYTHONPATH={path}", "PYTHONSAFEPATH=1", *command]), self.log)

    @property
    def log(self) -> Path:
        """What the load generator says."""
        return self.files.log_of("load")

    def counted(self) -> str:
        """What it said last of the requests."""
        said = last_lines(self.log, 1) if self.log.exists() else []
        return said[-1].strip() if said else ""


def up(folders: Folders, files: Files, steps: Steps) -> Standing:
    """Bring the demo up on real nodes, or find it up.

    Raises ClusterError: the machine cannot run real nodes, they do not start, or the operator ends or says nothing.
    """
    if (reason := requirements.problem()) is not None:
        raise ClusterError(f"{reason}; without NODES=real the demo runs on simulated nodes")
    known = known_of(files, Nodes.REAL)
    demo, machines = manifests.load_real(), Machines(RealNodes(CLUSTER, folders), files)
    options, wish = Options(real=DEFAULT_NODES), Asked(provider=Provider.EMBEDDED)
    cluster = api.up(CLUSTER, wish=wish, options=options, folders=folders, steps=steps)
    builder = Builder(cluster, record_of(known, cluster, Nodes.REAL), files)
    steps.extend([IMAGE])
    with steps.run(IMAGE.title):
        _load_image(cluster, machines.real, known is None)
    url = monitoring.start(CLUSTER, folders, steps)
    steps.extend([CRDS, OPERATOR, NETWORK, SERVICES, LOAD, *breach.STEPS, TOLD])
    with steps.run(CRDS.title):
        builder.crds(demo)
    with steps.run(OPERATOR.title):
        builder.operator(url)
    builder.network(demo, steps)
    builder.services(demo, steps)
    with steps.run(LOAD.title):
        if builder.record.load is None or find(builder.record.load) is None:
            machines.log.unlink(missing_ok=True)
            builder.remember_load(machines.send(_address(builder)))
    builder.breach(steps, machines.slow_down)
    with steps.run(TOLD.title):
        told = _next_count(machines)
    steps.say(f"      {told}")
    return Standing(cluster, builder.namespace, measured=True, nodes=Nodes.REAL)


def _load_image(cluster: Cluster, real: RealNodes, new: bool) -> None:  # noqa: FBT001 - said by name at the one call
    if new and cluster.state is not None:
        image = cluster.state / "images" / "runtime.tar"
        python_image.write_runtime(image)
        real.load(image)


def _address(builder: Builder) -> str:
    """Where clients reach the service: its ClusterIP."""
    found: list[str] = []

    def fact() -> bool:
        service = builder.objects.get(Made("v1", "Service", breach.MOVED, builder.namespace))
        found[:] = [] if service is None else [f"http://{service['spec']['clusterIP']}:{_port(service)}"]
        return bool(found)

    late = ClusterError(f"Service {breach.MOVED} is not there: see `aif explain {breach.MOVED}`")
    await_fact(fact, lambda: late, _PATIENCE_S)
    return found[0]


def _port(service: manifests.Manifest) -> int:
    port: int = service["spec"]["ports"][0]["port"]
    return port


def _next_count(machines: Machines) -> str:
    """Wait for the next line of the load generator: it tells of all that was sent up to now."""
    before = machines.counted()
    late = ClusterError(f"the load generator says nothing: see {machines.log}")
    await_fact(lambda: machines.counted() != before, lambda: late, _PATIENCE_S)
    return machines.counted()
