"""Starting the parts of a cluster that do not run, and stopping them in the reverse order."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from cluster import health, record
from cluster.parts import Part
from cluster.paths import Layout
from cluster.process import find, spawn, stop
from cluster.progress import Step, Steps
from cluster.record import ClusterRecord, PartRecord

_READY_PATIENCE_S = 120.0
_STOP_PATIENCE_S = 20.0
_ANSWER = "Wait until the cluster answers"


def start_parts(
    known: ClusterRecord, parts: Sequence[Part], versions: Mapping[str, str], layout: Layout, steps: Steps
) -> ClusterRecord:
    """Start those of `parts` that do not run and wait until the cluster answers.

    What this call started is stopped again where it fails; PartDied names the part that did not come up.
    """
    with _undone_on_failure() as begun:
        known = _spawn_missing(known, parts, versions, layout, steps, begun)
        steps.extend([Step(_ANSWER)])
        with steps.run(_ANSWER):
            _await_answer(known, parts, layout)
    return known


def spawn_missing(
    known: ClusterRecord, parts: Sequence[Part], versions: Mapping[str, str], layout: Layout, steps: Steps
) -> ClusterRecord:
    """Start those of `parts` that do not run, and wait for the gates among them only.

    What this call started is stopped again where it fails; PartDied names the part that did not come up.
    """
    with _undone_on_failure() as begun:
        return _spawn_missing(known, parts, versions, layout, steps, begun)


def _spawn_missing(
    known: ClusterRecord,
    parts: Sequence[Part],
    versions: Mapping[str, str],
    layout: Layout,
    steps: Steps,
    begun: list[PartRecord],
) -> ClusterRecord:
    missing = [part for part in parts if not runs(known, part.name)]
    for notice in _revive_notice(known, missing, layout):
        steps.say(notice)
    steps.extend([Step(f"Start {part.name}") for part in missing])
    for part in missing:
        with steps.run(f"Start {part.name}"):
            started = PartRecord(part.name, versions[part.name], spawn(part.argv, layout.log(part.name)), part.health)
            begun.append(started)
            known = known.with_part(started)
            record.save(layout, known)
            if part.gate:
                health.await_ready([started], layout, _READY_PATIENCE_S)
    return known


def _await_answer(known: ClusterRecord, parts: Sequence[Part], layout: Layout) -> None:
    names = {part.name for part in parts}
    health.await_ready([part for part in known.parts if part.name in names], layout, _READY_PATIENCE_S)
    apiserver = known.part("kube-apiserver")
    if apiserver is not None and apiserver.health is not None:
        health.await_default_account(apiserver.health, layout, _READY_PATIENCE_S)


def runs(known: ClusterRecord, name: str) -> bool:
    """Whether the recorded part of this name is alive."""
    part = known.part(name)
    return part is not None and find(part.identity) is not None


def _revive_notice(known: ClusterRecord, missing: Sequence[Part], layout: Layout) -> list[str]:
    """What to tell of parts that ran before."""
    return [
        f"{part.name} had ended and is started again; its log: {layout.log(part.name)}"
        for part in missing
        if known.part(part.name) is not None
    ]


@contextmanager
def _undone_on_failure() -> Iterator[list[PartRecord]]:
    begun: list[PartRecord] = []
    try:
        yield begun
    except BaseException:
        stop_parts(begun)
        raise


def stop_parts(parts: Sequence[PartRecord]) -> None:
    """End parts in the reverse order of their start: the clients together, then the API server, then etcd."""
    servers = [part for name in ("kube-apiserver", "etcd") for part in parts if part.name == name]
    clients = [part for part in parts if part not in servers]
    stop([part.identity for part in clients], _STOP_PATIENCE_S)
    for server in servers:
        stop([server.identity], _STOP_PATIENCE_S)


def remove_data(layout: Layout) -> None:
    """Remove what a stopped cluster leaves behind, but for its logs: they stay until the next `up` of its name."""
    for path in layout.root.iterdir():
        if path.is_dir() and path != layout.logs:
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()
