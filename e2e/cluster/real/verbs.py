"""What can be done to a real node: kill it, start it again, let it stand still, make it or its link slow."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster import record
from cluster.errors import ClusterError
from cluster.locks import exclusive
from cluster.paths import Folders, Layout
from cluster.progress import Steps
from cluster.real import folders as node_folders
from cluster.real import images, network, standing
from cluster.real import up as real
from cluster.real.cgroups import Group
from cluster.record import ClusterRecord


@dataclass(frozen=True, slots=True)
class RealNodes:
    """The real nodes of the cluster `name`; ClusterError in every call where it has none, or none of that name."""

    name: str
    folders: Folders

    def kill(self, node: str) -> None:
        """End all that runs on a node at once, its link too, as a power cut does; its disk stays."""
        with self._locked() as known:
            standing.number_of(known, node)
            self._group(node).kill()

    def start(self, node: str, steps: Steps) -> None:
        """Start a killed node again, with the disk that it had, and wait until it is Ready."""
        from cluster import embedded  # noqa: PLC0415 - it imports this package
        from cluster.build import ensure  # noqa: PLC0415 - as above
        from cluster.real import registration  # noqa: PLC0415 - the client takes a second to load

        with self._locked() as known:
            number = standing.number_of(known, node)
            standing.hub_pid(known)
            binaries = ensure(embedded.families(known.options), self.folders, steps)
            real.start_node(known, number, binaries, self._layout, steps)
            registration.complete(self._layout, [known.options.real[number]])

    def freeze(self, node: str, *, frozen: bool = True) -> None:
        """Let every process of a node stand still, as a machine that hangs, or go on."""
        with self._locked() as known:
            self._alive(known, node)
            self._group(node).freeze(frozen=frozen)

    def slow(self, node: str, cpus: float | None) -> None:
        """Give the pods of a node together so many CPUs from now on; None gives back what it was started with."""
        with self._locked() as known:
            self._alive(known, node)
            usual = known.options.real[standing.number_of(known, node)].cpus
            self.pods(node).limit_cpu(usual if cpus is None else cpus)

    def slow_link(self, node: str, rate: str | None) -> None:
        """Limit the link of a node in each direction; None gives back the rate that it was started with."""
        with self._locked() as known:
            pid, number = self._alive(known, node), standing.number_of(known, node)
            usual = known.options.real[number].rate
            network.limit_rate(standing.hub_pid(known), pid, number, usual if rate is None else rate)

    def load(self, archive: Path) -> dict[str, str]:
        """Import an image into every node that runs; what each runtime said, by node."""
        with self._locked() as known:
            running = {node.name: standing.machine_pid(known, node.name) for node in known.options.real}
            snapshotter = node_folders.snapshotter(self._layout)
            return {name: images.load(pid, archive, snapshotter) for name, pid in running.items() if pid is not None}

    def command(self, argv: Sequence[str], node: str | None = None) -> list[str]:
        """The command line that runs `argv` in the network of a node, or where clients of Services are: in the hub."""
        known = self._known()
        pid = standing.hub_pid(known) if node is None else self._alive(known, node)
        return ["nsenter", "--target", str(pid), "--net", "--", *argv]

    def pods(self, node: str) -> Group:
        """The control group of all pods of a node."""
        return self._group(node).below("pods")

    def _alive(self, known: ClusterRecord, node: str) -> int:
        standing.number_of(known, node)
        pid = standing.machine_pid(known, node)
        if pid is None:
            raise ClusterError(f"node {node!r} does not run: `python -m cluster start-node {node} --name {self.name}`")
        return pid

    def _group(self, node: str) -> Group:
        return standing.group_of(self._layout).below(node)

    @property
    def _layout(self) -> Layout:
        return self.folders.layout(self.name)

    def _known(self) -> ClusterRecord:
        known = record.load(self._layout)
        if known is None or not known.options.real:
            raise ClusterError(
                f"cluster {self.name!r} has no real nodes: run `python -m cluster up --nodes real --name {self.name}`"
            )
        if os.geteuid() != 0:
            raise ClusterError("real nodes are root's: run the command with sudo")
        return known

    @contextmanager
    def _locked(self) -> Iterator[ClusterRecord]:
        with exclusive(self.folders.lock(self.name)):
            yield self._known()
