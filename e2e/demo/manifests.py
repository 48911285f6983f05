"""What the demo applies: the CRDs, the network and the services, as objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from cluster.nodes import SimulatedNode

ROOT: Final = Path(__file__).resolve().parents[2]
NETWORK: Final = ROOT / "manifests" / "samples" / "network.yaml"
SERVICES: Final = ROOT / "manifests" / "samples" / "services.yaml"
REAL: Final = Path(__file__).with_name("real.yaml")
CRDS: Final = ROOT / "crds"

Manifest = dict[str, Any]

HASTE: Final[Manifest] = {
    "evaluation": {"windowSeconds": 20, "fastWindowSeconds": 10, "forSeconds": 3, "clearPercent": 95},
    "migration": {"verifySeconds": 15, "verifyMinRequests": 50, "drainSeconds": 2, "cooldownSeconds": 60},
}
"""What a user of a real service would wait minutes for, in seconds: windows, and the looks at a new copy."""


@dataclass(frozen=True, slots=True)
class Demo:
    """All that the demo puts into a cluster, in the order in which it does."""

    crds: tuple[Manifest, ...]
    nodes: tuple[SimulatedNode, ...]
    compute_nodes: tuple[Manifest, ...]
    services: tuple[Manifest, ...]

    @property
    def computing(self) -> list[str]:
        """The names of all ComputeNodes that there will be: one that registers itself has the name of its Node."""
        return list(dict.fromkeys([*(node.name for node in self.nodes), *map(_name, self.compute_nodes)]))


def load() -> Demo:
    """The demo as its files have it; a ComputeNode gets a simulated Node with the resources that it claims."""
    network, services = list(_documents(NETWORK)), list(_documents(SERVICES))
    compute_nodes = [one for one in network if one["kind"] == "ComputeNode"]
    nodes = [_node(one) for one in network if one["kind"] == "Node"]
    return Demo(
        crds=tuple(document for path in sorted(CRDS.glob("*.yaml")) for document in _documents(path)),
        nodes=(*nodes, *map(_node_of, compute_nodes)),
        compute_nodes=tuple(compute_nodes),
        services=tuple({**one, "spec": {**one["spec"], **HASTE}} for one in services),
    )


def in_namespace(manifest: Manifest, namespace: str) -> Manifest:
    """The object in this namespace."""
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


def load_real() -> Demo:
    """What is applied where the nodes are real: a ComputeNode for each of them, and one service."""
    documents = list(_documents(REAL))
    return Demo(
        crds=tuple(document for path in sorted(CRDS.glob("*.yaml")) for document in _documents(path)),
        nodes=(),
        compute_nodes=tuple(one for one in documents if one["kind"] == "ComputeNode"),
        services=tuple(one for one in documents if one["kind"] == "AIService"),
    )


def _name(manifest: Manifest) -> str:
    return str(manifest["metadata"]["name"])


def _documents(path: Path) -> Iterator[Manifest]:
    return (document for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document)


def _node(manifest: Mapping[str, Any]) -> SimulatedNode:
    metadata = manifest["metadata"]
    return SimulatedNode(
        metadata["name"],
        labels=metadata.get("labels", {}),
        annotations=metadata.get("annotations", {}),
        resources=manifest["status"]["allocatable"],
    )


def _node_of(compute_node: Mapping[str, Any]) -> SimulatedNode:
    spec = compute_node["spec"]
    devices = {device["type"]: device for device in spec["capability"]["devices"]}
    resources = {kind: str(device["count"]) for kind, device in devices.items()}
    return SimulatedNode(spec["nodeName"], resources={**resources, "memory": devices["cpu"]["memory"]})
