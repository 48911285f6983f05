"""The life of one replica: see, stand by, be elected, act, give back."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import Coroutine, Sequence
from pathlib import Path

from aif.api.aiservice import AIService
from aif.api.trainingjob import TrainingJob
from aif.contract.copies import tells_copies_apart
from aif.gateways.clock import utc_now
from aif.gateways.exposition import Exposition
from aif.gateways.health import Health
from aif.gateways.kubernetes.applier import Applier
from aif.gateways.kubernetes.audit import evict_vanished
from aif.gateways.kubernetes.budget import Budget
from aif.gateways.kubernetes.client import Api
from aif.gateways.kubernetes.connection import Connection
from aif.gateways.kubernetes.kinds import parse_service, parse_training_job
from aif.gateways.kubernetes.lease import Elector
from aif.gateways.kubernetes.recorder import Recorder
from aif.gateways.kubernetes.reflector import Reflector
from aif.gateways.kubernetes.resources import AISERVICES, TRAININGJOBS
from aif.gateways.kubernetes.writer import Writer
from aif.gateways.loglevels import LogLevels
from aif.gateways.prometheus.profiles import load as load_profiles
from aif.gateways.prometheus.profiles import load_resources
from aif.gateways.prometheus.source import Prometheus
from aif.gateways.workqueue import WorkQueue
from aif.handlers import kopf_edge, migrations, reflectors
from aif.handlers.controller import Controller
from aif.handlers.keys import Kind, WorkKey
from aif.handlers.learning import Listener
from aif.handlers.measuring import Measurer
from aif.handlers.recording import Recording
from aif.handlers.refresh import Refresher
from aif.handlers.rounds import Rounds
from aif.handlers.triggers import Triggers
from aif.handlers.world import World
from aif.handlers.yielding import Yielding
from aif.reconcile.holding import held
from aif.scheduling.learning import claims_for
from aif.settings import Settings

log = logging.getLogger(__name__)

SILENT_SECONDS = 180.0
"""A watch that did nothing for so long is stuck: bookmarks come every minute."""


class Replica:
    """One process of the operator: a standby that sees, and once elected the one that acts."""

    def __init__(self, settings: Settings, connection: Connection) -> None:
        self._settings = settings
        self._connection = connection
        self._profiles = load_profiles(settings.metric_profiles)
        self._resources = load_resources(settings.resource_profiles)
        self._stop = asyncio.Event()
        self._metrics = Exposition()
        self._health = Health(self._metrics)
        self._world = World(settings.policy, asyncio.get_running_loop().time)
        self._work: WorkQueue[WorkKey] = WorkQueue()
        self._triggers = Triggers(self._world, self._work)
        self._metrics.migrations_in_flight.set_function(lambda: len(migrations.migrating(self._world)))
        migrations.follow(self._world, self._metrics, utc_now)
        self._api = Api(connection.session(), connection.server, self._metrics)
        self._elector = self._make_elector()
        self._recording: Recording | None = None

    def _make_elector(self) -> Elector:
        return Elector(
            Api(self._connection.lease_session(), self._connection.server, self._metrics),
            self._settings,
            metrics=self._metrics,
        )

    async def run(self) -> int:
        """Run until told to stop (0) or until a part that all depends on has ended (1)."""
        self._take_signals()
        mirrors = await reflectors.build(self._api, self._world, self._settings, self._metrics)
        self._watch_health(mirrors)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._connection.close)
            background = [
                *(m.run() for m in mirrors),
                self._health.watch_loop(),
                self._health.serve(self._settings.http_port),
                LogLevels(Path(self._settings.log_levels_file), self._settings.log_level).follow(),
            ]
            code = await self._run_beside(background, self._lead(mirrors))
        log.info("Stopped operator", extra={"code": code})
        return code

    async def _run_beside(
        self, background: Sequence[Coroutine[object, object, None]], main: Coroutine[object, object, int]
    ) -> int:
        """Return the exit code of ``main``, or 1 as soon as a part beside it ends."""
        sides = [asyncio.create_task(part) for part in background]
        leading = asyncio.create_task(main)
        try:
            await asyncio.wait([*sides, leading], return_when=asyncio.FIRST_COMPLETED)
            for side in sides:
                if side.done():
                    log.error("Lost a part that all depends on", exc_info=side.exception())
                    return 1
            return leading.result()
        finally:
            await _cancel([leading, *sides])

    async def _lead(self, mirrors: Sequence[Reflector[object]]) -> int:
        """Stand by until elected, then act until told to stop."""
        if not await self._unless_stopped(_all_synced(mirrors)):
            return 0
        gc.collect()
        gc.freeze()  # what was just loaded stays: collections need not walk through it
        log.info("Standing by", extra={"identity": self._elector.identity})
        if not await self._unless_stopped(self._elector.acquire()):
            return 0
        holding = asyncio.create_task(self._elector.hold())
        try:
            await self._load()
            return await self._act(holding)
        finally:
            await _cancel([holding])
            await self._elector.release()

    async def _unless_stopped(self, work: Coroutine[object, object, None]) -> bool:
        """Return whether ``work`` was done before the order to stop came; its errors are raised."""
        working, stopping = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await _cancel([stopping])
            working.result()
            return not self._stop.is_set()
        await _cancel([working, stopping])
        return False

    async def _load(self) -> None:
        """See all AIServices, and hold what they were promised, before the first decision."""
        for namespace in self._settings.watch_namespaces or ("",):
            async for page in self._api.pages(AISERVICES, namespace):
                for raw in page["items"]:
                    meta = raw["metadata"]
                    self._world.services.put((meta["namespace"], meta["name"]), parse_service(raw))
            async for page in self._api.pages(TRAININGJOBS, namespace):
                for raw in page["items"]:
                    meta = raw["metadata"]
                    self._world.jobs.put((meta["namespace"], meta["name"]), parse_training_job(raw))
        self._restore()
        gc.collect()
        gc.freeze()  # as above: a collection of ten thousand services would hold up the Lease
        self._triggers.connect()
        self._triggers.everything()
        log.info("Leading", extra={"services": len(self._world.services), "jobs": len(self._world.jobs)})

    def _restore(self) -> None:
        """Hold what was promised before."""
        table = self._world.table(utc_now())
        for service in self._world.services:
            if isinstance(service, AIService) and service.status.placements:
                for claim in held(service, table, self._settings.policy):
                    self._world.ledger.restore(claim)
        for job in self._world.jobs:
            if isinstance(job, TrainingJob):
                for claim in claims_for(job, table, self._settings.policy):
                    self._world.ledger.restore(claim)

    async def _act(self, holding: asyncio.Task[None]) -> int:
        """Run workers and kopf until one of them, or the Lease, ends."""
        workers = self._workers()
        parts = [self._resync(), self._watch_services(), *workers, *self._measuring()]
        tasks = [holding, *map(asyncio.create_task, parts)]
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
            return self._verdict(tasks, holding)
        finally:
            self._stop.set()
            await _cancel([*tasks[1:], stopping])
            if self._recording is not None:
                await asyncio.to_thread(self._recording.close)

    def _workers(self) -> list[Coroutine[object, object, None]]:
        settings = self._settings
        writer = Writer(
            self._api,
            is_leader=self._elector.is_leader,
            budget=Budget(settings.writes_per_second, settings.write_burst),
            metrics=self._metrics,
        )
        recorder = Recorder(writer, instance=settings.identity, metrics=self._metrics)
        applier = Applier(self._api, writer, recorder)
        self._recording = Recording.of(settings, self._world, self._metrics)
        controller = Controller(
            self._world,
            self._work,
            self._triggers,
            applier,
            Refresher(self._api, self._world),
            self._metrics,
            utc_now,
            self._recording,
        )
        listener = Listener(self._world, self._work, self._api, self._metrics, utc_now)
        yielding = Yielding(self._world, self._work, self._triggers, utc_now)
        return [
            listener.run(),
            yielding.run(),
            controller.batcher.run(),
            *(controller.run() for _ in range(settings.workers)),
        ]

    def _measuring(self) -> list[Coroutine[object, object, None]]:
        """Return what measures: contracts, resources and nodes where a metrics source is configured, usage always."""
        settings, world = self._settings, self._world
        source = Prometheus(settings.prometheus_url, self._metrics) if settings.prometheus_url else None
        rounds = Rounds(world, self._work, source, self._profiles, self._resources, self._metrics, utc_now)
        if source is None:
            return [rounds.run(settings.evaluation_seconds)]
        measurer = Measurer(
            source,
            self._profiles,
            lambda: (service for service in world.services if isinstance(service, AIService)),
            lambda meta: self._work.add(WorkKey(Kind.SERVICE, meta.namespace, meta.name)),
            self._metrics,
            utc_now,
        )
        world.judged = lambda uid: measurer.judged.get(uid, ())
        world.judged_copies = lambda uid: measurer.judged_copies.get(uid, {})
        world.copies_told_apart = lambda service: tells_copies_apart(service, self._profiles)
        return [measurer.run(settings.evaluation_seconds), rounds.run(settings.evaluation_seconds)]

    def _verdict(self, tasks: Sequence[asyncio.Task[None]], holding: asyncio.Task[None]) -> int:
        if self._stop.is_set():
            return 0
        if holding.done():
            log.error("Lost the Lease", exc_info=holding.exception())
            return 1
        ended = next(task for task in tasks if task.done())
        log.error("Lost a part that all depends on", exc_info=ended.exception())
        return 1

    async def _watch_services(self) -> None:
        await kopf_edge.supervise(
            lambda: kopf_edge.registry(self._world, self._connection),
            self._settings.watch_namespaces,
            self._stop,
            self._metrics,
            self._take_signals,
        )

    async def _resync(self) -> None:
        """Look at every object now and then: what no event told is found within the interval."""
        while True:
            await asyncio.sleep(self._settings.resync_seconds)
            await evict_vanished(self._api, AISERVICES, self._world.services, self._settings.watch_namespaces)
            await evict_vanished(self._api, TRAININGJOBS, self._world.jobs, self._settings.watch_namespaces)
            self._triggers.everything()

    def _take_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)

    def _watch_health(self, mirrors: Sequence[Reflector[object]]) -> None:
        self._health.add_ready("caches", lambda: "" if all(m.synced.is_set() for m in mirrors) else "not yet filled")
        self._health.add_live(
            "watches", lambda: "" if all(m.idle_seconds() < SILENT_SECONDS for m in mirrors) else "silent"
        )


async def _cancel(tasks: Sequence[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _all_synced(mirrors: Sequence[Reflector[object]]) -> None:
    for mirror in mirrors:
        await mirror.synced.wait()
