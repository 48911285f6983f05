"""How a cluster is: its parts, where they listen, what they weigh; as a value, then as a table, JSON or YAML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil
import yaml
from pydantic import TypeAdapter
from rich.table import Table

from cluster.api import Cluster
from cluster.health import PartState, last_lines, state
from cluster.paths import Layout
from cluster.process import find
from cluster.record import PartRecord, Provider

_STYLES = {PartState.READY: "green", PartState.NOT_READY: "yellow", PartState.DEAD: "red"}


class Phase(StrEnum):
    """How a cluster is as a whole."""

    READY = "Ready"
    DEGRADED = "Degraded"
    STOPPED = "Stopped"


@dataclass(frozen=True, slots=True)
class PartStatus:
    """One part now; `memory_mib` is the resident memory of a live one."""

    name: str
    state: PartState
    version: str
    pid: int
    port: int | None
    memory_mib: int | None
    log: Path


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """A cluster now."""

    name: str
    provider: Provider
    phase: Phase
    kubeconfig: str | None
    kubectl: Path | None
    audit_log: Path | None
    parts: tuple[PartStatus, ...]


def inspect(cluster: Cluster) -> ClusterStatus:
    """The state of every part that `up` started."""
    parts = () if cluster.state is None else tuple(_part(part, Layout(cluster.state)) for part in cluster.parts)
    return ClusterStatus(
        name=cluster.name,
        provider=cluster.provider,
        phase=phase([part.state for part in parts]),
        kubeconfig=cluster.kubeconfig,
        kubectl=cluster.kubectl,
        audit_log=cluster.audit_log,
        parts=parts,
    )


def phase(states: Sequence[PartState]) -> Phase:
    """Ready where all parts are, Stopped where none lives, else Degraded."""
    if states and all(one is PartState.READY for one in states):
        return Phase.READY
    return Phase.STOPPED if all(one is PartState.DEAD for one in states) else Phase.DEGRADED


def _part(part: PartRecord, layout: Layout) -> PartStatus:
    return PartStatus(
        name=part.name,
        state=state(part, layout),
        version=part.version,
        pid=part.identity.pid,
        port=part.health.port if part.health else None,
        memory_mib=_memory(part),
        log=layout.log(part.name),
    )


def _memory(part: PartRecord) -> int | None:
    process = find(part.identity)
    try:
        # The parts of a real node run below the process that took them into its namespaces.
        family = [] if process is None else [process, *process.children()]
        return round(sum(one.memory_info().rss for one in family) / 2**20) if family else None
    except psutil.NoSuchProcess:
        return None


def complaints(status: ClusterStatus) -> list[str]:
    """For each dead part its last log lines and where the rest is; for those that are not ready where none is dead."""
    dead = [part for part in status.parts if part.state is PartState.DEAD]
    unready = [part for part in status.parts if part.state is PartState.NOT_READY]
    return [_complaint(part) for part in dead or unready]


def _complaint(part: PartStatus) -> str:
    lines = "\n".join(f"    {line}" for line in last_lines(part.log)) or "    (the log is empty)"
    return f"{part.name} is {part.state}; its last log lines:\n{lines}\n  whole log: {part.log}"


_STATUS = TypeAdapter(ClusterStatus)


def as_json(status: ClusterStatus) -> str:
    """The status as a JSON document."""
    return _STATUS.dump_json(status, indent=2).decode()


def as_yaml(status: ClusterStatus) -> str:
    """The status as a YAML document."""
    return yaml.safe_dump(_STATUS.dump_python(status, mode="json"), sort_keys=False).rstrip()


def as_table(status: ClusterStatus) -> Table:
    """A row per part."""
    table = Table("PART", "STATE", "VERSION", "PID", "PORT", "MEMORY", box=None, pad_edge=False, header_style="bold")
    for part in status.parts:
        memory = "-" if part.memory_mib is None else f"{part.memory_mib} MiB"
        port = "-" if part.port is None else str(part.port)
        shown = f"[{_STYLES[part.state]}]{part.state}"
        table.add_row(part.name, shown, part.version, str(part.pid), port, memory)
    return table


def files(status: ClusterStatus) -> list[tuple[str, str]]:
    """What a user may want to open, as (what, where)."""
    named = (("kubeconfig", status.kubeconfig), ("kubectl", status.kubectl), ("audit log", status.audit_log))
    return [(what, str(where)) for what, where in named if where is not None]
