"""A cluster's real nodes as they are now: their processes, by record and by control group."""

from __future__ import annotations

import hashlib
import time

from cluster.errors import ClusterError
from cluster.paths import Layout
from cluster.process import find
from cluster.real.addresses import Addresses
from cluster.real.cgroups import Group, Hierarchies
from cluster.real.network import exists
from cluster.real.parts import HUB, name_of
from cluster.record import ClusterRecord

_PAUSE_S = 0.05


def group_of(layout: Layout) -> Group:
    """The group of all processes of the cluster; its name follows from the state folder, of which there is one."""
    digest = hashlib.sha256(str(layout.root.resolve()).encode()).hexdigest()[:8]
    return Group(Hierarchies.of_this_machine(), f"aif-{layout.root.name}-{digest}")


def addresses_of(known: ClusterRecord) -> Addresses:
    """The cluster's block of addresses; ClusterError where it has none yet."""
    if known.block is None:
        raise ClusterError(f"cluster {known.name!r} has no real nodes: start another one with `up --nodes real`")
    return Addresses(known.block)


def machine_pid(known: ClusterRecord, name: str) -> int | None:
    """The process that holds the namespaces of a node, or of the hub; None where it does not run."""
    part = known.part(name_of(name, "machine"))
    holder = None if part is None else find(part.identity)
    children = [] if holder is None else holder.children()
    return children[0].pid if children else None


def hub_pid(known: ClusterRecord) -> int:
    """The process of the hub; ClusterError where it does not run."""
    pid = machine_pid(known, HUB)
    if pid is None:
        raise ClusterError(f"the network of cluster {known.name!r} is gone: run `up` again for it")
    return pid


def number_of(known: ClusterRecord, name: str) -> int:
    """The number of a node, counted from 0; ClusterError where the cluster has no real node of this name."""
    names = [node.name for node in known.options.real]
    if name not in names:
        raise ClusterError(f"cluster {known.name!r} has no real node {name!r}; it has: {', '.join(names) or 'none'}")
    return names.index(name)


def raze(known: ClusterRecord, layout: Layout, patience_s: float = 20.0) -> None:
    """End every process of the cluster; with them go namespaces, mounts, interfaces and routes. Groups are removed."""
    group = group_of(layout)
    group.kill()
    deadline = time.monotonic() + patience_s
    while known.block is not None and exists(Addresses(known.block)):
        if time.monotonic() > deadline:
            raise ClusterError(f"interface {Addresses(known.block).link} stays: something holds the hub's network")
        time.sleep(_PAUSE_S)
    group.remove()
