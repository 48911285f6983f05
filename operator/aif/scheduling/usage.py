"""What the pods bound to a Node request, summed up; those of our services also copy by copy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aif.domain.cluster import Amounts, Pod
from aif.planning.demands import PODS

ServiceKey = tuple[str, str]
"""Namespace and name of an AIService, or of a TrainingJob behind `job/`."""

CopyKey = tuple[str, str, str]
"""Namespace and name of an AIService, and a copy of it."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Requests of all pods bound to one Node.

    Attributes:
        total: Sum over all pods, ours or not.
        ours: Sum over the pods of each of our services, by copy.
    """

    total: Amounts = field(default_factory=dict)
    ours: Mapping[ServiceKey, Mapping[str, Amounts]] = field(default_factory=dict)

    def without(self, service: ServiceKey, copy: str) -> tuple[Usage, Amounts]:
        """Return the usage as if the pods of ``copy`` were gone, and what they request."""
        gone = self.ours.get(service, {}).get(copy, {})
        total = {resource: amount - gone.get(resource, 0.0) for resource, amount in self.total.items()}
        copies = {name: amounts for name, amounts in self.ours.get(service, {}).items() if name != copy}
        others = {key: parts for key, parts in self.ours.items() if key != service}
        return Usage(total, {**others, service: copies} if copies else others), gone


def usage_by_node(pods: Iterable[Pod]) -> dict[str, Usage]:
    """Return the usage of every Node that has pods; pods that are not bound count nowhere."""
    bound: dict[str, list[Pod]] = defaultdict(list)
    for pod in pods:
        if pod.node:
            bound[pod.node].append(pod)
    return {node: _usage(group) for node, group in bound.items()}


def added(*summands: Amounts) -> dict[str, float]:
    """Return the sum per resource."""
    total: dict[str, float] = {}
    for amounts in summands:
        for resource, amount in amounts.items():
            total[resource] = total.get(resource, 0.0) + amount
    return total


def _usage(pods: list[Pod]) -> Usage:
    copies: dict[ServiceKey, dict[str, list[Pod]]] = defaultdict(lambda: defaultdict(list))
    for pod in pods:
        if pod.holder:
            copies[pod.namespace, pod.holder][pod.copy].append(pod)
    ours = {service: {copy: _sum(group) for copy, group in groups.items()} for service, groups in copies.items()}
    return Usage(_sum(pods), ours)


def _sum(pods: list[Pod]) -> dict[str, float]:
    return {**added(*(pod.requests for pod in pods)), PODS: float(len(pods))}
