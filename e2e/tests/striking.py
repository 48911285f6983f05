"""What may happen to a training job on real nodes: each strike hits once, and returns what it hit."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import garbage_clients
import outages
from documents import ROOT
from learning_place import Place
from rest import eventually, path_of

from cluster import api

STREAM_PORT: Final = 7070
_AWAY_S: Final = 5.0
_PATIENCE_S: Final = 180.0
_SCRIPT: Final = Path(garbage_clients.__file__)


def kill_operator(place: Place) -> str:
    """End the operator hard, and start another one."""
    for replica in place.operators.replicas:
        if replica.alive:
            replica.kill()
    place.revive()
    return place.operators.replicas[-1].identity


def restart_api_server(place: Place) -> str:
    """End the API server hard, and start it again a while later."""
    outages.kill(place.cluster, outages.API_SERVER, place.real.folders)
    time.sleep(_AWAY_S)
    api.up(place.cluster.name, folders=place.real.folders)
    place.revive()
    return outages.API_SERVER


def delete_pods(place: Place, job: str, role: str, count: int = 1) -> str:
    """Delete pods of a role."""
    names = sorted(pod["metadata"]["name"] for pod in place.jobs.pods(job, role))[:count]
    assert len(names) == count, f"{job} has {len(names)} pods {role}, {count} were to be deleted"
    for name in names:
        place.rest.send("DELETE", path_of("pods", name, place.jobs.namespace))
    return ", ".join(names)


def lose_node(place: Place, job: str, role: str, count: int = 0) -> str:
    """Kill a node with pods of a role at once, as a power cut does; one with `count` of them where that is not 0."""
    placements = place.jobs.get(job)["status"]["placements"]
    nodes = [each["node"] for each in placements if each["role"] == role and count in (0, each["pods"])]
    assert nodes, f"{job} has no node with {count} pods {role}: {placements}"
    place.real.kill(nodes[-1])
    return str(nodes[-1])


@contextmanager
def garbage(place: Place, job: str) -> Iterator[None]:
    """Have clients send what no model can use, while the block runs; the job must be one without TLS."""
    service = place.rest.get("services", f"{job}-aggregator", place.jobs.namespace)
    assert service is not None
    address = f"{service['spec']['clusterIP']}:{STREAM_PORT}"
    process = subprocess.Popen(
        place.real.command([sys.executable, str(_SCRIPT), address, job]),
        stdout=subprocess.DEVNULL,  # what became of them stands in the status
        env=os.environ | {"PYTHONPATH": str(ROOT / "operator"), "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1"},
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def send_garbage(place: Place, job: str) -> str:
    """Have clients send what no model can use until the status names each of them; return what it says."""

    def named() -> dict[str, str]:
        place.revive()
        told = place.jobs.get(job)["status"].get("progress", {}).get("clients", [])
        found = {row["name"]: row["message"] for row in told if row["state"] == "Excluded"}
        missing = garbage_clients.KINDS.keys() - found.keys()
        assert not missing, f"not excluded: {', '.join(missing)}; told: {told}"
        return found

    with garbage(place, job):
        found = eventually(named, f"all clients that send garbage to {job} are named in its status", _PATIENCE_S)
    return "; ".join(f"{name}: {why}" for name, why in sorted(found.items()))
