"""Takes a key, looks at the world, decides, and has the decision carried out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from aif.api.aiservice import AIService
from aif.domain.actions import Action, Apply, Emit, WriteStatus
from aif.domain.cluster import ObjectReference
from aif.errors import AifError, Conflict, Forbidden, Rejected, Unavailable
from aif.gateways.expectations import Expectations, Standing
from aif.gateways.exposition import Exposition
from aif.gateways.kubernetes.applier import Applier
from aif.gateways.kubernetes.kinds import Faulty
from aif.gateways.workqueue import LAST_RETRY_SECONDS, WorkQueue
from aif.handlers import jobs
from aif.handlers.batcher import Batcher
from aif.handlers.keys import Kind, WorkKey
from aif.handlers.patience import Patience
from aif.handlers.recording import Recording
from aif.handlers.refresh import Refresher
from aif.handlers.triggers import Triggers
from aif.handlers.world import World
from aif.reconcile import aiservice, computenode, faulty, registration
from aif.reconcile.acceptance import accept
from aif.reconcile.placing import needs_choice
from aif.reconcile.rollout import reference
from aif.reconcile.snapshot import Decision, Snapshot
from aif.reconcile.training import course
from aif.reconcile.training.scene import reference as job_reference
from aif.scheduling.ledger import Claim

log = logging.getLogger(__name__)

CONFLICT_SECONDS = 5.0
"""Longest wait where somebody else was faster: to look again is all it takes, however often that happened before."""

LAG_SECONDS = 1.0
"""When a key is looked at again that still waits for the caches to show what was written."""


class Controller:
    """Reconciles keys, one at a time for each key.

    Seeing, deciding and claiming happen without a pause in between, so that two decisions never count on the same
    free capacity.

    Attributes:
        batcher: Decides for all services without a place together.
    """

    def __init__(
        self,
        world: World,
        work: WorkQueue[WorkKey],
        triggers: Triggers,
        applier: Applier,
        refresher: Refresher,
        metrics: Exposition,
        now: Callable[[], datetime],
        recording: Recording | None = None,
    ) -> None:
        self._world = world
        self._work = work
        self._triggers = triggers
        self._applier = applier
        self._refresher = refresher
        self._metrics = metrics
        self._now = now
        self._recording = recording
        self.batcher = Batcher(world, work, metrics, now, recording)
        metrics.services_waiting.set_function(lambda: len(triggers.waiting))
        clock = asyncio.get_running_loop().time
        self._expected: Expectations[WorkKey] = Expectations(clock)
        self._patience = Patience(clock, work.add_after)

    async def run(self) -> None:
        """Reconcile keys until cancelled."""
        while True:
            key = await self._work.get()
            try:
                await asyncio.sleep(0)  # thousands of keys need no request, and the Lease must be renewed meanwhile
                await self._guard(key)
            finally:
                self._work.done(key)
                self._metrics.workqueue_depth.set(len(self._work))

    async def _guard(self, key: WorkKey) -> None:
        """Reconcile ``key``; whatever goes wrong with it delays this key alone."""
        done = True
        try:
            with self._metrics.reconcile_duration_seconds.labels(key.kind).time():
                done = await self._reconcile(key)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            self._work.retry(key)
        except AifError as error:
            self._retry(key, error)
        except Exception as error:
            log.exception("Failed to reconcile", extra={"object": "/".join(key)})
            self._retry(key, error)
        else:
            if done:
                self._work.forget(key)

    def _retry(self, key: WorkKey, error: Exception) -> None:
        self._metrics.reconcile_errors_total.labels(key.kind, type(error).__name__).inc()
        at_least = error.retry_after or 0.0 if isinstance(error, Unavailable) else 0.0
        at_most = CONFLICT_SECONDS if isinstance(error, Conflict) else LAST_RETRY_SECONDS
        delay = self._work.retry(key, at_least, at_most)
        log.warning("Retrying", extra={"object": "/".join(key), "seconds": round(delay, 1), "error": str(error)})

    async def _reconcile(self, key: WorkKey) -> bool:
        """Return whether all was done; False where something has to come first, so that a back-off goes on."""
        if not await self._caught_up(key):
            self._work.add_after(key, LAG_SECONDS)
            return False
        match key.kind:
            case Kind.SERVICE:
                return await self._service(key)
            case Kind.COMPUTE_NODE:
                await self._compute_node(key)
            case Kind.NODE:
                await self._node(key)
            case Kind.JOB:
                await self._job(key)
        return True

    async def _caught_up(self, key: WorkKey) -> bool:
        """Tell whether the caches show all that was written for ``key``; after a minute, read it live."""
        match self._expected.standing(key, self._world.look):
            case Standing.WAITING:
                return False
            case Standing.OVERDUE:
                for pending in self._expected.pending(key):
                    await self._refresher.refresh(pending)
                self._expected.forget(key)
        return True

    async def _service(self, key: WorkKey) -> bool:
        service = self._world.services.get((key.namespace, key.name))
        if service is None:
            self._triggers.waiting.discard(key)
            self._expected.forget(key)
            self._patience.forget(key)
        elif isinstance(service, Faulty):
            await self._report(key, service)
        else:
            return await self._place(key, service)
        return True

    async def _place(self, key: WorkKey, service: AIService) -> bool:
        now = self._now()
        snapshot = self._world.snapshot(service, now)
        if needs_choice(service) and snapshot.selection is None and accept(service, snapshot) is None:
            self.batcher.add(key)
            return False
        decision = aiservice.reconcile(service, snapshot, now)
        if self._recording is not None:
            self._recording.single(service, snapshot, decision, now)
        self._keep(key, service, snapshot, decision, now)
        decision = self._patience.hold_back(key, decision)
        if await self._lives(service, decision.actions):
            await self._carry_out(key, service, snapshot, decision)
        return True

    async def _carry_out(self, key: WorkKey, service: AIService, snapshot: Snapshot, decision: Decision) -> None:
        try:
            await self._act(key, decision.actions, reference(service))
        except Forbidden:
            raise  # a right of the operator is missing: no fault of the service
        except Rejected as error:
            refusal = aiservice.fail(_as_recorded(service, decision), error, snapshot, self._now())
            await self._act(key, refusal.actions, reference(service))
            raise

    async def _lives(self, service: AIService, actions: Sequence[Action]) -> bool:
        """Tell whether ``service`` is still there, live where a child is about to be made again.

        When a service is deleted, the watches may tell of its lost children first.
        """
        if not actions or not isinstance(actions[0], Apply):
            return True
        await self._refresher.refresh(reference(service))
        live = self._world.services.get((service.metadata.namespace, service.metadata.name))
        return live is not None and live.metadata.uid == service.metadata.uid

    def _keep(self, key: WorkKey, service: AIService, snapshot: Snapshot, decision: Decision, now: datetime) -> None:
        """Keep what was decided, before anybody else decides: what is held, barred, moved and waited for."""
        self._world.forget_selection(service.metadata.uid)
        self._hold(service, snapshot.claims, decision.claims)
        self._world.bar(service, decision.barred, now)
        if decision.status is not None:
            self._world.follow_move(service.metadata.uid, moves=decision.status.migration is not None)
        if decision.moved is not None:
            self._world.moves.take()
            self._metrics.moves_total.labels(decision.moved).inc()
        if decision.again_after is not None:
            self._work.add_after(key, decision.again_after)
        (self._triggers.waiting.add if decision.waiting else self._triggers.waiting.discard)(key)

    def _hold(self, service: AIService, before: Sequence[Claim], after: Sequence[Claim]) -> None:
        if after != before and (short := self._world.hold(service, after)) is not None:
            raise Conflict(f"{short.free:g} of {short.required:g} {short.resource} left: decide again")
        if after != before or not service.status.placements:
            self._triggers.held_changed(*{claim.node for claim in (*before, *after)})
        if _frees(before, after):
            self._triggers.capacity_changed()

    async def _compute_node(self, key: WorkKey) -> None:
        node = self._world.compute_nodes.get(("", key.name))
        if node is None:
            return
        if isinstance(node, Faulty):
            await self._report(key, node)
            return
        snapshot = self._world.node_snapshot(node)
        await self._act(key, computenode.reconcile(node, snapshot, self._now()), computenode.reference(node))

    async def _node(self, key: WorkKey) -> None:
        node = self._world.nodes.get(("", key.name))
        known = self._world.compute_nodes.get(("", key.name))
        if node is None or isinstance(known, Faulty):
            return
        await self._act(key, registration.register(node, known), registration.node_reference(node))

    async def _job(self, key: WorkKey) -> None:
        job = self._world.jobs.get((key.namespace, key.name))
        if job is None:
            self._triggers.jobs_waiting.discard(key)
            self._expected.forget(key)
            return
        if isinstance(job, Faulty):
            await self._report(key, job)
            return
        before = self._world.ledger.claims_of(job.metadata.uid)
        now = self._now()
        snapshot = jobs.snapshot(self._world, job, now)
        decision = course.reconcile(job, snapshot, now)
        if self._recording is not None:
            self._recording.job(job, snapshot, decision, now)
        self._world.wanted.pop(job.metadata.uid, None)
        if (short := jobs.hold(self._world, job, decision.claims)) is not None:
            raise Conflict(f"{short.free:g} of {short.required:g} {short.resource} left: decide again")
        if before != decision.claims:
            self._triggers.held_changed(*{claim.node for claim in (*before, *decision.claims)})
        if _frees(before, decision.claims):
            self._triggers.capacity_changed()
        (self._triggers.jobs_waiting.add if decision.waiting else self._triggers.jobs_waiting.discard)(key)
        if decision.again_after is not None:
            self._work.add_after(key, decision.again_after)
        await self._act(key, decision.actions, job_reference(job))

    async def _report(self, key: WorkKey, object_: Faulty) -> None:
        generation, now = object_.metadata.generation, self._now()
        actions = faulty.reconcile(object_.reference, generation, object_.status, object_.error, now)
        await self._act(key, actions, object_.reference)

    async def _act(self, key: WorkKey, actions: Sequence[Action], regarding: ObjectReference) -> None:
        async for written in self._applier.carry_out(actions, regarding):
            self._expected.expect(key, written)
        for event in (action for action in actions if isinstance(action, Emit)):
            log.info("%s %s", event.reason, key.kind, extra={"object": "/".join(key[1:]), "note": event.note})


def _frees(before: Sequence[Claim], after: Sequence[Claim]) -> bool:
    """Tell whether something of ``before`` is no longer held; a claim that only got the name of its copy is."""
    still = [replace(claim, copy="") for claim in after]
    return any(replace(claim, copy="") not in still for claim in before)


def _as_recorded(service: AIService, decision: Decision) -> AIService:
    """Return ``service`` with the status that the API server holds after a child was refused.

    A new placement was recorded before any child was tried, all else would have been recorded after them.
    """
    recorded = bool(decision.actions) and isinstance(decision.actions[0], WriteStatus)
    return service.model_copy(update={"status": decision.status}) if recorded and decision.status else service
