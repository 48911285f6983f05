"""What the API shall say of real nodes beyond what their kubelets may: trusted labels, extended resources."""

from __future__ import annotations

from collections.abc import Sequence

from kubernetes.client import CoreV1Api, V1Node, V1NodeStatus

from cluster.errors import ClusterError, PartDied
from cluster.health import await_fact, last_lines
from cluster.kube import connect, readiness
from cluster.paths import Layout
from cluster.real.machine import RealNode

_PATIENCE_S = 180.0
_WATCHES_SPENT = "inotify_init: too many open files"


def complete(layout: Layout, nodes: Sequence[RealNode]) -> None:
    """Wait until these nodes are Ready, then write their labels and resources; ClusterError where one is not."""
    core = CoreV1Api(connect(str(layout.kubeconfig)))

    def waiting() -> list[str]:
        found = readiness(core)
        return [node.name for node in nodes if not found.get(node.name, False)]

    await_fact(lambda: not waiting(), lambda: late(layout, waiting()), _PATIENCE_S)
    for node in nodes:
        if node.labels:
            core.patch_node(node.name, {"metadata": {"labels": dict(node.labels)}})
        if node.resources:
            # Of an extended resource the kubelet derives what is allocatable from the capacity that it finds.
            resources = dict(node.resources)
            core.patch_node_status(node.name, V1Node(status=V1NodeStatus(capacity=resources, allocatable=resources)))


def late(layout: Layout, names: Sequence[str]) -> ClusterError:
    """The error for nodes that did not become Ready: what the kubelet of the first says, and what helps where known."""
    part = f"{names[0]}-kubelet"
    lines = last_lines(layout.log(part))
    if any(_WATCHES_SPENT in line for line in lines):
        return ClusterError(
            f"not Ready: {', '.join(names)}; their kubelets may watch no more files, as too many run on this machine: "
            "end other clusters, or run `sysctl -w fs.inotify.max_user_instances=1024`"
        )
    return PartDied(part, layout.log(part), lines, fact=f"is not Ready after {_PATIENCE_S:.0f} s")
