"""Listens to the training jobs that run: their leading roles say how far they are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from aif.api.trainingjob import TrainingJob
from aif.domain.cluster import JOB_LABEL
from aif.domain.learning import Told, leader_of
from aif.errors import ApiError, Unavailable
from aif.gateways.exposition import Exposition
from aif.gateways.kubernetes.client import Api
from aif.gateways.kubernetes.resources import PODS
from aif.gateways.statuspages import StatusPages, last_words
from aif.gateways.workqueue import WorkQueue
from aif.handlers.keys import Kind, WorkKey
from aif.handlers.world import World
from aif.reconcile.training.files import STATUS_PORT, service_name

log = logging.getLogger(__name__)

LISTEN_SECONDS: Final = 2.0
"""How often each job is listened to."""

AT_ONCE: Final = 16
STATES: Final = ("Pending", "Starting", "Training", "Paused", "Suspended", "Preempted", "Complete", "Failed")


class Listener:
    """Keeps in the world what each running job says of itself."""

    def __init__(
        self, world: World, work: WorkQueue[WorkKey], api: Api, metrics: Exposition, now: Callable[[], datetime]
    ) -> None:
        self._world = world
        self._work = work
        self._api = api
        self._metrics = metrics
        self._now = now
        self._pages = StatusPages()
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Listen until cancelled."""
        try:
            while True:
                await self.tick()
                await asyncio.sleep(LISTEN_SECONDS)
        finally:
            await self._pages.close()

    async def tick(self) -> None:
        """Listen to each job once."""
        jobs = [job for job in self._world.jobs if isinstance(job, TrainingJob)]
        states = [job.status.summary.state if job.status.summary else "Pending" for job in jobs]
        for state in STATES:
            self._metrics.training_jobs.labels(state).set(states.count(state))
        running = [job for job in jobs if job.status.placements]
        results = await asyncio.gather(*(self._listen(job) for job in running), return_exceptions=True)
        for job, failure in zip(running, results, strict=True):
            if isinstance(failure, Exception):
                log.warning("Failed to listen to a job", extra={"job": job.metadata.name, "error": str(failure)})

    async def _listen(self, job: TrainingJob) -> None:
        async with self._turns:
            told = await self._told(job)
        if told is None:
            return
        before = self._world.told.get(job.metadata.uid)
        self._world.told[job.metadata.uid] = told
        if before is not None and told.round > before.round:
            self._metrics.training_rounds_total.inc(told.round - before.round)
        if before is not None and told.transferred_bytes > before.transferred_bytes:
            self._metrics.training_bytes_total.inc(told.transferred_bytes - before.transferred_bytes)
        self._work.add(WorkKey(Kind.JOB, job.metadata.namespace, job.metadata.name))

    async def _told(self, job: TrainingJob) -> Told | None:
        leader, meta = leader_of(job), job.metadata
        pods = [pod for pod in self._world.job_pods((meta.namespace, meta.name)) if pod.copy == leader]
        for pod in pods:
            if (
                pod.address
                and not pod.terminating
                and (told := await self._pages.read(pod.address, STATUS_PORT, self._now()))
            ):
                return told
        child = self._world.children["Job"].get((meta.namespace, service_name(job, leader)))
        counted = (child.body.get("status") or {}) if child else {}
        if counted.get("succeeded") or counted.get("failed"):
            return await self._last(job, leader)
        return None

    async def _last(self, job: TrainingJob, leader: str) -> Told | None:
        """Return what the leading role said as it ended, of several pods what the one that got farthest said."""
        selector = f"{JOB_LABEL}={job.metadata.name}"
        found: list[Told] = []
        try:
            async for page in self._api.pages(PODS, job.metadata.namespace, selector):
                ended = (last_words(pod, self._now()) for pod in page.get("items") or ())
                found += [told for role, told in ended if role == leader and told is not None]
        except (Unavailable, ApiError) as error:
            log.info("Cannot read last words", extra={"job": job.metadata.name, "error": str(error)})
        return max(found, key=lambda told: (told.phase == "Complete", told.epoch, told.round), default=None)
