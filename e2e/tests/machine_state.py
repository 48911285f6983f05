"""What of a cluster with real nodes could be left on a machine: asked of the kernel, not of the tool."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from cluster.paths import Layout
from cluster.real.cgroups import Hierarchies


@dataclass(frozen=True, slots=True)
class MachineState:
    """Everything that a cluster could change outside its folder."""

    interfaces: frozenset[str]
    routes: frozenset[str]
    mounts: frozenset[str]
    namespaces: frozenset[str]
    groups: frozenset[str]
    tables: frozenset[str]

    @classmethod
    def now(cls) -> MachineState:
        """The state of this machine, but for what other clusters of this kind do at the same time."""
        return cls(
            interfaces=_lines("ip", "-oneline", "-brief", "link"),
            routes=_lines("ip", "route", "show", "table", "all"),
            mounts=frozenset(Path("/proc/self/mounts").read_text().splitlines()),
            namespaces=_lines("ip", "netns", "list"),
            groups=frozenset(
                str(path) for mount in Hierarchies.of_this_machine().mounts for path in mount.glob("aif-*")
            ),
            tables=_lines("nft", "list", "tables"),
        )

    def left_since(self, before: MachineState, marks: tuple[str, ...]) -> list[str]:
        """What is there now, was not before, and carries one of the marks of the cluster."""
        added = [
            line
            for field in ("interfaces", "routes", "mounts", "namespaces", "groups", "tables")
            for line in getattr(self, field) - getattr(before, field)
        ]
        return [line for line in added if any(mark in line for mark in marks)]


def processes_of(layout: Layout) -> list[str]:
    """The command lines of processes that were started for this cluster, or hold a file of it open as their root."""
    mark = str(layout.root)
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            groups = (folder / "cgroup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if mark in words or f"/aif-{layout.root.name}-" in groups:
            found.append(words)
    return found


def _lines(*command: str) -> frozenset[str]:
    return frozenset(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines())
