"""Whether a node is overbooked, judged from the API server alone: by Node allocatable and the requests of all pods."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from kubernetes.utils.quantity import parse_quantity

Object = Mapping[str, Any]
Amounts = Mapping[str, Decimal]

_PARSE: Final[Callable[[str], Decimal]] = parse_quantity  # not the operator's own parser, which is under test here
_HOSTNAME: Final = "kubernetes.io/hostname"
_ENDED: Final = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class Overbooking:
    """More asked of a resource of a node than it has."""

    node: str
    resource: str
    requested: Decimal
    allocatable: Decimal

    def __str__(self) -> str:
        return f"{self.node}: {self.requested} of {self.allocatable} {self.resource}"


def overbooked(nodes: Iterable[Object], pods: Iterable[Object]) -> list[Overbooking]:
    """Return each resource of a node of which the pods there ask for more than is allocatable.

    A pod that is bound to no node yet counts where its node selector sends it: the scheduler would refuse it there, but
    whoever sent it has promised what is not free. A copy that is being deleted counts as long as its pod is there.
    """
    asked = requested(pods)
    return [
        Overbooking(name, resource, amount, offered.get(resource, Decimal(0)))
        for node in nodes
        if (name := node["metadata"]["name"]) in asked
        for offered in [_amounts(node["status"].get("allocatable"))]
        for resource, amount in asked[name].items()
        if amount > offered.get(resource, Decimal(0))
    ]


def requested(pods: Iterable[Object]) -> dict[str, dict[str, Decimal]]:
    """Return what the pods that have not ended ask for, by node and resource."""
    asked: defaultdict[str, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for pod in pods:
        if (node := host_of(pod)) and pod["status"].get("phase") not in _ENDED:
            for resource, amount in _requests(pod["spec"]):
                asked[node][resource] += amount
            asked[node]["pods"] += 1
    return {node: dict(amounts) for node, amounts in asked.items()}


def host_of(pod: Object) -> str:
    """Return the node that a pod is bound to or, failing that, sent to; empty where it may go anywhere."""
    spec = pod["spec"]
    return str(spec.get("nodeName") or (spec.get("nodeSelector") or {}).get(_HOSTNAME, ""))


def _requests(spec: Object) -> Iterator[tuple[str, Decimal]]:
    for container in spec.get("containers", ()):
        yield from _amounts((container.get("resources") or {}).get("requests")).items()


def _amounts(written: Mapping[str, str] | None) -> Amounts:
    return {resource: _parsed(str(amount)) for resource, amount in (written or {}).items()}


@lru_cache(maxsize=4096)
def _parsed(amount: str) -> Decimal:
    return _PARSE(amount)
