"""Simulated nodes: Node objects that kwok keeps alive. A GPU is a number in their status, which the scheduler obeys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeVar

from kubernetes.client import ApiClient, CoreV1Api, V1Node, V1NodeSpec, V1NodeStatus, V1ObjectMeta, V1Taint
from kubernetes.client.exceptions import ApiException

from cluster.api import Cluster
from cluster.errors import ClusterError
from cluster.health import await_fact
from cluster.kube import connect, readiness
from cluster.parts import HEARTBEAT_LABEL, MANAGED_ANNOTATION

_Item = TypeVar("_Item")

_AT_ONCE = 16
_SMALL: Mapping[str, str] = {"cpu": "32", "memory": "128Gi", "ephemeral-storage": "1Ti", "pods": "110"}


@dataclass(frozen=True, slots=True)
class SimulatedNode:
    """A node to simulate.

    `resources` become capacity and allocatable, as Kubernetes quantities, over defaults of 32 CPUs, 128 GiB and 110
    pods: {"nvidia.com/gpu": "4"} adds four GPUs. `taints` are (key, value, effect).
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[tuple[str, str, str], ...] = ()

    def manifest(self) -> V1Node:
        """The Node object to create."""
        resources = {**_SMALL, **self.resources}
        return V1Node(
            metadata=V1ObjectMeta(
                name=self.name,
                labels={"kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux", **self.labels},
                annotations={**self.annotations, MANAGED_ANNOTATION: "fake"},
            ),
            spec=V1NodeSpec(
                taints=[V1Taint(key=key, value=value, effect=effect) for key, value, effect in self.taints]
            ),
            status=V1NodeStatus(capacity=resources, allocatable=resources),
        )


def create(cluster: Cluster, nodes: Iterable[SimulatedNode], patience_s: float = 60.0) -> None:
    """Create these nodes and wait until they are Ready; one that exists already stays as it is.

    Raises ClusterError where the API server refuses one, or one is not Ready after `patience_s`.
    """
    wanted = list(nodes)
    core = _core(cluster)
    _each(wanted, lambda node: _create(core, node))
    await_ready(cluster, [node.name for node in wanted], patience_s=patience_s)


def delete(cluster: Cluster, names: Iterable[str]) -> None:
    """Delete these nodes; those that do not exist are no error. Their pods are collected by Kubernetes."""
    core = _core(cluster)
    _each(list(names), lambda name: _delete(core, name))


def stop_heartbeat(cluster: Cluster, name: str) -> None:
    """Let a node go silent, as by a power cut: NotReady after the grace period, its pods evicted somewhat later."""
    _label(cluster, name, "stopped")


def resume_heartbeat(cluster: Cluster, name: str) -> None:
    """Let a silent node come back: Ready within a few seconds."""
    _label(cluster, name, None)


def set_resources(cluster: Cluster, name: str, resources: Mapping[str, str]) -> None:
    """Change capacity and allocatable of a node, as a failed or an added accelerator does."""
    changed = dict(resources)
    status = V1Node(status=V1NodeStatus(capacity=changed, allocatable=changed))
    _core(cluster).patch_node_status(name, status)


def await_ready(cluster: Cluster, names: Sequence[str], *, ready: bool = True, patience_s: float = 60.0) -> None:
    """Wait until all of these nodes are Ready, or none of them is; ClusterError after `patience_s`."""
    core = _core(cluster)
    word = "Ready" if ready else "NotReady"

    def waiting() -> list[str]:
        found = readiness(core)
        return [name for name in names if found.get(name, False) is not ready]

    await_fact(
        lambda: not waiting(),
        lambda: ClusterError(f"not {word} after {patience_s:.0f} s: {', '.join(waiting()[:5])}; see the log of kwok"),
        patience_s,
    )


def _create(core: CoreV1Api, node: SimulatedNode) -> None:
    try:
        core.create_node(node.manifest())
    except ApiException as error:
        if error.status != HTTPStatus.CONFLICT:
            raise ClusterError(f"node {node.name} was refused: {error.body}") from error


def _delete(core: CoreV1Api, name: str) -> None:
    try:
        core.delete_node(name)
    except ApiException as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise ClusterError(f"node {name} could not be deleted: {error.body}") from error


def _label(cluster: Cluster, name: str, value: str | None) -> None:
    _core(cluster).patch_node(name, {"metadata": {"labels": {HEARTBEAT_LABEL: value}}})


def _core(cluster: Cluster) -> CoreV1Api:
    client: ApiClient = connect(cluster.kubeconfig, cluster.context)
    return CoreV1Api(client)


def _each(items: Sequence[_Item], action: Callable[[_Item], None]) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(action, items))
