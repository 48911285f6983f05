"""A cluster in containers by kind, with the same simulated nodes: kwok runs beside it as a process."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from cluster import ports, record
from cluster.build import ensure
from cluster.errors import ClusterError
from cluster.locks import exclusive
from cluster.parts import Options, kwok
from cluster.paths import KIND_CONFIG, Folders, Layout
from cluster.process import run
from cluster.progress import Step, Steps
from cluster.record import ClusterRecord, Provider
from cluster.supervise import remove_data, start_parts, stop_parts
from cluster.tools import kwok as kwok_family

_CREATE = "Create the kind cluster"


def is_present(search_path: str | None = None) -> bool:
    """Whether kind is installed and a Docker engine answers; the client alone is not enough."""
    docker, kind = (shutil.which(program, path=search_path) for program in ("docker", "kind"))
    return docker is not None and kind is not None and run([docker, "info"], env=os.environ).code == 0


def start(name: str, options: Options, folders: Folders, steps: Steps) -> ClusterRecord:
    """Create the cluster where it does not exist, and start kwok; the caller holds its lock.

    ClusterError where a kind cluster of this name was made by somebody else.
    """
    layout = folders.layout(name)
    known = record.load(layout)
    exists = name in run(["kind", "get", "clusters"]).output.split()
    if known is None and exists:
        raise ClusterError(f"kind already has a cluster {name!r} that was not started from here: choose another --name")
    if known is None:
        known = _reserve(name, options, folders)
    if not exists:
        steps.extend([Step(_CREATE, usually="1 to 3 min")])
        with steps.run(_CREATE):
            _create(name, layout)
    family = kwok_family()
    binaries = ensure([family], folders, steps)
    part = kwok(binaries, layout.kubeconfig, known.ports, known.options)
    return start_parts(known, [part], {"kwok": family.version}, layout, steps)


def finish(known: ClusterRecord, layout: Layout) -> None:
    """Stop kwok, delete the kind cluster, remove the data; the logs stay."""
    stop_parts(known.parts)
    outcome = run(["kind", "delete", "cluster", "--name", known.name, "--kubeconfig", layout.kubeconfig])
    if outcome.code != 0:
        raise ClusterError(f"kind could not delete {known.name!r}: {_last(outcome.errors)}")
    remove_data(layout)


def _reserve(name: str, options: Options, folders: Folders) -> ClusterRecord:
    shutil.rmtree(folders.layout(name).root, ignore_errors=True)
    kubectl = Path(shutil.which("kubectl") or "kubectl")
    with exclusive(folders.ports_lock):
        chosen = ports.choose(["kwok"], record.taken_ports(folders))
        fresh = ClusterRecord(name, Provider.KIND, options, chosen, kubectl, context=f"kind-{name}")
        record.save(folders.layout(name), fresh)
    return fresh


def _create(name: str, layout: Layout) -> None:
    command = ["kind", "create", "cluster", "--name", name, "--config", str(KIND_CONFIG), "--wait", "180s"]
    outcome = run([*command, "--kubeconfig", layout.kubeconfig])
    if outcome.code != 0:
        run(["kind", "delete", "cluster", "--name", name, "--kubeconfig", layout.kubeconfig])
        remove_data(layout)
        reason = _last(outcome.errors)
        raise ClusterError(
            f"kind could not create the cluster ({reason}): try --provider embedded, which needs no Docker"
        )


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["no output"])[-1]
