"""Training jobs make way for services that find no place: contracts of services come first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

from aif.api.aiservice import AIService
from aif.api.trainingjob import TrainingJob
from aif.gateways.workqueue import WorkQueue
from aif.handlers.keys import Kind, WorkKey
from aif.handlers.triggers import Triggers
from aif.handlers.world import World
from aif.reconcile.placing import needs_choice
from aif.scheduling.cycle import select
from aif.scheduling.node_table import NodeTable

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 2.0
"""How often it is looked whether a service waits that a job stands in the way of."""


class Yielding:
    """Tells training jobs that a service needs their place; what they do then is decided where jobs are."""

    def __init__(self, world: World, work: WorkQueue[WorkKey], triggers: Triggers, now: Callable[[], datetime]) -> None:
        self._world = world
        self._work = work
        self._triggers = triggers
        self._now = now

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.tick()

    def tick(self) -> None:
        """Look once: the most urgent service that waits is helped, the others when it has its place."""
        jobs = [job for job in self._world.jobs if isinstance(job, TrainingJob) and job.status.placements]
        if not jobs or any(job.metadata.uid in self._world.wanted for job in jobs):
            return
        table = self._world.table(self._now())
        for service in self._waiting():
            if chosen := self._in_the_way(service, jobs, table):
                title = f"{service.metadata.namespace}/{service.metadata.name}"
                for job in chosen:
                    log.info("Asks a job to make way", extra={"job": job.metadata.name, "service": title})
                    self._world.wanted[job.metadata.uid] = f"AIService {title}"
                    self._work.add(WorkKey(Kind.JOB, job.metadata.namespace, job.metadata.name))
                return

    def _waiting(self) -> Iterator[AIService]:
        keys = sorted(self._triggers.waiting, key=lambda key: (-self._world.priority((key.namespace, key.name)), key))
        for key in keys:
            service = self._world.services.get((key.namespace, key.name))
            if isinstance(service, AIService) and needs_choice(service):
                yield service

    def _in_the_way(self, service: AIService, jobs: Sequence[TrainingJob], table: NodeTable) -> list[TrainingJob]:
        """Return the fewest jobs without which ``service`` has a place: the youngest where one will do."""
        policy = self._world.policy
        if not select(service, self._without(table, jobs), policy).choices:
            return []
        youngest = sorted(jobs, key=lambda job: job.status.timers.started_at or "" if job.status.timers else "")[::-1]
        for job in youngest:
            if select(service, self._without(table, [job]), policy).choices:
                return [job]
        needed = list(youngest)
        for job in youngest[::-1]:
            fewer = [other for other in needed if other is not job]
            if select(service, self._without(table, fewer), policy).choices:
                needed = fewer
        return needed

    def _without(self, table: NodeTable, jobs: Sequence[TrainingJob]) -> NodeTable:
        return table.without(claim for job in jobs for claim in self._world.ledger.claims_of(job.metadata.uid))
