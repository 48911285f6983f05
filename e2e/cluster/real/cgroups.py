"""The control groups of a cluster: which processes are its own, how much CPU they get, whether they stand still.

All processes of a cluster are in groups below one of a name of its own, also those that `up` had no time to record:
so `down` finds them. Versions 1 (with the hierarchies mounted apart) and 2 are supported.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cluster.errors import ClusterError

_MOUNTS = Path("/proc/self/mounts")
_PERIOD_US = 100_000
_UNIFIED = 2
_PAUSE_S = 0.05
_V2_CONTROLLERS = ("cpu", "cpuset", "io", "memory", "pids")
_ENTER = 'for file in {files}; do echo $$ >"$file" || exit 1; done; exec "$@"'


@dataclass(frozen=True, slots=True)
class Hierarchies:
    """Where groups are made: the one mount of version 2, or those of version 1, by their folder's name."""

    version: int
    mounts: tuple[Path, ...]

    @classmethod
    def of_this_machine(cls) -> Hierarchies:
        """The mounted hierarchies; ClusterError where none can be used."""
        mounts = [line.split() for line in _MOUNTS.read_text().splitlines()]
        first = tuple(Path(path) for _, path, kind, *_ in mounts if kind == "cgroup")
        second = tuple(Path(path) for _, path, kind, *_ in mounts if kind == "cgroup2")
        if any(path.name == "freezer" for path in first):
            # Where both are mounted, container runtimes make their groups in version 2 too.
            return cls(1, first + second)
        if not first and second:
            return cls(2, second[:1])
        raise ClusterError("real nodes need control groups: neither version 2 nor the freezer of version 1 is mounted")

    @property
    def unified(self) -> bool:
        """Whether this is version 2."""
        return self.version == _UNIFIED

    @property
    def members(self) -> Path:
        """The hierarchy that tells which processes belong to a group."""
        return self.mounts[0] if self.unified else self.controller("freezer")

    def controller(self, name: str) -> Path:
        """The hierarchy of a controller; ClusterError where it is not mounted."""
        if self.unified:
            return self.mounts[0]
        found = next((path for path in self.mounts if name in path.name.split(",")), None)
        if found is None:
            raise ClusterError(f"real nodes need the control group hierarchy {name!r}: mount it below /sys/fs/cgroup")
        return found


@dataclass(frozen=True, slots=True)
class Group:
    """A control group by its path below the root of every hierarchy, such as `aif-e2e-1a2b3c4d/edge-1`."""

    tree: Hierarchies
    path: str

    def below(self, name: str) -> Group:
        """The group `name` in this one."""
        return Group(self.tree, f"{self.path}/{name}")

    def create(self) -> None:
        """Make the group and those above it, in every hierarchy."""
        for mount in self.tree.mounts:
            folder = mount
            for name in self.path.split("/"):
                if self.tree.unified:
                    _hand_down(folder)
                above, folder = folder, folder / name
                folder.mkdir(exist_ok=True)
                if not self.tree.unified:
                    _inherit_cpuset(above, folder)

    def enter(self, argv: Sequence[str]) -> tuple[str, ...]:
        """A command that first moves itself into the group, so that nothing of it ever runs outside."""
        script = _ENTER.format(files=f"'{self.tree.members / self.path / 'cgroup.procs'}'")
        return ("/bin/sh", "-c", script, "sh", *argv)

    def pids(self) -> list[int]:
        """The processes of the group and of all groups below."""
        found: list[int] = []
        for folder in _tree(self.tree.members / self.path):
            with suppress(OSError):
                found += map(int, (folder / "cgroup.procs").read_text().split())
        return found

    def kill(self, patience_s: float = 30.0) -> None:
        """End every process of the group at once, frozen or not, and wait until all are gone."""
        deadline = time.monotonic() + patience_s
        while left := self.pids():
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.freeze(frozen=False)
            if time.monotonic() > deadline:
                raise ClusterError(f"processes of {self.path} do not end: {', '.join(map(str, left))}")
            time.sleep(_PAUSE_S)

    def freeze(self, *, frozen: bool) -> None:
        """Let all processes of the group stand still, or go on."""
        folder = self.tree.members / self.path
        if not folder.is_dir():
            return
        if self.tree.unified:
            (folder / "cgroup.freeze").write_text("1" if frozen else "0")
        else:
            (folder / "freezer.state").write_text("FROZEN" if frozen else "THAWED")

    def limit_cpu(self, cpus: float | None) -> None:
        """Give the processes of the group together so many CPUs; None lifts the limit."""
        folder = self.tree.controller("cpu") / self.path
        if self.tree.unified:
            quota = "max" if cpus is None else str(_quota_us(cpus))
            (folder / "cpu.max").write_text(f"{quota} {_PERIOD_US}")
        else:
            (folder / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
            (folder / "cpu.cfs_quota_us").write_text("-1" if cpus is None else str(_quota_us(cpus)))

    def cpu_seconds(self) -> float:
        """The CPU time that the processes of the group have used, in seconds."""
        if self.tree.unified:
            lines = (self.tree.mounts[0] / self.path / "cpu.stat").read_text().splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith("usage_usec")) / 1e6
        return int((self.tree.controller("cpuacct") / self.path / "cpuacct.usage").read_text()) / 1e9

    def remove(self, patience_s: float = 10.0) -> None:
        """End what is left in the group, remove it and all below; ClusterError where one stays."""
        deadline = time.monotonic() + patience_s
        while left := [folder for mount in self.tree.mounts for folder in _tree(mount / self.path)]:
            # A command that was just started may enter only now.
            self.kill()
            for folder in reversed(left):
                with suppress(OSError):
                    folder.rmdir()
            if time.monotonic() > deadline:
                raise ClusterError(f"control group {left[0]} cannot be removed: something runs in it")
            time.sleep(_PAUSE_S)


def _quota_us(cpus: float) -> int:
    """Microseconds of CPU per period; the kernel takes no less than a thousand."""
    return max(1000, round(cpus * _PERIOD_US))


def _tree(folder: Path) -> Iterator[Path]:
    """A folder and all below it, those above first."""
    for root, _, _ in os.walk(folder):
        yield Path(root)


def _hand_down(folder: Path) -> None:
    """Of version 2: hand the controllers down to the groups in this one."""
    there = set((folder / "cgroup.controllers").read_text().split())
    enabled = set((folder / "cgroup.subtree_control").read_text().split())
    for controller in _V2_CONTROLLERS:
        if controller in there - enabled:
            (folder / "cgroup.subtree_control").write_text(f"+{controller}")


def _inherit_cpuset(above: Path, folder: Path) -> None:
    """Of version 1: a fresh group has no CPUs, and nothing can run in it."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = folder / name
        if file.exists() and not file.read_text().strip():
            file.write_text((above / name).read_text())
