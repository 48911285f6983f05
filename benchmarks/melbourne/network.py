"""The nodes: a radio site each, some metro edges, a core and a cloud; what they compute and how they are linked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from aif.api.computenode import ComputeNode
from aif.domain.cluster import Node
from melbourne.traces import City, Floats

GIB: Final = float(2**30)
GPU: Final = "nvidia.com/gpu"
EDGES: Final = 5
NEIGHBOURS: Final = 3
"""Sites that each radio site is linked with."""
KM_PER_MICROSECOND: Final = 0.2
"""Light in fibre."""
DETOUR: Final = 1.5
"""Length of a cable over the distance."""


@dataclass(frozen=True, slots=True)
class Product:
    """Figures of public data sheets: memory GiB, GB/s, FLOP/s in FP32 and FP16, W."""

    name: str
    memory: int
    bandwidth: int
    fp32: float
    fp16: float
    watts: int


L4: Final = Product("L4", 24, 300, 30.3e12, 121e12, 72)
A100: Final = Product("A100", 80, 2039, 19.5e12, 312e12, 400)
H100: Final = Product("H100", 80, 3350, 67e12, 989e12, 700)


@dataclass(frozen=True, slots=True)
class Size:
    """A kind of node: cores of 75 GFLOP/s, GiB, accelerators, and what a device and hour costs."""

    cores: int
    memory: int
    product: Product | None
    count: int
    price: int


RAN_SIZES: Final = (
    (0.45, Size(16, 64, None, 0, 300_000)),
    (0.35, Size(24, 96, L4, 1, 900_000)),
    (0.20, Size(32, 128, L4, 2, 900_000)),
)
EDGE_SIZE: Final = Size(96, 512, L4, 8, 600_000)
CORE_SIZE: Final = Size(384, 2048, A100, 12, 1_500_000)
CLOUD_SIZE: Final = Size(1536, 8192, H100, 24, 2_500_000)
SECURITY: Final = {"RAN": "Medium", "Edge": "High", "Core": "High", "Cloud": "Low"}


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Nodes and what stands behind them.

    Attributes:
        nodes: ComputeNodes; the radio sites come first, one for each site of the city.
        hosts: Their Nodes by name.
        sites: How many radio sites there are.
    """

    nodes: list[ComputeNode]
    hosts: dict[str, Node]
    sites: int


def network(city: City, draw: np.random.Generator) -> Network:
    """Return a network over the sites of ``city``; sizes, link quality and the grid's carbon are drawn."""
    edges = _spread_out(city.sites, EDGES)
    nodes: list[ComputeNode] = []
    hosts: dict[str, Node] = {}

    def add(name: str, tier: str, size: Size, links: list[dict[str, Any]]) -> None:
        nodes.append(_compute_node(name, tier, size, links, int(draw.integers(50, 800))))
        hosts[f"h-{name}"] = _host(name, size)

    shares = [share for share, _ in RAN_SIZES]
    for number, place in enumerate(city.sites):
        size = RAN_SIZES[int(draw.choice(len(RAN_SIZES), p=shares))][1]
        apart = np.hypot(*(city.sites - place).T)
        near = [int(other) for other in np.argsort(apart, kind="stable") if other != number][:NEIGHBOURS]
        edge = int(np.hypot(*(city.sites[edges] - place).T).argmin())
        links = [_radio(draw), _link(f"edge-{edge}", 10e9, _fibre(city.sites[edges[edge]] - place, 900, draw), draw)]
        links += [
            _link(f"ran-{other}", 10e9, _fibre(city.sites[other] - place, 500, draw), draw)
            for other in near
            if other < number
        ]
        add(f"ran-{number}", "RAN", size, links)
    for number in range(EDGES):
        add(f"edge-{number}", "Edge", EDGE_SIZE, [_link("core", 100e9, int(draw.integers(5000, 7000)), draw)])
    add("core", "Core", CORE_SIZE, [_link("cloud", 100e9, int(draw.integers(28_000, 34_000)), draw)])
    add("cloud", "Cloud", CLOUD_SIZE, [])
    return Network(nodes, hosts, len(city.sites))


def _spread_out(places: Floats, count: int) -> list[int]:
    """Return so many of ``places`` that lie far from each other."""
    chosen = [int(np.hypot(*(places - places.mean(axis=0)).T).argmin())]
    while len(chosen) < count:
        apart = np.hypot(*(places[:, None] - places[chosen]).transpose(2, 0, 1)).min(axis=1)
        chosen.append(int(apart.argmax()))
    return chosen


def _fibre(way: Floats, switching: int, draw: np.random.Generator) -> int:
    """Return a round trip in microseconds: there and back along the cable, and what switches take."""
    return round(2.0 * DETOUR * float(np.hypot(*way)) / KM_PER_MICROSECOND + switching * draw.uniform(0.8, 1.4))


def _radio(draw: np.random.Generator) -> dict[str, Any]:
    return {
        "to": "ue",
        "upBitsPerSecond": "1G",
        "downBitsPerSecond": "2G",
        "rttMicroseconds": int(draw.integers(5000, 9000)),
        "jitterMicroseconds": int(draw.integers(100, 600)),
        "reliabilityPpm": int(draw.integers(999_000, 999_990)),
        "watts": 200,
    }


def _link(to: str, rate: float, rtt: int, draw: np.random.Generator) -> dict[str, Any]:
    return {
        "to": to,
        "upBitsPerSecond": str(int(rate)),
        "downBitsPerSecond": str(int(rate)),
        "rttMicroseconds": rtt,
        "jitterMicroseconds": int(draw.integers(10, 10 + rtt // 50)),
        "reliabilityPpm": 999_990,
        "watts": 60,
    }


def _compute_node(name: str, tier: str, size: Size, links: list[dict[str, Any]], carbon: int) -> ComputeNode:
    processor = {
        "name": "cpu",
        "type": "cpu",
        "count": size.cores,
        "memory": f"{size.memory}Gi",
        "memoryBandwidthBytesPerSecond": f"{min(400, 6 * size.cores)}G",
        "peakFlops": [{"precision": "FP32", "flopsPerSecond": f"{75 * size.cores}G"}],
        "power": {"maxWatts": 8 * size.cores},
    }
    devices = [processor] if size.product is None else [processor, _accelerator(size.product, size.count)]
    spec = {
        "tier": tier,
        "nodeName": f"h-{name}",
        "capability": {"devices": devices},
        "links": links,
        "securityLevel": SECURITY[tier],
        "price": {"microUnitsPerDeviceHour": size.price},
        "carbonGramsPerKWh": carbon,
    }
    return ComputeNode.model_validate({"metadata": {"name": name, "uid": f"u-{name}"}, "spec": spec})


def _accelerator(product: Product, count: int) -> dict[str, Any]:
    rates = {"FP32": product.fp32, "FP16": product.fp16}
    return {
        "name": "gpu",
        "type": GPU,
        "model": product.name,
        "count": count,
        "memory": f"{product.memory}Gi",
        "memoryBandwidthBytesPerSecond": f"{product.bandwidth}G",
        "peakFlops": [{"precision": name, "flopsPerSecond": str(int(rate))} for name, rate in rates.items()],
        "power": {"maxWatts": product.watts},
    }


def _host(name: str, size: Size) -> Node:
    amounts = {"cpu": float(size.cores), "memory": size.memory * GIB, "pods": 250.0}
    if size.product is not None:
        amounts[GPU] = float(size.count)
    return Node(f"h-{name}", ready="True", allocatable=amounts)
