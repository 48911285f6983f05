"""The capacity ledger: what is promised and not yet seen as pods, so that nothing is promised twice.

free = allocatable - requests of all pods bound to the Node, ours or not - our claims that no bound pod covers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

from aif.api.computenode import CPU
from aif.domain.cluster import Amounts, Node, Pod
from aif.scheduling.usage import PODS, ServiceKey, Usage, added, less, usage_by_node

_Key = tuple[str, str]

_ROUNDING = 1e-9
"""Share of an amount within which two sums of binary fractions count as equal."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Capacity of one node, held for one copy of a service.

    Attributes:
        owner: Uid of the AIService.
        namespace: Its namespace.
        service: Its name.
        node: ComputeNode.
        node_name: Node behind it.
        resources: What Kubernetes accounts for, of all replicas: cores, bytes, devices, pods.
        flops_per_second: Compute rate held.
        memory_bandwidth_bytes_per_second: Memory traffic held.
        up_bits_per_second: Rate held on the users' link of ``site``.
        down_bits_per_second: Rate held on it towards the users.
        device: Device type that computes.
        utilisation: Share of the node's devices of that type that the declared load keeps busy.
        site: ComputeNode whose link to the users carries the traffic; empty where the users bring their own.
        copy: Copy of the service; empty for those of its pods that no other claim names.
    """

    owner: str
    namespace: str
    service: str
    node: str
    node_name: str
    resources: Amounts = field(default_factory=dict)
    flops_per_second: float = 0.0
    memory_bandwidth_bytes_per_second: float = 0.0
    up_bits_per_second: float = 0.0
    down_bits_per_second: float = 0.0
    device: str = CPU
    utilisation: float = 0.0
    site: str = ""
    copy: str = ""

    @property
    def service_key(self) -> ServiceKey:
        """Return namespace and name of the service."""
        return self.namespace, self.service


@dataclass(frozen=True, slots=True)
class Held:
    """What our services hold of one ComputeNode."""

    flops_per_second: float = 0.0
    services: int = 0


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Why a claim was refused: the first resource of which the node has too little free."""

    resource: str
    required: float
    free: float


class Ledger:
    """The claims of all services; an amount enters it only while it is free, so no node is ever overbooked.

    It guards what Kubernetes accounts for. Compute rate and links are a second layer, judged by the filters, since a
    service may ask for them softly.
    """

    def __init__(self) -> None:
        self._claims: dict[_Key, Claim] = {}
        self._by_node_name: defaultdict[str, dict[_Key, Claim]] = defaultdict(dict)
        self._by_compute_node: defaultdict[str, dict[_Key, Claim]] = defaultdict(dict)

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Return all claims, oldest first."""
        return tuple(self._claims.values())

    def claim(self, claim: Claim, node: Node, pods: Iterable[Pod]) -> Shortfall | None:
        """Hold ``claim`` in place of an earlier one of the same owner and copy.

        Args:
            claim: What to hold.
            node: The Node behind ``claim.node``.
            pods: Pods that may be bound to it; those bound elsewhere do no harm.

        Returns:
            None where it is held; else what is short, and the ledger stays as it was.
        """
        usage = usage_by_node(pods).get(node.name, Usage())
        others = [held for key, held in self._by_node_name[node.name].items() if key != _key(claim)]
        everyone = [*others, claim]
        free = less(_allocatable(node), added(usage.total, *(_uncovered(held, everyone, usage) for held in others)))
        for resource, required in _uncovered(claim, everyone, usage).items():
            if required > (available := free.get(resource, 0.0)) + _ROUNDING * required:
                return Shortfall(resource, required, available)
        self._put(claim)
        return None

    def release(self, owner: str, copy: str | None = None) -> None:
        """Let go of what ``owner`` holds, of one copy or of all; nothing happens where it holds nothing."""
        for key in [key for key in self._claims if key[0] == owner and copy in (None, key[1])]:
            self._drop(key)

    def held(self, node: str) -> Held:
        """Return what our services hold of the ComputeNode ``node``."""
        claims = self._by_compute_node.get(node, {}).values()
        return Held(sum(claim.flops_per_second for claim in claims), len({claim.owner for claim in claims}))

    def free(self, node: Node, usage: Usage, leaving_out: ServiceKey | None = None) -> dict[str, float]:
        """Return what is free of ``node``, as if the service ``leaving_out`` had neither claim nor pods there."""
        claims = [claim for claim in self._by_node_name[node.name].values() if claim.service_key != leaving_out]
        taken = added(usage.total, *(_uncovered(claim, claims, usage) for claim in claims))
        own = usage.of_service(leaving_out) if leaving_out else {}
        return less(_allocatable(node), less(taken, own))

    def _put(self, claim: Claim) -> None:
        key = _key(claim)
        self._drop(key)
        self._claims[key] = claim
        self._by_node_name[claim.node_name][key] = claim
        self._by_compute_node[claim.node][key] = claim

    def _drop(self, key: _Key) -> None:
        if claim := self._claims.pop(key, None):
            del self._by_node_name[claim.node_name][key]
            del self._by_compute_node[claim.node][key]


def _key(claim: Claim) -> _Key:
    return claim.owner, claim.copy


def _allocatable(node: Node) -> Amounts:
    return {PODS: inf, **node.allocatable}


def _uncovered(claim: Claim, claims: Iterable[Claim], usage: Usage) -> dict[str, float]:
    """Return what ``claim`` holds beyond the pods of its copy; one without a copy counts those that no other names."""
    copies = usage.ours.get(claim.service_key, {})
    named = {other.copy for other in claims if other.service_key == claim.service_key and other.copy}
    mine = {claim.copy} if claim.copy else copies.keys() - named
    return less(claim.resources, added(*(copies[copy] for copy in mine if copy in copies)))
