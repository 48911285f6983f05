"""A small network of simulated nodes, and the objects that tests put into it."""

from __future__ import annotations

from typing import Any, Final

from rest import Json, Rest

from cluster import nodes
from cluster.api import Cluster
from cluster.nodes import SimulatedNode

API_VERSION: Final = "net4ai.io/v1alpha1"
GPU: Final = "nvidia.com/gpu"
TIER_LABEL: Final = "net4ai.node-restriction.kubernetes.io/tier"

VGG16: Final[Json] = {
    "name": "vgg16",
    "accuracyBasisPoints": 7159,
    "flopsPerRequest": "31G",
    "memoryTrafficBytesPerRequest": "600M",
    "cuts": [{"name": "Input", "ueFlops": 0, "dataBits": "4800k"}],
}
CPU: Final[Json] = {
    "name": "cpu",
    "type": "cpu",
    "count": 32,
    "memory": "128Gi",
    "memoryBandwidthBytesPerSecond": "170G",
    "peakFlops": [{"precision": "FP32", "flopsPerSecond": "4T"}],
    "power": {"idleWatts": 50, "maxWatts": 200},
}
A100: Final[Json] = {
    "name": "gpu",
    "type": GPU,
    "model": "NVIDIA-A100-SXM4-40GB",
    "memory": "40Gi",
    "memoryBandwidthBytesPerSecond": "1555G",
    "peakFlops": [{"precision": "FP32", "flopsPerSecond": "19500G"}],
    "power": {"idleWatts": 50, "maxWatts": 400},
}

SITES: Final[dict[str, tuple[str, int, int]]] = {
    "ran-1": ("RAN", 1, 800),
    "ran-2": ("RAN", 0, 800),
    "edge-1": ("Edge", 4, 6_000),
    "edge-2": ("Edge", 1, 8_000),
    "core-1": ("Core", 0, 15_000),
    "cloud-1": ("Cloud", 4, 40_000),
}
"""Tier, accelerators and round trip to the users in microseconds, by ComputeNode and Node."""

EXTERNAL: Final = "partner-1"
SPARE: Final = ("spare-1", "spare-2", "spare-3")
"""Nodes that no ComputeNode speaks for."""


def build(cluster: Cluster, rest: Rest) -> None:
    """Create the nodes and the users' ComputeNodes; what is there already stays."""
    nodes.create(cluster, [_node(name, gpus) for name, (_, gpus, _) in SITES.items()])
    nodes.create(cluster, [_node(name, 0) for name in (EXTERNAL, *SPARE)])
    for name, (tier, gpus, round_trip) in SITES.items():
        rest.apply("computenodes", a_compute_node(name, tier=tier, gpus=gpus, round_trip=round_trip))
    rest.apply("computenodes", a_compute_node(EXTERNAL, tier="Edge", origin="External", provider={"name": "partner"}))


def raze(cluster: Cluster, rest: Rest) -> None:
    """Remove what `build` made."""
    for name in (*SITES, EXTERNAL):
        rest.delete("computenodes", name)
    nodes.delete(cluster, [*SITES, EXTERNAL, *SPARE])


def _node(name: str, gpus: int) -> SimulatedNode:
    return SimulatedNode(name, resources={GPU: str(gpus)} if gpus else {})


def a_compute_node(name: str, *, gpus: int = 0, round_trip: int = 2_000, **spec: Any) -> Json:
    """Return a ComputeNode for the Node of its name, or for the one in `nodeName`."""
    link = {
        "to": "ue",
        "upBitsPerSecond": "1950M",
        "downBitsPerSecond": "1950M",
        "rttMicroseconds": round_trip,
        "reliabilityPpm": 999_900,
    }
    devices = [CPU, *([{**A100, "count": gpus}] if gpus else [])]
    defaults: Json = {"tier": "Edge", "nodeName": name, "capability": {"devices": devices}, "links": [link]}
    return {"apiVersion": API_VERSION, "kind": "ComputeNode", "metadata": {"name": name}, "spec": {**defaults, **spec}}


def a_service(name: str, *, on: str = "", metadata: Json | None = None, **spec: Any) -> Json:
    """Return an AIService with a small replica on a CPU; bound to the Node `on` where one is named."""
    defaults: Json = {
        "serviceType": "Inference",
        "model": VGG16,
        "workload": a_workload(),
        **({"placement": {"nodeSelector": {"kubernetes.io/hostname": on}}} if on else {}),
    }
    head = {"name": name, **(metadata or {})}
    return {"apiVersion": API_VERSION, "kind": "AIService", "metadata": head, "spec": {**defaults, **spec}}


def a_workload(image: str = "plates:1", **fields: Any) -> Json:
    """Return a workload that asks for little."""
    return {"image": image, "resources": {"cpu": "100m", "memory": "64Mi"}, **fields}


def accelerated(**variant: Any) -> list[Json]:
    """Return a variant that takes one accelerator."""
    return [{"name": "gpu", "accelerator": GPU, "count": 1, **variant}]


def within(milliseconds: int, **fields: Any) -> Json:
    """Return the fields of a spec with a latency demand."""
    return {"load": {"requestsPerSecond": 5}, "qos": {"latency": {"maxP99Microseconds": milliseconds * 1000, **fields}}}
