"""kopf watches AIServices and TrainingJobs: it hears, the cache keeps, the queue remembers; nothing is decided here."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Any, cast

import kopf

from aif.api.base import GROUP, VERSION
from aif.gateways.exposition import Exposition
from aif.gateways.kubernetes.connection import Connection
from aif.gateways.kubernetes.kinds import parse_service, parse_training_job
from aif.handlers.world import World

log = logging.getLogger(__name__)

SOUND_SECONDS = 300.0
"""After this long without a failure kopf counts as sound, and its next failure as the first."""

LONGEST_PAUSE_SECONDS = 60.0


class NoDiffBase(kopf.DiffBaseStorage):
    """Keeps nothing on the object: a malformed annotation, which tenants can write, would hide it from kopf."""

    def build(self, **_: Any) -> dict[str, Any]:  # type: ignore[override]  # kopf passes names we do not need
        """Return an empty essence."""
        return {}

    def fetch(self, **_: Any) -> None:
        """Find nothing."""

    def store(self, **_: Any) -> None:
        """Store nothing."""


class NoProgress(kopf.ProgressStorage):
    """Keeps no progress: events are never retried by kopf, the queue does that."""

    def fetch(self, **_: Any) -> None:
        """Find nothing."""

    def store(self, **_: Any) -> None:
        """Store nothing."""

    def purge(self, **_: Any) -> None:
        """Purge nothing."""

    def touch(self, **_: Any) -> None:
        """Touch nothing."""

    def clear(self, *, essence: Any) -> Any:  # noqa: ANN401 - kopf's own type is private
        """Return ``essence`` as it is."""
        return essence


def registry(world: World, connection: Connection) -> kopf.OperatorRegistry:
    """Return kopf's handlers: one login over the shared connections, an event handler for each kind."""
    handlers = kopf.OperatorRegistry()

    @kopf.on.login(registry=handlers)
    async def login(**_: Any) -> kopf.AiohttpSession:
        """Return a session of kopf's own: it closes what it is given."""
        return kopf.AiohttpSession(server=connection.server, aiohttp_session=connection.session())

    @kopf.on.event(GROUP, VERSION, "aiservices", registry=handlers)
    async def seen(event: kopf.RawEvent, namespace: str | None, name: str | None, **_: Any) -> None:
        """Keep what was seen; the cache tells the queue."""
        gone = event["type"] == "DELETED"
        raw = dict(event["object"])
        world.services.put((namespace or "", name or ""), None if gone else parse_service(raw))

    @kopf.on.event(GROUP, VERSION, "trainingjobs", registry=handlers)
    async def seen_job(event: kopf.RawEvent, namespace: str | None, name: str | None, **_: Any) -> None:
        """Keep what was seen of a training job."""
        gone = event["type"] == "DELETED"
        raw = dict(event["object"])
        world.jobs.put((namespace or "", name or ""), None if gone else parse_training_job(raw))

    return handlers


def settings() -> kopf.OperatorSettings:
    """Return kopf's settings: no events of its own, no annotations, no discovery while it runs."""
    chosen = kopf.OperatorSettings()
    chosen.posting.enabled = False
    chosen.scanning.disabled = True
    chosen.watching.server_timeout = 600
    chosen.networking.request_timeout = 30
    chosen.networking.connect_timeout = 5
    chosen.networking.error_backoffs = (0.5, 1, 2, 5, 10)
    chosen.persistence.diffbase_storage = NoDiffBase()
    chosen.persistence.progress_storage = NoProgress()
    return chosen


async def supervise(
    handlers: Callable[[], kopf.OperatorRegistry],
    namespaces: tuple[str, ...],
    stop: asyncio.Event,
    metrics: Exposition,
    started: Callable[[], None],
) -> None:
    """Keep kopf running until ``stop``: its end is a pause for AIServices, and no reason to end the rest.

    ``started`` is called each time kopf is up: it takes the signal handlers, which must be set anew.
    """
    loop, failures = asyncio.get_running_loop(), 0
    while not stop.is_set():
        born = loop.time()
        try:
            await _run(handlers(), namespaces, stop, metrics, started)
        except Exception:
            log.exception("Lost kopf")
        metrics.kopf_up.set(0)
        failures = 1 if loop.time() - born > SOUND_SECONDS else min(failures + 1, 6)
        if not stop.is_set():
            await _pause(stop, min(LONGEST_PAUSE_SECONDS, 2.0**failures) * random.uniform(0.8, 1.2))  # noqa: S311


async def _run(
    handlers: kopf.OperatorRegistry,
    namespaces: tuple[str, ...],
    stop: asyncio.Event,
    metrics: Exposition,
    started: Callable[[], None],
) -> None:
    ready = asyncio.Event()

    async def announce() -> None:
        await ready.wait()
        metrics.kopf_up.set(1)
        started()

    herald = asyncio.create_task(announce())
    try:
        await kopf.operator(
            registry=handlers,
            settings=settings(),
            namespaces=namespaces,
            clusterwide=not namespaces,
            # Alone it tells nobody; without one kopf asks for the user's name, and a pod's user may be a bare number.
            identity=cast("Any", "aif-operator"),
            standalone=True,
            ready_flag=ready,
            stop_flag=stop,
        )
    finally:
        herald.cancel()


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
