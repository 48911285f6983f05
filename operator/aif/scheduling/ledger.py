"""The capacity ledger: what is promised and not yet seen as pods, so that nothing is promised twice.

free = allocatable - requests of all pods bound to the Node, ours or not - our claims that no bound pod covers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import inf

from aif.api.computenode import CPU
from aif.domain.cluster import Amounts, Node, Pod
from aif.planning.demands import PODS
from aif.scheduling.usage import Usage, added, usage_by_node

JOB_PREFIX = "job/"
"""Stands before the name of a training job, where claims name who holds them."""

_ROUNDING = 1e-9
"""Share of an amount within which two sums of binary fractions count as equal."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Capacity of one node, held for replicas of a service.

    Attributes:
        owner: Uid of the AIService or TrainingJob.
        namespace: Its namespace.
        service: Its name; behind `job/` that of a TrainingJob.
        node: ComputeNode.
        node_name: Node behind it.
        resources: What Kubernetes accounts for, of all replicas there: cores, bytes, devices, pods.
        flops_per_second: Compute rate held.
        memory_bandwidth_bytes_per_second: Memory traffic held.
        up_bits_per_second: Rate held on the users' link of ``site``.
        down_bits_per_second: Rate held on it towards the users.
        device: Device type that computes.
        utilisation: Share of the node's devices of that type that the declared load keeps busy.
        site: ComputeNode whose link to the users carries the traffic; empty where the users bring their own.
        requests_per_second: Load of the replicas; 0 where nobody told.
        latency_seconds: What the latency target leaves for the transfer of the input and for compute; 0 where there is
            no target, or the figures are missing.
        copy: Copy of the service whose pods use it; empty for all of its pods on the node.
        leaving: Whether that copy is on its way out: held until it is gone, and no reason for others to leave.
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
    requests_per_second: float = 0.0
    latency_seconds: float = 0.0
    copy: str = ""
    leaving: bool = False

    @property
    def of_job(self) -> bool:
        """Tell whether a training job holds it, which makes room for services."""
        return self.service.startswith(JOB_PREFIX)

    @property
    def key(self) -> tuple[str, str]:
        """Return what tells the claims of one owner apart: copy and node."""
        return self.copy, self.node


@dataclass(frozen=True, slots=True)
class Held:
    """What our services and training jobs hold of one ComputeNode."""

    flops_per_second: float = 0.0
    services: int = 0
    training_jobs: int = 0


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Why a claim was refused: the first resource of which its Node has too little free."""

    resource: str
    required: float
    free: float
    node: str


Listener = Callable[[tuple[Claim, ...]], None]
"""Is told the claims that came or went."""


class Ledger:
    """The claims of all services; an amount is claimed only while it is free, so no node is ever overbooked.

    A service has a claim per copy and node: its replicas may stand on several nodes, and while it moves it holds both
    ends. The ledger guards what Kubernetes accounts for; compute rate and links are a second layer, which the filters
    judge, since a service may ask for them softly.
    """

    def __init__(self) -> None:
        self._claims: dict[str, tuple[Claim, ...]] = {}
        self._on_host = _Index(lambda claim: claim.node_name)
        self._on_node = _Index(lambda claim: claim.node)
        self._at_site = _Index(lambda claim: claim.site)
        self._listeners: list[Listener] = []

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Return all claims, those of the owner who settled first at the front."""
        return tuple(claim for claims in self._claims.values() for claim in claims)

    def claims_of(self, owner: str) -> tuple[Claim, ...]:
        """Return what the service with the uid ``owner`` holds."""
        return self._claims.get(owner, ())

    def on_host(self, node_name: str) -> tuple[Claim, ...]:
        """Return the claims on the Node of that name."""
        return self._on_host.of(node_name)

    def on_node(self, node: str) -> tuple[Claim, ...]:
        """Return the claims on the ComputeNode of that name."""
        return self._on_node.of(node)

    def at_site(self, site: str) -> tuple[Claim, ...]:
        """Return the claims whose traffic goes over the users' link of the ComputeNode ``site``."""
        return self._at_site.of(site)

    def listen(self, listener: Listener) -> None:
        """Have ``listener`` told all claims that come or go from now on."""
        self._listeners.append(listener)

    def settle(
        self, owner: str, claims: Iterable[Claim], nodes: Mapping[str, Node], pods: Iterable[Pod]
    ) -> Shortfall | None:
        """Hold ``claims`` in place of all that ``owner`` held before: all of them, or none.

        Args:
            owner: Uid that they are of.
            claims: What to hold; one that is held already is not judged again.
            nodes: Nodes by name; one that is not there offers nothing.
            pods: Pods that may be bound to them; those bound elsewhere do no harm.

        Returns:
            None where they are held; else what is short, and the ledger stays as it was.

        Raises:
            ValueError: Two of ``claims`` are of the same copy on the same node.
        """
        wanted, held = tuple(claims), self.claims_of(owner)
        if len({claim.key for claim in wanted}) < len(wanted):
            raise ValueError(f"{owner} has two claims of one copy on one node: sum them up")
        known = [replace(claim, leaving=False) for claim in held]
        new = [claim for claim in wanted if replace(claim, leaving=False) not in known]
        hosts = {claim.node_name for claim in new}
        usage = usage_by_node(pod for pod in pods if pod.node in hosts)
        for host in sorted(hosts):
            node, used = nodes.get(host, Node(host)), usage.get(host, Usage())
            free = self.free(node, used, besides=owner)
            for claim in sorted((c for c in wanted if c.node_name == host), key=new.__contains__):
                short = _take(claim, used, free)
                if short is not None and claim in new:
                    return short
        self._put(owner, wanted)
        return None

    def restore(self, claim: Claim) -> None:
        """Hold ``claim`` unasked, in place of one of its copy and node.

        What was promised before a restart is a fact, whatever has become of the node.
        """
        others = tuple(held for held in self.claims_of(claim.owner) if held.key != claim.key)
        self._put(claim.owner, (*others, claim))

    def release(self, owner: str) -> None:
        """Let go of all that ``owner`` holds; nothing happens where it holds nothing."""
        self._put(owner, ())

    def held(self, node: str) -> Held:
        """Return what our services hold of the ComputeNode ``node``."""
        claims = self.on_node(node)
        jobs = {claim.owner for claim in claims if claim.of_job}
        owners = {claim.owner for claim in claims}
        return Held(sum(claim.flops_per_second for claim in claims), len(owners - jobs), len(jobs))

    def free(self, node: Node, usage: Usage, besides: str = "") -> dict[str, float]:
        """Return what is free of ``node`` beside its pods and all claims but those of the owner ``besides``.

        Less than nothing where more is taken than allocatable, as after a device failed.
        """
        return free_of(node, usage, (claim for claim in self.on_host(node.name) if claim.owner != besides))

    def _put(self, owner: str, claims: tuple[Claim, ...]) -> None:
        held = self._claims.get(owner, ())
        gone = tuple(claim for claim in held if claim not in claims)
        come = tuple(claim for claim in claims if claim not in held)
        for index in (self._on_host, self._on_node, self._at_site):
            index.remove(gone)
            index.add(come)
        if claims:
            self._claims[owner] = claims
        else:
            self._claims.pop(owner, None)
        if gone or come:
            for listener in self._listeners:
                listener(gone + come)


class _Index:
    """Claims by one of their names."""

    def __init__(self, name: Callable[[Claim], str]) -> None:
        self._name = name
        self._claims: defaultdict[str, dict[tuple[str, str, str], Claim]] = defaultdict(dict)

    def of(self, name: str) -> tuple[Claim, ...]:
        """Return the claims of that name."""
        return tuple(self._claims.get(name, {}).values())

    def add(self, claims: Iterable[Claim]) -> None:
        """Enter ``claims``."""
        for claim in claims:
            self._claims[self._name(claim)][claim.owner, *claim.key] = claim

    def remove(self, claims: Iterable[Claim]) -> None:
        """Strike ``claims``."""
        for claim in claims:
            entries = self._claims[self._name(claim)]
            del entries[claim.owner, *claim.key]
            if not entries:
                del self._claims[self._name(claim)]


def free_of(node: Node, usage: Usage, claims: Iterable[Claim]) -> dict[str, float]:
    """Return what is free of ``node`` beside the pods of ``usage`` and ``claims``."""
    taken = added(usage.total, *(uncovered(claim, usage) for claim in claims))
    allocatable = {PODS: inf, **node.allocatable}
    return {resource: amount - taken.get(resource, 0.0) for resource, amount in allocatable.items()}


def uncovered(claim: Claim, usage: Usage) -> dict[str, float]:
    """Return what ``claim`` holds beyond the bound pods of its copy."""
    covering = covered(claim, usage)
    return {resource: max(0.0, held - covering.get(resource, 0.0)) for resource, held in claim.resources.items()}


def covered(claim: Claim, usage: Usage) -> Amounts:
    """Return what the pods that use ``claim`` request: those of its copy, or all of the service where it names none."""
    copies = usage.ours.get((claim.namespace, claim.service), {})
    return copies.get(claim.copy, {}) if claim.copy else added(*copies.values())


def _take(claim: Claim, usage: Usage, free: dict[str, float]) -> Shortfall | None:
    """Take ``claim`` out of ``free``; return the first resource of which there was too little."""
    short = None
    for resource, required in uncovered(claim, usage).items():
        available = free.get(resource, 0.0)
        if short is None and required > 0.0 and required > available + _ROUNDING * required:
            short = Shortfall(resource, required, max(0.0, available), claim.node_name)
        free[resource] = available - required
    return short
