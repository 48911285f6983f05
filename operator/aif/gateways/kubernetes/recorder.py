"""Events on objects (events.k8s.io/v1): repeated ones become a series, and no object can flood the cluster."""

from __future__ import annotations

import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from aif.domain.actions import Emit
from aif.domain.cluster import ObjectReference
from aif.errors import ApiError, NotFound
from aif.gateways.exposition import Exposition
from aif.gateways.kubernetes.client import Json
from aif.gateways.kubernetes.guard import EVENT_NAMESPACE
from aif.gateways.kubernetes.resources import EVENTS
from aif.gateways.kubernetes.writer import Writer

log = logging.getLogger(__name__)

CONTROLLER: Final = "net4ai.io/aif-operator"
SERIES_SECONDS: Final = 360.0
"""An event that comes again later is a new one."""

SERIES_WRITE_SECONDS: Final = 60.0
"""Least time between two writes of one series' count."""

BURST: Final = 25
REFILL_PER_SECOND: Final = 1 / 300
"""Events of one object: 25 at once, then one in five minutes, as Kubernetes' own recorder allows."""

REMEMBERED: Final = 4096
_NOTE_LENGTH: Final = 1024
_NAME_LENGTH: Final = 200


@dataclass(slots=True)
class _Series:
    name: str
    count: int
    seen: float
    written: float


@dataclass(slots=True)
class _Allowance:
    tokens: float
    since: float


class Recorder:
    """Writes events; a failure is counted and logged, never raised."""

    def __init__(
        self, writer: Writer, *, instance: str, metrics: Exposition, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._writer = writer
        self._instance = instance[:128]
        self._metrics = metrics
        self._clock = clock
        self._series: OrderedDict[Emit, _Series] = OrderedDict()
        self._allowances: OrderedDict[ObjectReference, _Allowance] = OrderedDict()

    async def emit(self, event: Emit) -> None:
        """Write ``event``, or count it into the series of its like."""
        try:
            outcome = await self._emit(event)
        except ApiError as error:
            outcome = "failed"
            log.warning("Failed to write event", extra={"reason": event.reason, "error": str(error)})
        self._metrics.events_total.labels(outcome).inc()

    async def _emit(self, event: Emit) -> str:
        now = self._clock()
        series = self._series.get(event)
        if series is not None and now - series.seen < SERIES_SECONDS:
            return await self._repeat(event, series, now)
        if not self._allowed(event.regarding, now):
            return "dropped"
        return await self._create(event, now)

    async def _create(self, event: Emit, now: float) -> str:
        body = event_body(event, self._instance, datetime.now(UTC))
        await self._writer.create_event(body, event.regarding)
        self._series[event] = _Series(body["metadata"]["name"], 1, now, now)
        self._series.move_to_end(event)
        if len(self._series) > REMEMBERED:
            self._series.popitem(last=False)
        return "created"

    async def _repeat(self, event: Emit, series: _Series, now: float) -> str:
        series.count += 1
        series.seen = now
        if series.count > 2 and now - series.written < SERIES_WRITE_SECONDS:  # noqa: PLR2004 - a series begins with two
            return "counted"
        series.written = now
        patch = {"series": {"count": series.count, "lastObservedTime": _micro_time(datetime.now(UTC))}}
        try:
            await self._writer.patch_event(series.name, _namespace(event.regarding), event.regarding, patch)
        except NotFound:
            return await self._create(event, now)
        return "counted"

    def _allowed(self, regarding: ObjectReference, now: float) -> bool:
        allowance = self._allowances.setdefault(regarding, _Allowance(BURST, now))
        self._allowances.move_to_end(regarding)
        if len(self._allowances) > REMEMBERED:
            self._allowances.popitem(last=False)
        allowance.tokens = min(BURST, allowance.tokens + (now - allowance.since) * REFILL_PER_SECOND)
        allowance.since = now
        if allowance.tokens < 1:
            return False
        allowance.tokens -= 1
        return True


def event_body(event: Emit, instance: str, now: datetime) -> Json:
    """Return the Event object for ``event``, which happened ``now`` (aware)."""
    target = event.regarding
    seed = f"{target.uid}/{event.type}/{event.reason}/{event.action}/{event.note}/{now.timestamp()}/{instance}"
    suffix = hashlib.sha256(seed.encode()).hexdigest()[:16]
    regarding = {
        "apiVersion": target.api_version,
        "kind": target.kind,
        "namespace": target.namespace,
        "name": target.name,
        "uid": target.uid,
    }
    return {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        "metadata": {"name": f"{target.name[:_NAME_LENGTH].rstrip('.-')}.{suffix}", "namespace": _namespace(target)},
        "eventTime": _micro_time(now),
        "reportingController": CONTROLLER,
        "reportingInstance": instance,
        "regarding": {name: value for name, value in regarding.items() if value},
        "type": event.type,
        "reason": event.reason,
        "action": event.action,
        "note": event.note[:_NOTE_LENGTH],
    }


def _namespace(regarding: ObjectReference) -> str:
    return regarding.namespace or EVENT_NAMESPACE


def _micro_time(now: datetime) -> str:
    return now.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
