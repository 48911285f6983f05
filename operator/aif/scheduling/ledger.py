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
from aif.planning.demands import PODS
from aif.scheduling.usage import Usage, added, usage_by_node

_ROUNDING = 1e-9
"""Share of an amount within which two sums of binary fractions count as equal."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Capacity of one node, held for a service.

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
        copy: Copy of the service whose pods use it; empty for all of its pods.
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
    """The claims of all services; an amount is claimed only while it is free, so no node is ever overbooked.

    A service has one claim. The ledger guards what Kubernetes accounts for; compute rate and links are a second layer,
    which the filters judge, since a service may ask for them softly.
    """

    def __init__(self) -> None:
        self._claims: dict[str, Claim] = {}
        self._by_node_name: defaultdict[str, dict[str, Claim]] = defaultdict(dict)
        self._by_compute_node: defaultdict[str, dict[str, Claim]] = defaultdict(dict)

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Return all claims, oldest first."""
        return tuple(self._claims.values())

    def claim_of(self, owner: str) -> Claim | None:
        """Return what the service with the uid ``owner`` holds."""
        return self._claims.get(owner)

    def claim(self, claim: Claim, node: Node, pods: Iterable[Pod]) -> Shortfall | None:
        """Hold ``claim`` in place of what its owner held before.

        Args:
            claim: What to hold.
            node: The Node behind ``claim.node``.
            pods: Pods that may be bound to it; those bound elsewhere do no harm.

        Returns:
            None where it is held; else what is short, and the ledger stays as it was.
        """
        usage = usage_by_node(pod for pod in pods if pod.node == node.name).get(node.name, Usage())
        free = self.free(node, usage, besides=claim.owner)
        for resource, required in uncovered(claim, usage).items():
            if required > 0.0 and required > (available := free.get(resource, 0.0)) + _ROUNDING * required:
                return Shortfall(resource, required, max(0.0, available))
        self._put(claim)
        return None

    def restore(self, claim: Claim) -> None:
        """Hold ``claim`` unasked: what was promised before a restart is a fact, whatever has become of the node."""
        self._put(claim)

    def release(self, owner: str) -> None:
        """Let go of what ``owner`` holds; nothing happens where it holds nothing."""
        if claim := self._claims.pop(owner, None):
            del self._by_node_name[claim.node_name][owner]
            del self._by_compute_node[claim.node][owner]

    def held(self, node: str) -> Held:
        """Return what our services hold of the ComputeNode ``node``."""
        claims = self._by_compute_node.get(node, {}).values()
        return Held(sum(claim.flops_per_second for claim in claims), len(claims))

    def free(self, node: Node, usage: Usage, besides: str = "") -> dict[str, float]:
        """Return what is free of ``node`` beside its pods and all claims but that of the owner ``besides``.

        Less than nothing where more is taken than allocatable, as after a device failed.
        """
        claims = self._by_node_name.get(node.name, {}).values()
        taken = added(usage.total, *(uncovered(claim, usage) for claim in claims if claim.owner != besides))
        allocatable = {PODS: inf, **node.allocatable}
        return {resource: amount - taken.get(resource, 0.0) for resource, amount in allocatable.items()}

    def _put(self, claim: Claim) -> None:
        self.release(claim.owner)
        self._claims[claim.owner] = claim
        self._by_node_name[claim.node_name][claim.owner] = claim
        self._by_compute_node[claim.node][claim.owner] = claim


def uncovered(claim: Claim, usage: Usage) -> dict[str, float]:
    """Return what ``claim`` holds beyond the bound pods of its copy."""
    covering = covered(claim, usage)
    return {resource: max(0.0, held - covering.get(resource, 0.0)) for resource, held in claim.resources.items()}


def covered(claim: Claim, usage: Usage) -> Amounts:
    """Return what the pods that use ``claim`` request: those of its copy, or all of the service where it names none."""
    copies = usage.ours.get((claim.namespace, claim.service), {})
    return copies.get(claim.copy, {}) if claim.copy else added(*copies.values())
