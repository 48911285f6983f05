"""The command lines of a real node's parts.

The machine is a process that holds the node's namespaces - processes, mounts, network - and collects what ends in
them; the other parts enter there. Where it is killed, as by a power cut, the kernel ends all the rest of the node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cluster.build import Binaries
from cluster.parts import Health, Part
from cluster.real.cgroups import Group
from cluster.real.files import CONTAINERD_METRICS, KUBE_PROXY_HEALTH, KUBELET_HEALTH

HUB = "hub"
PROGRAMS = ("aif-pause", "kubelet", "kube-proxy")

# The node's folder becomes its /var/lib, its /run is in memory: what programs keep at fixed places touches no other
# node and not the machine. Mounts reach neither; those of the machine that end, end here too (`slave`).
_FURNISH = """set -e
root=$1; shift
for program in "$@"; do
  file="$root/bin/${program##*/}"
  : >"$file"
  mount --bind "$program" "$file"
done
mount --rbind "$root" /var/lib
mount --bind /var/lib/log /var/log
mount -t tmpfs -o mode=755 tmpfs /run
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
: >/var/lib/ready
exec /var/lib/bin/aif-pause
"""
_NAMESPACES = ("--mount", "--propagation", "slave", "--net", "--pid", "--fork", "--mount-proc", "--kill-child=KILL")


def name_of(node: str, part: str) -> str:
    """The name of a part of a node."""
    return f"{node}-{part}"


def machine(name: str, folder: Path, binaries: Binaries, group: Group) -> Part:
    """The holder of the namespaces of a node, or of the hub."""
    programs = [binaries[program] for program in PROGRAMS]
    argv = ("unshare", *_NAMESPACES, "/bin/sh", "-c", _FURNISH, "sh", str(folder), *programs)
    return Part(name_of(name, "machine"), group.enter(argv), health=None)


def containerd(node: str, pid: int, address: str, group: Group, environment: Mapping[str, str]) -> Part:
    """The container runtime; it finds runc on the PATH in `environment`."""
    argv = _on(pid, environment, ["containerd", "--config", "/var/lib/containerd.toml"])
    health = Health(CONTAINERD_METRICS, "/v1/metrics", tls=False, host=address)
    return Part(name_of(node, "containerd"), group.enter(argv), health, gate=True)


def kubelet(node: str, pid: int, address: str, group: Group, environment: Mapping[str, str]) -> Part:
    """The agent of the node, which registers it."""
    options = [
        "--config=/var/lib/kubelet.yaml",
        "--kubeconfig=/var/lib/kubeconfig.yaml",
        "--root-dir=/var/lib/kubelet",
        "--cert-dir=/var/lib/kubelet/pki",
        f"--hostname-override={node}",
        f"--node-ip={address}",
    ]
    argv = _on(pid, environment, ["/var/lib/bin/kubelet", *options])
    return Part(
        name_of(node, "kubelet"), group.enter(argv), Health(KUBELET_HEALTH, "/healthz", tls=False, host=address)
    )


def kube_proxy(name: str, pid: int, address: str, group: Group, environment: Mapping[str, str]) -> Part:
    """The rules that lead to Services, in the namespace of a node or of the hub."""
    argv = _on(pid, environment, ["/var/lib/bin/kube-proxy", "--config=/var/lib/kube-proxy.conf"])
    health = Health(KUBE_PROXY_HEALTH, "/livez", tls=False, host=address)
    return Part(name_of(name, "kube-proxy"), group.enter(argv), health)


def _on(pid: int, environment: Mapping[str, str], argv: Sequence[str]) -> tuple[str, ...]:
    """A command in all namespaces of the machine with this process id."""
    variables = [f"{name}={value}" for name, value in environment.items()]
    return ("nsenter", "--target", str(pid), "--mount", "--net", "--pid", "--", "env", *variables, *argv)
