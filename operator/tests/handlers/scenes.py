"""A replica's inside without a network: caches that tests fill, and an applier that remembers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from aif.api.aiservice import AIService
from aif.api.aiservice_status import AIServiceStatus
from aif.api.computenode import ComputeNode
from aif.domain.actions import Action, Apply, Delete, WriteStatus
from aif.domain.cluster import Node, ObjectReference
from aif.domain.policy import Policy
from aif.errors import ApiError, Unavailable
from aif.gateways.expectations import Written
from aif.gateways.exposition import Exposition
from aif.gateways.kubernetes.applier import Applier
from aif.gateways.kubernetes.kinds import Faulty
from aif.gateways.kubernetes.views import parse_child
from aif.gateways.workqueue import WorkQueue
from aif.handlers.controller import Controller
from aif.handlers.keys import Kind, WorkKey
from aif.handlers.recording import Recording
from aif.handlers.refresh import Refresher
from aif.handlers.triggers import Triggers
from aif.handlers.world import World
from tests.builders import NOON


def a_key(name: str = "plates", kind: Kind = Kind.SERVICE) -> WorkKey:
    """Return the key of an AIService in the default namespace, or of a cluster-scoped object."""
    return WorkKey(kind, "default" if kind is Kind.SERVICE else "", name)


@dataclass
class MemoryApplier:
    """Carries actions out on the caches, as an API server and its watches do at their best."""

    world: World
    done: list[Action] = field(default_factory=list)
    regarding: list[ObjectReference] = field(default_factory=list)
    failures: list[tuple[type[Action], ApiError]] = field(default_factory=list)
    """What the next action of a kind fails with."""
    silent: bool = False
    """Carry out, and let no cache see it."""
    statuses: int | None = None
    """How many statuses may still be written; then the Lease is lost, and nothing is carried out any more."""
    on_apply: Callable[[str], None] | None = None
    """What happens to an object of that name between its write and the answer."""
    version: int = 100

    async def carry_out(self, actions: Sequence[Action], regarding: ObjectReference) -> AsyncIterator[Written]:
        """Carry out ``actions`` in order; the first failure ends the row."""
        for action in actions:
            failure = next((pair for pair in self.failures if isinstance(action, pair[0])), None)
            if failure is not None:
                self.failures.remove(failure)
                raise failure[1]
            if self.statuses is not None:
                self.statuses -= isinstance(action, WriteStatus)
                if self.statuses < 0:
                    raise Unavailable("another replica holds the Lease")
            self.done.append(action)
            self.regarding.append(regarding)
            written = self._carry_out(action)
            if written is not None:
                yield written

    def _carry_out(self, action: Action) -> Written | None:
        self.version += 1
        match action:
            case Apply(body):
                name = body["metadata"]["name"]
                meta = {**body["metadata"], "uid": f"uid-{name}", "resourceVersion": str(self.version)}
                child = parse_child({**body, "metadata": meta})
                if self.on_apply is not None:
                    self.on_apply(name)
                self._show(lambda: self.world.children[body["kind"]].put((meta["namespace"], name), child))
                return Written(child.reference, child.resource_version)
            case WriteStatus(target, status):
                self._show(lambda: self._write_status(target, dict(status)))
                return Written(target, str(self.version))
            case Delete(target):
                self._show(lambda: self.world.children[target.kind].put((target.namespace, target.name), None))
                return Written(target)
            case _:
                return None

    def _write_status(self, target: ObjectReference, status: dict[str, object]) -> None:
        key = (target.namespace, target.name)
        service = self.world.services.get(key)
        if isinstance(service, AIService):
            meta = service.metadata.model_copy(update={"resource_version": str(self.version)})
            told = AIServiceStatus.model_validate(status)
            self.world.services.put(key, service.model_copy(update={"metadata": meta, "status": told}))

    def _show(self, change: Callable[[], None]) -> None:
        if not self.silent:
            change()


@dataclass
class MemoryRefresher:
    """Reads live: what it reads is what tests put into ``live``; without an entry the cache is right."""

    world: World
    live: dict[ObjectReference, AIService | None] = field(default_factory=dict)
    asked: list[ObjectReference] = field(default_factory=list)

    async def refresh(self, reference: ObjectReference) -> None:
        """Put what is live into the cache."""
        self.asked.append(reference)
        if reference in self.live:
            self.world.services.put((reference.namespace, reference.name), self.live[reference])


@dataclass
class Inside:
    """The parts of a replica between its caches and its writes."""

    world: World
    work: WorkQueue[WorkKey]
    triggers: Triggers
    applier: MemoryApplier
    refresher: MemoryRefresher
    metrics: Exposition
    controller: Controller
    recording: Recording | None = None

    @classmethod
    def of(
        cls,
        *compute_nodes: ComputeNode,
        nodes: Sequence[Node] = (),
        record: Callable[[World, Exposition], Recording] | None = None,
    ) -> Inside:
        """Return a replica that sees these nodes; call it within an event loop."""
        world, work, metrics = World(Policy(), asyncio.get_running_loop().time), WorkQueue[WorkKey](), Exposition()
        for node in nodes:
            world.nodes.put(("", node.name), node)
        for compute in compute_nodes:
            world.compute_nodes.put(("", compute.metadata.name), compute)
        triggers = Triggers(world, work)
        triggers.connect()
        applier, refresher = MemoryApplier(world), MemoryRefresher(world)
        recording = record(world, metrics) if record else None
        controller = Controller(
            world,
            work,
            triggers,
            cast("Applier", applier),
            cast("Refresher", refresher),
            metrics,
            lambda: NOON,
            recording,
        )
        return cls(world, work, triggers, applier, refresher, metrics, controller, recording)

    def see(self, service: AIService | Faulty) -> None:
        """Let the cache show an AIService."""
        meta = service.metadata
        if isinstance(service, AIService) and not meta.resource_version:
            service = service.model_copy(update={"metadata": meta.model_copy(update={"resource_version": "1"})})
        self.world.services.put((meta.namespace, meta.name), service)

    async def work_for(self, seconds: float = 5.0, workers: int = 4) -> None:
        """Reconcile what comes for some time; on a virtual loop that takes none."""
        parts = [self.controller.batcher.run(), *(self.controller.run() for _ in range(workers))]
        tasks = [asyncio.create_task(part) for part in parts]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def woken(self) -> set[WorkKey]:
        """Return the keys that wait to be looked at, and take them off the queue."""
        keys = set[WorkKey]()
        while len(self.work):
            key = await self.work.get()
            self.work.done(key)
            keys.add(key)
        return keys
