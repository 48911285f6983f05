"""Decides for all services that wait for a first place together, a tick at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from aif.api.aiservice import AIService
from aif.gateways.exposition import Exposition
from aif.gateways.workqueue import WorkQueue
from aif.handlers.keys import WorkKey
from aif.handlers.recording import Recording
from aif.handlers.world import World
from aif.reconcile.placing import needs_choice
from aif.scheduling.batch import decide

log = logging.getLogger(__name__)

TICK_SECONDS = 0.01
"""How long services gather at least before they are decided together."""

CROWD_TICKS = 5
"""So many times as long they gather at most, while keys wait in the queue: these may be services of the same tick."""

REST = 4.0
"""A batch that took long is followed by a rest of this many times as long, so that other work goes on."""

SLICE_SECONDS = 0.25
"""About how long one decision may take: meanwhile nothing else runs, and the Lease has to be renewed within seconds."""

FIRST_SLICE = 128
"""So many services are decided together before it is known how long one takes."""


class Batcher:
    """Gathers services without a place, and hands each its part of one decision for all.

    Of thousands only as many are decided together as a moment allows, the most urgent first; the others come next.
    """

    def __init__(
        self,
        world: World,
        work: WorkQueue[WorkKey],
        metrics: Exposition,
        now: Callable[[], datetime],
        recording: Recording | None = None,
    ) -> None:
        self._world = world
        self._work = work
        self._metrics = metrics
        self._now = now
        self._recording = recording
        self._pending: set[WorkKey] = set()
        self._slice = FIRST_SLICE
        self._some = asyncio.Event()

    def add(self, key: WorkKey) -> None:
        """Have the service ``key`` decided in the next tick."""
        self._pending.add(key)
        self._some.set()

    async def run(self) -> None:
        """Decide until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._some.wait()
            await self._gather()
            began, before = loop.time(), len(self._pending)
            self.tick()
            took, decided = loop.time() - began, before - len(self._pending)
            if took > 0.0:
                self._slice = max(1, round(decided * SLICE_SECONDS / took))
            await asyncio.sleep(REST * took)

    async def _gather(self) -> None:
        """Give more services the time to come: a single one is not kept waiting, the first of a crowd is."""
        for _ in range(CROWD_TICKS):
            await asyncio.sleep(TICK_SECONDS)
            if not len(self._work):
                return

    def tick(self) -> None:
        """Decide for what has gathered: hold what was chosen, and have each service act on its part."""
        keys = self._next()
        waiting = {key: service for key in keys if (service := self._waiting(key)) is not None}
        for key in keys:
            if key not in waiting:
                self._work.add(key)
        self._decide(waiting)

    def _next(self) -> list[WorkKey]:
        """Take those whose turn it is: all, or of many the most urgent."""
        keys = sorted(self._pending)
        if len(keys) > self._slice:
            keys.sort(key=lambda key: -self._world.priority((key.namespace, key.name)))
        taken, left = keys[: self._slice], keys[self._slice :]
        self._pending = set(left)
        if not left:
            self._some.clear()
        return sorted(taken)

    def _decide(self, waiting: Mapping[WorkKey, AIService]) -> None:
        """Decide for all together; where that fails, for each alone, so that one that cannot be decided stops no other.

        Raises nothing: a service that cannot be decided is tried again with a back-off.
        """
        try:
            self._assign(list(waiting.values()))
        except Exception:
            log.exception("Failed to decide", extra={"services": len(waiting)})
            if len(waiting) > 1:
                for key, service in waiting.items():
                    self._decide({key: service})
            else:
                for key in waiting:
                    self._work.retry(key)
            return
        for key in waiting:
            self._work.add(key)

    def _assign(self, services: Sequence[AIService]) -> None:
        for service in services:
            self._world.ledger.release(service.metadata.uid)
        now = self._now()
        table = self._world.table(now)
        with self._metrics.decision_seconds.time():
            barred = {service.metadata.uid: self._world.barred(service, now) for service in services}
            batch = decide(services, table, self._world.policy, self._world.priorities(), barred=barred)
        if self._recording is not None:
            self._recording.batch(services, table, batch, now)
        for service in services:
            selection = batch.selections[service.metadata.uid]
            self._world.assign(service, selection)
            if selection.chosen is None:
                self._metrics.rejections_total.labels(selection.reason).inc()

    def _waiting(self, key: WorkKey) -> AIService | None:
        service = self._world.services.get((key.namespace, key.name))
        return service if isinstance(service, AIService) and needs_choice(service) else None
