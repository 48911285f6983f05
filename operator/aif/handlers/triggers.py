"""Which objects must be looked at when something in the world changes."""

from __future__ import annotations

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.api.trainingjob import TrainingJob
from aif.domain.cluster import Child, Node, Pod
from aif.gateways.cache import Key
from aif.gateways.kubernetes.kinds import Faulty
from aif.gateways.kubernetes.views import Endpoints
from aif.gateways.workqueue import WorkQueue
from aif.handlers.keys import Kind, WorkKey
from aif.handlers.world import World

SETTLE_SECONDS = 0.2
"""How long freed capacity may gather before the services that wait for it are looked at again."""


JOB_SETTLE_SECONDS = 1.0
"""The same for training jobs: services come first."""


RESERVED_SECONDS = 5.0
"""How long changes of what is held of a ComputeNode may gather before its status tells of them."""


_DECIDING = frozenset({"Accepted", "Verified", "TelemetryFresh"})
"""Conditions of a ComputeNode that decisions rest on."""


class Triggers:
    """Turns changes of the caches into keys on the queue; each is cheap, and none decides anything."""

    def __init__(self, world: World, work: WorkQueue[WorkKey]) -> None:
        self._world = world
        self._work = work
        self.waiting: set[WorkKey] = set()
        """Services that wait for capacity."""
        self.jobs_waiting: set[WorkKey] = set()
        """Training jobs that do."""

    def connect(self) -> None:
        """Listen to all caches."""
        self._world.services.listen(self._service)
        self._world.compute_nodes.listen(self._compute_node)
        self._world.nodes.listen(self._node)
        self._world.pods.listen(self._pod)
        self._world.endpoints.listen(self._endpoints)
        self._world.jobs.listen(self._job)
        for cache in self._world.children.values():
            cache.listen(self._child)

    def everything(self) -> None:
        """Have every object looked at."""
        self._world.forget_refusals()
        for namespace, name in self._world.nodes.keys():  # noqa: SIM118 - a cache iterates over values
            self._work.add(WorkKey(Kind.NODE, namespace, name))
        for namespace, name in self._world.compute_nodes.keys():  # noqa: SIM118
            self._work.add(WorkKey(Kind.COMPUTE_NODE, namespace, name))
        for namespace, name in self._world.services.keys():  # noqa: SIM118
            self._work.add(WorkKey(Kind.SERVICE, namespace, name))
        for namespace, name in self._world.jobs.keys():  # noqa: SIM118
            self._work.add(WorkKey(Kind.JOB, namespace, name))

    def capacity_changed(self) -> None:
        """Have the services that wait for capacity looked at soon, the most urgent first."""
        self._world.forget_refusals()
        for key in sorted(self.waiting, key=lambda key: (-self._world.priority((key.namespace, key.name)), key)):
            self._work.add_after(key, SETTLE_SECONDS)
        for key in self.jobs_waiting:
            self._work.add_after(key, JOB_SETTLE_SECONDS)

    def held_changed(self, *nodes: str) -> None:
        """Have the ComputeNodes whose reserved capacity changed report it, once for many changes."""
        for node in nodes:
            self._work.add_after(WorkKey(Kind.COMPUTE_NODE, "", node), RESERVED_SECONDS)

    def _service(self, key: Key, before: AIService | Faulty | None, after: AIService | Faulty | None) -> None:
        if before is not None and (after is None or after.metadata.uid != before.metadata.uid):
            self._released(before.metadata.uid)
        self._work.add(WorkKey(Kind.SERVICE, *key))
        self._tell_waiting("AIService", key)

    def _tell_waiting(self, kind: str, key: Key) -> None:
        """Have the training jobs looked at that wait for this object before they start."""
        for job in self._world.jobs.select("awaits", (kind, *key)):
            self._work.add(WorkKey(Kind.JOB, job.metadata.namespace, job.metadata.name))

    def _released(self, owner: str) -> None:
        """Let go of what a deleted service held; one of the same name is another service."""
        claims = self._world.ledger.claims_of(owner)
        self._world.forget_selection(owner)
        self._world.forget_refusals(owner)
        if claims:
            self._world.ledger.release(owner)
            self.held_changed(*(claim.node for claim in claims))
            self.capacity_changed()

    def _job(self, key: Key, before: TrainingJob | Faulty | None, after: TrainingJob | Faulty | None) -> None:
        if before is not None and (after is None or after.metadata.uid != before.metadata.uid):
            self._world.told.pop(before.metadata.uid, None)
            self._world.job_bars.pop(before.metadata.uid, None)
            self._released(before.metadata.uid)
        self._work.add(WorkKey(Kind.JOB, *key))
        self._tell_waiting("TrainingJob", key)

    def _compute_node(self, key: Key, before: ComputeNode | Faulty | None, after: ComputeNode | Faulty | None) -> None:
        self._work.add(WorkKey(Kind.COMPUTE_NODE, *key))
        names = {name for node in (before, after) if isinstance(node, ComputeNode) and (name := node.spec.node_name)}
        for name in names:
            self._work.add(WorkKey(Kind.NODE, "", name))
            self._tell_speakers(name)
        if _offer(before) != _offer(after):
            self.capacity_changed()
            self._tell_placed(names)

    def _node(self, key: Key, before: Node | None, after: Node | None) -> None:
        del before, after
        self._work.add(WorkKey(Kind.NODE, *key))
        self._tell_speakers(key[1])
        self._tell_placed({key[1]})
        self.capacity_changed()

    def _tell_speakers(self, node_name: str) -> None:
        for node in self._world.compute_nodes.select("node", node_name):
            self._work.add(WorkKey(Kind.COMPUTE_NODE, "", node.metadata.name))

    def _tell_placed(self, node_names: set[str]) -> None:
        for node_name in node_names:
            for service in self._world.services.select("node", node_name):
                self._work.add(WorkKey(Kind.SERVICE, service.metadata.namespace, service.metadata.name))
            for job in self._world.jobs.select("node", node_name):
                self._work.add(WorkKey(Kind.JOB, job.metadata.namespace, job.metadata.name))

    def _pod(self, key: Key, before: Pod | None, after: Pod | None) -> None:
        del key
        for pod in (before, after):
            if pod is not None and pod.service:
                self._work.add(WorkKey(Kind.SERVICE, pod.namespace, pod.service))
            elif pod is not None and pod.job:
                self._work.add(WorkKey(Kind.JOB, pod.namespace, pod.job))
        if _use(before) != _use(after):
            self.capacity_changed()

    def _child(self, key: Key, before: Child | None, after: Child | None) -> None:
        del key
        for child in (before, after):
            if child is not None and child.service:
                self._work.add(WorkKey(Kind.SERVICE, child.reference.namespace, child.service))
            elif child is not None and child.job:
                self._work.add(WorkKey(Kind.JOB, child.reference.namespace, child.job))

    def _endpoints(self, key: Key, before: Endpoints | None, after: Endpoints | None) -> None:
        del key
        for endpoints in (before, after):
            if endpoints is not None:
                self._work.add(WorkKey(Kind.SERVICE, endpoints.namespace, endpoints.service))


def _offer(node: ComputeNode | Faulty | None) -> object:
    """Return the part of a ComputeNode that decisions rest on, so that a mere status write wakes nobody."""
    if not isinstance(node, ComputeNode):
        return None
    judged = [(c.type, c.status) for c in node.status.conditions if c.type in _DECIDING]
    return node.spec, judged, node.status.observed and node.status.observed.efficiency_percent, node.status.calibration


def _use(pod: Pod | None) -> object:
    return (pod.node, pod.requests) if pod is not None else None
