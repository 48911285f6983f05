"""What a real node is like: its name, labels, extended resources, share of the CPU and rate of its link."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from cluster.errors import ClusterError

GPU = "nvidia.com/gpu"
TIER_LABEL = "net4ai.node-restriction.kubernetes.io/tier"
MOST_NODES = 15
"""A cluster's block of addresses has pod networks for so many."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_RATE = re.compile(r"(\d+(?:\.\d+)?)([kmg])bit")
_RESERVED = {"hub", "control"}
_FACTORS = {"k": 10**3, "m": 10**6, "g": 10**9}


@dataclass(frozen=True, slots=True)
class RealNode:
    """A node to run for real.

    `cpus` is what all its pods together get of the machine's CPUs, None for no limit; `rate` limits its link to the
    others in each direction, as tc writes it (`100mbit`). `resources` are extended resources, such as GPUs that the
    machine does not have: the scheduler and the kubelet account for them as for any.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, str] = field(default_factory=dict)
    cpus: float | None = None
    rate: str | None = None


DEFAULT_NODES = (
    RealNode("ran-1", {TIER_LABEL: "RAN"}, cpus=0.5, rate="1gbit"),
    RealNode("edge-1", {TIER_LABEL: "Edge"}, {GPU: "1"}, cpus=1.0, rate="1gbit"),
    RealNode("cloud-1", {TIER_LABEL: "Cloud"}, {GPU: "4"}),
)
"""The nodes of `--nodes real`."""


def parse_all(text: str) -> tuple[RealNode, ...]:
    """The real nodes that a user wants: none for `simulated`, three for `real`, else as described, between spaces."""
    match text.split():
        case ["simulated"] | []:
            return ()
        case ["real"]:
            return DEFAULT_NODES
        case described:
            return require_distinct(tuple(map(parse, described)))


def parse(text: str) -> RealNode:
    """The node of `NAME:[key=value,...]` with the keys tier, gpus, cpus and rate; ClusterError names what is wrong."""
    name, colon, rest = text.partition(":")
    if not colon:
        raise ClusterError(f"--nodes {text!r}: write `simulated`, `real`, or nodes such as {text}:tier=Edge,gpus=1")
    if not _NAME.fullmatch(name):
        raise ClusterError(f"--nodes {text!r}: {name!r} is no node name: use 1 to 40 of a-z, 0-9 and '-'")
    node = RealNode(name)
    for item in filter(None, rest.split(",")):
        key, _, value = item.partition("=")
        if key not in _KEYS or not value:
            raise ClusterError(f"--nodes {text!r}: {item!r} is not key=value with a key of: {', '.join(_KEYS)}")
        node = _KEYS[key](node, value)
    return node


def require_distinct(nodes: tuple[RealNode, ...]) -> tuple[RealNode, ...]:
    """The nodes again; ClusterError where two share a name, or there are too many for the block of addresses."""
    names = [node.name for node in nodes]
    if len(set(names)) < len(names):
        raise ClusterError(f"--nodes: two nodes have one name ({', '.join(sorted(names))})")
    if reserved := _RESERVED & set(names):
        raise ClusterError(f"--nodes: {', '.join(reserved)} is a name that the cluster itself uses: choose another")
    if len(names) > MOST_NODES:
        raise ClusterError(f"--nodes: {len(names)} nodes, at most {MOST_NODES} can run in one cluster")
    return nodes


def bits_per_second(rate: str) -> int:
    """The number behind a rate such as `10mbit`; ClusterError where it is none."""
    found = _RATE.fullmatch(rate)
    if found is None or float(found[1]) == 0:
        raise ClusterError(f"rate {rate!r} is none: write it such as 500kbit, 10mbit or 1gbit")
    return round(float(found[1]) * _FACTORS[found[2]])


def cpu_share(text: str) -> float:
    """The number of CPUs in an option; ClusterError where it is not above zero."""
    try:
        cpus = float(text)
    except ValueError:
        cpus = 0.0
    if not 0 < cpus < float("inf"):
        raise ClusterError(f"cpus {text!r} is no number of CPUs: write it such as 0.2 or 1.5")
    return cpus


def _with_tier(node: RealNode, value: str) -> RealNode:
    return replace(node, labels={**node.labels, TIER_LABEL: value})


def _with_gpus(node: RealNode, value: str) -> RealNode:
    if not value.isdecimal():
        raise ClusterError(f"--nodes {node.name}: gpus={value} is no whole number")
    return replace(node, resources={**node.resources, GPU: value})


def _with_cpus(node: RealNode, value: str) -> RealNode:
    return replace(node, cpus=cpu_share(value))


def _with_rate(node: RealNode, value: str) -> RealNode:
    bits_per_second(value)
    return replace(node, rate=value)


_KEYS: Mapping[str, Callable[[RealNode, str], RealNode]] = {
    "tier": _with_tier,
    "gpus": _with_gpus,
    "cpus": _with_cpus,
    "rate": _with_rate,
}
