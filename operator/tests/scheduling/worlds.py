"""Random services and clusters, of all that `oracle` knows to judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.domain.cluster import Node, Pod
from aif.scheduling.ledger import Ledger
from aif.scheduling.node_table import NodeTable
from tests.builders import CPU_32, GIB, VGG16, a_compute_node, a_device, a_link, a_node, a_pod, an_aiservice
from tests.scheduling.test_node_table import a_condition


@dataclass(frozen=True)
class World:
    """A cluster, pod by pod."""

    places: tuple[ComputeNode, ...]
    nodes: dict[str, Node]
    pods: tuple[Pod, ...]

    @property
    def table(self) -> NodeTable:
        """Return the cluster as a table."""
        return NodeTable.build(self.places, self.nodes, self.pods, Ledger())

    def used(self, node: str) -> dict[str, float]:
        """Return what pods take of ``node``."""
        mine = [pod for pod in self.pods if pod.node == node]
        resources = {resource for pod in mine for resource in pod.requests}
        return {"pods": float(len(mine))} | {r: sum(pod.requests.get(r, 0.0) for pod in mine) for r in resources}


def mostly(usual: object, *rare: object) -> st.SearchStrategy[Any]:
    """Return the usual value far more often than any other, so that a world is seldom spoilt by one thing."""
    return st.integers(0, 99).map(lambda die: usual if die < 100 - 6 * len(rare) else rare[die % len(rare)])


seldom = st.integers(0, 15).map(lambda die: die == 9)


def or_none(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return values of ``strategy``, and seldom none at all."""
    return st.tuples(strategy, seldom).map(lambda pair: None if pair[1] else pair[0])


rates = st.sampled_from(["2T", "8T", "19500G", "67T"])
accelerators = st.builds(
    lambda count, peak, beta, memory, watts, precision: a_device(
        count=count,
        memory=memory,
        memoryBandwidthBytesPerSecond=beta,
        peakFlops=peak and [{"precision": precision, "flopsPerSecond": peak}],
        power=watts and {"maxWatts": watts},
    ),
    count=mostly(4, 1, 2, 3),
    peak=or_none(rates),
    beta=or_none(st.sampled_from(["100G", "300G", "1555G"])),
    memory=or_none(st.sampled_from(["8Gi", "40Gi"])),
    watts=or_none(st.integers(10, 700)),
    precision=mostly("FP32", "INT8"),
)
links = st.builds(
    a_link,
    rttMicroseconds=st.integers(0, 20_000),
    upBitsPerSecond=st.sampled_from(["300M", "1G", "10G"]),
    jitterMicroseconds=st.integers(0, 2000),
    reliabilityPpm=st.integers(990_000, 1_000_000),
    watts=st.integers(0, 700),
)


@st.composite
def places(draw: st.DrawFn, name: str) -> ComputeNode:
    """Draw a ComputeNode, at times external, verified or not."""
    external = draw(seldom)
    told = {"origin": "External", "provider": {"name": "acme"}} if external else {}
    gpu, link = draw(or_none(accelerators)), draw(or_none(links))
    return a_compute_node(
        name,
        tier=draw(st.sampled_from(["RAN", "RAN", "Edge", "Core", "Cloud"])),
        devices=[
            device for device in (gpu, draw(or_none(st.just(CPU_32))), a_device(type="x.y/z", name="z")) if device
        ],
        links=[link] if link else [],
        securityLevel=draw(mostly("High", "Medium", "Low")),
        price=draw(or_none(st.just({"microUnitsPerDeviceHour": draw(st.integers(0, 10**6))}))),
        carbonGramsPerKWh=draw(or_none(st.integers(0, 900))),
        status=a_condition("Verified", draw(st.sampled_from(["True", "False", "Unknown"])), "VerificationPending")
        if external
        else None,
        **told,
    )


@st.composite
def worlds(draw: st.DrawFn, most: int = 6) -> World:
    """Draw a cluster of up to ``most`` nodes with pods on them."""
    count = draw(st.integers(1, most))
    drawn = tuple(draw(places(f"node-{number}")) for number in range(count))
    nodes = {}
    for place in drawn:
        name = place.spec.node_name or ""
        gpus = next((d.count for d in place.spec.capability.devices if d.type == "nvidia.com/gpu"), 0)
        nodes[name] = a_node(
            name,
            ready=draw(mostly("True", "False", "Unknown")),
            unschedulable=draw(seldom),
            allocatable={"cpu": 32.0, "memory": 64 * GIB, "pods": 5.0, "nvidia.com/gpu": float(gpus)},
        )
    pods = draw(
        st.lists(
            st.builds(
                lambda number, node, cpu, gpu: a_pod(
                    f"pod-{number}", node=node, requests={"cpu": cpu, "memory": GIB, "nvidia.com/gpu": gpu}
                ),
                number=st.integers(0, 99),
                node=st.sampled_from([*nodes, ""]),
                cpu=st.floats(0.0, 20.0),
                gpu=mostly(0.0, 1.0),
            ),
            max_size=6,
        )
    )
    return World(drawn, nodes, tuple(pods))


VARIANTS: list[dict[str, Any]] = [
    {"name": "gpu", "accelerator": "nvidia.com/gpu"},
    {"name": "two", "accelerator": "nvidia.com/gpu", "count": 2},
    {"name": "int8", "accelerator": "nvidia.com/gpu", "precision": "INT8"},
    {"name": "large", "accelerator": "nvidia.com/gpu", "deviceMemory": "16Gi"},
    {"name": "cpu", "resources": {"cpu": 16}},
    {"name": "amd", "accelerator": "amd.com/gpu"},
]
variants = mostly(*VARIANTS)
enforcements = mostly("Hard", "Soft")


@st.composite
def services(draw: st.DrawFn) -> AIService:
    """Draw a service with a contract over some dimensions."""
    dimensions: dict[str, dict[str, Any]] = {
        "latency": {"maxP99Microseconds": draw(st.integers(4000, 80_000)), "enforcement": draw(enforcements)},
        "energy": {"maxMillijoulesPerRequest": draw(st.integers(500, 10_000)), "enforcement": draw(enforcements)},
        "availability": {"minPpm": draw(st.integers(980_000, 999_999)), "enforcement": draw(enforcements)},
    }
    asked = draw(st.sets(st.sampled_from(sorted(dimensions))))
    qos: dict[str, Any] = {
        name: {**dimensions[name], "weight": draw(st.integers(0, 100))} for name in sorted(asked)
    } | {
        "privacyLevel": draw(mostly("Low", "Medium", "High")),
        "securityLevel": draw(mostly("Low", "Medium", "High")),
    }
    resources = {"memory": "4Gi"} | ({"cpu": draw(st.integers(1, 16))} if draw(st.booleans()) else {})
    return an_aiservice(
        model=VGG16 | {"memoryTrafficBytesPerRequest": draw(mostly("600M", 0, "5G"))},
        load=draw(or_none(st.builds(lambda rate: {"requestsPerSecond": rate}, st.integers(1, 60)))),
        placement={"tiers": draw(mostly([], ["RAN", "Edge"], ["Cloud"]))},
        qos=qos,
        workload={"image": "plates:1.4", "replicas": draw(mostly(1, 2, 3)), "resources": resources},
        variants=draw(st.lists(variants, min_size=1, max_size=3, unique_by=lambda variant: str(variant["name"]))),
    )
