"""Bringing real nodes up beside a control plane: first their network, then each node, then what the API shall say."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cluster import health, record, supervise
from cluster.build import Binaries
from cluster.errors import ClusterError
from cluster.parts import Part
from cluster.paths import Layout
from cluster.process import run
from cluster.progress import Step, Steps
from cluster.real import folders, images, network, parts, standing
from cluster.real.cgroups import Group
from cluster.real.files import Place
from cluster.real.requirements import plugin_folder, search_path
from cluster.record import ClusterRecord
from cluster.tools import kubernetes_node, pause

_PATIENCE_S = 120.0
_PAUSE_S = 0.05
_READY = "Wait until the real nodes are Ready"


def in_group(layout: Layout, control: Sequence[Part]) -> list[Part]:
    """The parts of the control plane, as processes of the cluster's group."""
    group = standing.group_of(layout).below("control")
    group.create()
    return [replace(part, argv=group.enter(part.argv)) for part in control]


def ensure_network(known: ClusterRecord, binaries: Binaries, layout: Layout, steps: Steps) -> ClusterRecord:
    """Make the hub where it does not run; nodes without it have no link, so they start anew with it."""
    if standing.machine_pid(known, parts.HUB) is not None:
        return known
    group = standing.group_of(layout)
    for name in (parts.HUB, *(node.name for node in known.options.real)):
        group.below(name).kill()
    known = _start_machine(known, parts.HUB, binaries, layout, steps)
    addresses = network.claim_block(standing.hub_pid(known), known.block)
    known = replace(known, block=addresses.block)
    record.save(layout, known)
    network.build_hub(standing.hub_pid(known), addresses)
    return known


def start_nodes(known: ClusterRecord, binaries: Binaries, layout: Layout, steps: Steps) -> ClusterRecord:
    """Start what of the nodes does not run, and wait until all are Ready, labelled and with their resources."""
    from cluster.real import registration  # noqa: PLC0415 - the client takes a second to load

    for number in range(len(known.options.real)):
        known = start_node(known, number, binaries, layout, steps)
    addresses = standing.addresses_of(known)
    steps.extend([Step(_READY)])
    with steps.run(_READY):
        registration.complete(layout, known.options.real)
    folders.write_hub(layout, addresses, known.options.real[0])
    proxy = parts.kube_proxy(
        parts.HUB, standing.hub_pid(known), addresses.hub, _system(layout, parts.HUB), _environment()
    )
    known = supervise.spawn_missing(known, [proxy], _versions([proxy]), layout, steps)
    health.await_ready(known.parts, layout, _PATIENCE_S)
    return known


def start_node(known: ClusterRecord, number: int, binaries: Binaries, layout: Layout, steps: Steps) -> ClusterRecord:
    """Start what of one node does not run, up to its kubelet."""
    place = _place(known, number, layout)
    name, group = place.node.name, _system(layout, place.node.name)
    fresh = standing.machine_pid(known, name) is None
    if fresh:
        standing.group_of(layout).below(name).kill()
        folders.write_node(layout, place, known.options)
        known = _start_machine(known, name, binaries, layout, steps)
        _connect(known, place, layout)
    pid = standing.machine_pid(known, name) or 0
    runtime = parts.containerd(name, pid, place.address, group, _environment())
    known = supervise.spawn_missing(known, [runtime], _versions([runtime]), layout, steps)
    if fresh:
        images.load(pid, images.pause(binaries, layout), place.snapshotter)
    rest = [make(name, pid, place.address, group, _environment()) for make in (parts.kubelet, parts.kube_proxy)]
    return supervise.spawn_missing(known, rest, _versions(rest), layout, steps)


def _place(known: ClusterRecord, number: int, layout: Layout) -> Place:
    plugins = plugin_folder()
    if plugins is None:
        raise ClusterError("the CNI plug-ins are gone: install containernetworking-plugins")
    node = known.options.real[number]
    pods = _pods(layout, node.name)
    return Place(
        node=node,
        number=number,
        addresses=standing.addresses_of(known),
        cgroup=pods.path,
        quotas=pods.tree.unified,
        cpus=folders.machine_cpus(),
        snapshotter=folders.snapshotter(layout),
        plugins=plugins,
    )


def _start_machine(known: ClusterRecord, name: str, binaries: Binaries, layout: Layout, steps: Steps) -> ClusterRecord:
    """Start the holder of a node's namespaces, and wait until it has furnished them."""
    place = folders.furnished(layout, name)
    ready = place / "ready"
    ready.unlink(missing_ok=True)
    for group in (_system(layout, name), _pods(layout, name)):
        group.create()
    part = parts.machine(name, place, binaries, _system(layout, name))
    known = supervise.spawn_missing(known, [part], _versions([part]), layout, steps)
    deadline = time.monotonic() + _PATIENCE_S
    while not ready.exists():
        if not supervise.runs(known, part.name) or time.monotonic() > deadline:
            raise health.died(part.name, layout.log(part.name))
        time.sleep(_PAUSE_S)
    return known


def _connect(known: ClusterRecord, place: Place, layout: Layout) -> None:
    """Give a fresh node its link and its share of the CPU."""
    hub, pid = standing.hub_pid(known), standing.machine_pid(known, place.node.name) or 0
    network.attach(hub, pid, place.number, place.addresses, len(known.options.real))
    if place.node.rate is not None:
        network.limit_rate(hub, pid, place.number, place.node.rate)
    _pods(layout, place.node.name).limit_cpu(place.node.cpus)


def _system(layout: Layout, name: str) -> Group:
    return standing.group_of(layout).below(name).below("system")


def _pods(layout: Layout, name: str) -> Group:
    return standing.group_of(layout).below(name).below("pods")


def _environment() -> Mapping[str, str]:
    return {"PATH": search_path(os.environ), "TMPDIR": "/var/lib/tmp", "HOME": "/var/lib"}


def _versions(wanted: Sequence[Part]) -> Mapping[str, str]:
    """The version of each of these parts by its name."""
    own = {"machine": pause().version, "kubelet": kubernetes_node().version, "kube-proxy": kubernetes_node().version}
    return {
        part.name: next((version for end, version in own.items() if part.name.endswith(f"-{end}")), None)
        or _containerd_version()
        for part in wanted
    }


def _containerd_version() -> str:
    words = run(["containerd", "--version"], env={"PATH": search_path(os.environ)}).output.split()
    return f"v{words[2].removeprefix('v').partition('~')[0]}" if len(words) > 2 else "unknown"  # noqa: PLR2004 - third word
