"""The operator's picture of the cluster: caches that reflectors fill, and the ledger of what was promised."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.api.trainingjob import TrainingJob
from aif.contract.copies import CopyLook
from aif.contract.watch import Judged, current
from aif.domain.cluster import Child, Node, ObjectReference, Pod, ServiceView
from aif.domain.learning import Told
from aif.domain.policy import Policy
from aif.domain.registry import speakers
from aif.gateways.cache import Cache, Key
from aif.gateways.expectations import Seen
from aif.gateways.kubernetes.kinds import Faulty
from aif.gateways.kubernetes.views import Endpoints
from aif.handlers.indexes import (
    child_uid,
    job_of,
    learns_for,
    learns_on,
    leaving_copies,
    placed_on,
    seen,
    served_by,
    service_of,
    speaks_for,
    uid,
    waits_for,
)
from aif.handlers.measured import Measured
from aif.handlers.moves import MoveRate
from aif.reconcile.computenode import NodeSnapshot
from aif.reconcile.snapshot import Snapshot
from aif.scheduling.fleet import Fleet
from aif.scheduling.ledger import Claim, Ledger, Shortfall
from aif.scheduling.node_table import NodeTable
from aif.scheduling.selection import Selection
from aif.scheduling.usage import added

CHILD_KINDS = (
    "Deployment",
    "Service",
    "PodDisruptionBudget",
    "HTTPRoute",
    "Job",
    "ConfigMap",
    "NetworkPolicy",
    "Certificate",
)

BAR_SECONDS = 60.0
"""How long a node is left out that took no pod of a service although its figures said that it should."""

REMEMBERED = 4096
"""Objects that are gone and that a write may still be waited for; that takes a moment at most."""


class World:
    """Everything the operator has seen, and what it promised on that ground.

    Attributes:
        services: AIServices, as kopf reports them.
        jobs: TrainingJobs, likewise.
        told: What each training job (uid) last said of itself.
        wanted: Service that needs the place of a training job (uid).
        job_bars: Nodes that took no pod of a training job (uid), whatever their figures say, and until when.
        compute_nodes: ComputeNodes.
        nodes: Kubernetes Nodes.
        pods: All pods that have not ended, ours or not.
        children: Deployments, Services and HTTPRoutes of the operator, a cache per kind.
        endpoints: EndpointSlices of the operator's Services.
        priority_classes: Names of PriorityClasses with their values.
        moves: How many services may leave their nodes at once.
        ledger: What is promised to services.
        routes_served: Whether the API server knows HTTPRoute.
        signer_served: Whether it knows the Certificate of cert-manager.
        judged: Returns what is known of the promises of a service (uid); None where nothing measures.
        measured: What was measured of resources and of nodes.
        judged_copies: Returns what is known of each copy of a service (uid) that moves.
        copies_told_apart: Tells whether the metrics of a service tell one copy of it from another.
        moving: Uids of the services that move, those among them whose move was only just decided.
    """

    def __init__(self, policy: Policy, clock: Callable[[], float]) -> None:
        self.policy = policy
        self.services: Cache[AIService | Faulty] = Cache({"node": placed_on})
        self.compute_nodes: Cache[ComputeNode | Faulty] = Cache({"node": speaks_for})
        self.nodes: Cache[Node] = Cache()
        self.jobs: Cache[TrainingJob | Faulty] = Cache({"node": learns_on, "awaits": waits_for})
        self.told: dict[str, Told] = {}
        self.wanted: dict[str, str] = {}
        self.job_bars: dict[str, dict[str, datetime]] = {}
        self.pods: Cache[Pod] = Cache(
            {"service": served_by, "node": lambda pod: [pod.node] if pod.node else [], "job": learns_for}
        )
        self.children: dict[str, Cache[Child]] = {
            kind: Cache({"service": service_of, "job": job_of}) for kind in CHILD_KINDS
        }
        self.endpoints: Cache[Endpoints] = Cache({"service": lambda e: [(e.namespace, e.service)]})
        self.ledger = Ledger()
        self.routes_served = False
        self.signer_served = False
        self.judged: Callable[[str], tuple[Judged, ...] | None] = lambda _: None
        self.measured = Measured()
        self.judged_copies: Callable[[str], Mapping[str, CopyLook]] = lambda _: {}
        self.copies_told_apart: Callable[[AIService], bool] = lambda _: False
        self.moving: set[str] = set()
        self.priority_classes: Cache[tuple[str, int]] = Cache()
        self.moves = MoveRate(clock)
        self._selections: dict[str, tuple[int, Selection]] = {}
        self._refusals: dict[str, tuple[int, Selection]] = {}
        self._gone: dict[str, None] = {}
        self._bars: dict[str, dict[str, datetime]] = {}
        self._fleet = Fleet(self.ledger)
        self._crowded: set[str] = set()
        self._by_name: dict[str, Node] | None = None
        self._keep_fleet()
        self._keep_gone()

    def snapshot(self, service: AIService, now: datetime) -> Snapshot:
        """Return the world as a decision about ``service`` sees it."""
        return Snapshot(
            table=self.table(now),
            nodes=self.nodes_by_name(),
            view=self.view((service.metadata.namespace, service.metadata.name)),
            claims=self.ledger.claims_of(service.metadata.uid),
            selection=self._assigned(service),
            barred=self.barred(service, now),
            may_move=self.moves.allows(),
            policy=self.policy,
            judged=current(service, self.judged(service.metadata.uid)),
            pressures=self.measured.pressures(service.metadata.uid),
            judged_copies=self.judged_copies(service.metadata.uid),
            copies_told_apart=self.copies_told_apart(service),
            may_start=service.metadata.uid in self.moving or len(self.moving) < self.policy.moves_at_once,
            routes_served=self.routes_served,
            users=self.measured.users(service.metadata.uid),
        )

    def job_pods(self, key: Key) -> tuple[Pod, ...]:
        """Return the pods of the TrainingJob ``key`` that have not ended."""
        return self.pods.select("job", key)

    def hold(self, service: AIService, claims: Collection[Claim]) -> Shortfall | None:
        """Hold exactly ``claims`` for ``service`` in the ledger; return what is short where they cannot be held."""
        meta = service.metadata
        leaving = leaving_copies(service, {claim.copy for claim in claims}, self.view((meta.namespace, meta.name)))
        hosts = {claim.node_name for claim in claims}
        bound = [pod for host in hosts for pod in self.pods.select("node", host)]
        pods = [pod for pod in bound if (pod.namespace, pod.service, pod.copy) not in leaving]
        nodes = {name: node for claim in claims if (node := self.nodes.get(("", name := claim.node_name)))}
        return self.ledger.settle(meta.uid, claims, nodes, pods)

    def assign(self, service: AIService, selection: Selection) -> None:
        """Keep what was decided for ``service`` together with others, and hold what it takes, until it acts on it.

        That there is no place for it stays true until capacity changes, however often it is looked at.
        """
        meta = service.metadata
        if selection.chosen is None and meta.uid not in self._bars:
            self._refusals[meta.uid] = (meta.generation, selection)
        elif self.hold(service, [choice.claim for choice in selection.choices]) is None:
            self._selections[meta.uid] = (meta.generation, selection)

    def has_selection(self, service: AIService) -> bool:
        """Tell whether a decision for the present spec of ``service`` waits to be acted on."""
        return self._assigned(service) is not None

    def _assigned(self, service: AIService) -> Selection | None:
        uid = service.metadata.uid
        generation, selection = self._selections.get(uid) or self._refusals.get(uid) or (None, None)
        return selection if generation == service.metadata.generation else None

    def forget_selection(self, owner: str) -> None:
        """Say that the service ``owner`` has acted on its decision."""
        self._selections.pop(owner, None)

    def forget_refusals(self, owner: str | None = None) -> None:
        """Say that there may be a place for who found none, as capacity changed; or that ``owner`` is gone."""
        if owner is None:
            self._refusals.clear()
        else:
            self._refusals.pop(owner, None)

    def bar(self, service: AIService, nodes: Iterable[str], now: datetime) -> None:
        """Leave ``nodes`` out of decisions about ``service`` for a while."""
        until = now + timedelta(seconds=BAR_SECONDS)
        self._bars.setdefault(service.metadata.uid, {}).update(dict.fromkeys(nodes, until))

    def barred(self, service: AIService, now: datetime) -> frozenset[str]:
        """Return the nodes that are left out of decisions about ``service`` for now."""
        return frozenset(node for node, until in self._bars.get(service.metadata.uid, {}).items() if until > now)

    def priorities(self) -> dict[str, int]:
        """Return the value of each PriorityClass; of none under the empty name."""
        return {"": 0, **dict(iter(self.priority_classes))}

    def priority(self, key: Key) -> int:
        """Return the value of the PriorityClass that the AIService ``key`` names."""
        service, values = self.services.get(key), self.priorities()
        name = service.spec.priority_class_name if isinstance(service, AIService) else None
        return values.get(name or "", values[""])

    def view(self, key: Key) -> ServiceView:
        """Return what exists of the AIService ``key``."""
        ready = [address for part in self.endpoints.select("service", key) for address in part.ready]
        children = tuple(child for cache in self.children.values() for child in cache.select("service", key))
        return ServiceView(children, self.pods.select("service", key), len(set(ready)), frozenset(ready))

    def table(self, now: datetime) -> NodeTable:
        """Return all ComputeNodes with what is free on them; only what changed is counted anew."""
        for name in self._crowded:
            self._fleet.update_pods(name, self.pods.select("node", name))
        self._crowded.clear()
        return self._fleet.table(now)

    def node_snapshot(self, node: ComputeNode) -> NodeSnapshot:
        """Return the world as a judgement of ``node`` sees it."""
        name, host, seen = node.metadata.name, node.spec.node_name or "", self.measured
        claimed = added(*(claim.resources for claim in self.ledger.on_node(name)))
        known, held, speaker = self.nodes.get(("", host)), self.ledger.held(name), self.speaker(host)
        return NodeSnapshot(known, speaker, held, claimed, seen.reading(name), seen.learnt(name))

    def speaker(self, node_name: str) -> str:
        """Return the ComputeNode that speaks for a Node; empty where none does."""
        rivals = self.compute_nodes.select("node", node_name)
        return speakers(node for node in rivals if isinstance(node, ComputeNode)).get(node_name, "")

    def nodes_by_name(self) -> dict[str, Node]:
        """Return all Nodes by name; a new dictionary only after one of them changed."""
        if self._by_name is None:
            self._by_name = {node.name: node for node in self.nodes}
        return self._by_name

    def _update_node(self, name: str, node: Node | None) -> None:
        self._by_name = None
        self._fleet.update_node(name, node)

    def _keep_fleet(self) -> None:
        """Have the table follow the caches."""
        self.nodes.listen(lambda key, _, node: self._update_node(key[1], node))
        self.compute_nodes.listen(
            lambda key, _, node: self._fleet.update_compute_node(
                key[1], node if isinstance(node, ComputeNode) else None
            )
        )
        self.pods.listen(lambda _, before, after: self._crowd(before, after))

    def _keep_gone(self) -> None:
        """Remember which objects are gone, so that nobody waits to see what was written of them."""
        self.services.listen(lambda _, before, after: self._follow(before, after))
        self.services.listen(lambda _, before, after: self._vanish(uid(before), uid(after)))
        self.jobs.listen(lambda _, before, after: self._vanish(uid(before), uid(after)))
        self.compute_nodes.listen(lambda _, before, after: self._vanish(uid(before), uid(after)))
        for cache in self.children.values():
            cache.listen(lambda _, before, after: self._vanish(child_uid(before), child_uid(after)))

    def _follow(self, before: AIService | Faulty | None, after: AIService | Faulty | None) -> None:
        """Follow who moves; one that is gone moves no more."""
        if uid(before) != uid(after):
            self.moving.discard(uid(before))
        if isinstance(after, AIService):
            self.follow_move(after.metadata.uid, moves=after.status.migration is not None)

    def follow_move(self, owner: str, *, moves: bool) -> None:
        """Count the service ``owner`` among those that move, or not."""
        (self.moving.add if moves else self.moving.discard)(owner)

    def _vanish(self, before: str, after: str) -> None:
        if before and before != after:
            self._gone[before] = None
            if len(self._gone) > REMEMBERED:
                del self._gone[next(iter(self._gone))]

    def _crowd(self, *pods: Pod | None) -> None:
        self._crowded.update(pod.node for pod in pods if pod is not None and pod.node)

    def look(self, reference: ObjectReference) -> Seen | None:
        """Return what the caches show of an object that was written; None where they show nothing.

        One that they showed and show no more is not waited for: it is seen as terminating.
        """
        if reference.uid in self._gone:
            return Seen("", "", terminating=True)
        key = (reference.namespace, reference.name)
        match reference.kind:
            case "AIService":
                return seen(self.services.get(key))
            case "ComputeNode":
                return seen(self.compute_nodes.get(key))
            case "TrainingJob":
                return seen(self.jobs.get(key))
            case kind:
                child = self.children[kind].get(key)
                return None if child is None else Seen(child.reference.uid, child.resource_version, child.terminating)
