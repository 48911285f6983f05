"""The folder of a real node in the state of its cluster: what it keeps, and its files before it starts."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psutil

from cluster import kubeconfig
from cluster.parts import Options
from cluster.paths import Layout
from cluster.pki import Authority, Identity
from cluster.real import files
from cluster.real.addresses import Addresses
from cluster.real.files import Place
from cluster.real.machine import RealNode
from cluster.real.parts import HUB

_INSIDE = ("bin", "cni", "containerd", "kubelet", "log", "pki", "tmp")
PROXY = Identity("system:kube-proxy")


def folder(layout: Layout, name: str) -> Path:
    """The folder that is the /var/lib of this node, or of the hub."""
    return layout.root / "nodes" / name


def write_credentials(
    authority: Authority, server: str, layout: Layout, addresses: Addresses, options: Options
) -> None:
    """Certificates and kubeconfigs of the hub and of every node."""
    proxy = authority.issue(PROXY, "kube-proxy")
    for name in (HUB, *(node.name for node in options.real)):
        place = furnished(layout, name)
        kubeconfig.write(
            place / "kube-proxy.yaml", cluster="local", server=server, authority=authority.file, client=proxy
        )
    for number, node in enumerate(options.real):
        hosts = (node.name, addresses.node(number))
        pair = authority.issue(Identity(f"system:node:{node.name}", ("system:nodes",), hosts), f"node-{node.name}")
        place = folder(layout, node.name)
        kubeconfig.write(
            place / "kubeconfig.yaml", cluster="local", server=server, authority=authority.file, client=pair
        )
        for source, name in ((authority.file, "ca.crt"), (pair.certificate, "kubelet.crt"), (pair.key, "kubelet.key")):
            shutil.copyfile(source, place / "pki" / name)


def furnished(layout: Layout, name: str) -> Path:
    """The folder of a node, with the folders in it that its programs expect."""
    place = folder(layout, name)
    for inside in _INSIDE:
        (place / inside).mkdir(parents=True, exist_ok=True, mode=0o700)
    return place


def write_node(layout: Layout, place: Place, options: Options) -> None:
    """The configuration of a node's parts."""
    target = furnished(layout, place.node.name)
    (target / "containerd.toml").write_text(files.containerd(place))
    (target / "cni" / "10-pods.conflist").write_text(files.pod_network(place))
    (target / "kubelet.yaml").write_text(files.kubelet(place, options))
    (target / "kube-proxy.conf").write_text(files.kube_proxy(place.addresses, place.node.name, place.address))
    # No name is known in this cluster, and to say so at once is better than to wait for nobody.
    (target / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")


def write_hub(layout: Layout, addresses: Addresses, first: RealNode) -> None:
    """The configuration of the hub's kube-proxy, which must go by the name of a node."""
    target, text = furnished(layout, HUB) / "kube-proxy.conf", files.kube_proxy(addresses, first.name, addresses.hub)
    # A kube-proxy whose file is written ends, be it the same text: the one that runs keeps its file.
    if not target.exists() or target.read_text() != text:
        target.write_text(text)


def snapshotter(layout: Layout) -> str:
    """How containerd stacks layers: by overlays, but where the state itself lies on one."""
    mounts = {Path(mount.mountpoint): mount.fstype for mount in psutil.disk_partitions(all=True)}
    kind = next(mounts[path] for path in (layout.root, *layout.root.parents) if path in mounts)
    return "native" if kind == "overlay" else "overlayfs"


def machine_cpus() -> int:
    """The CPUs that the kubelet counts."""
    return os.cpu_count() or 1
