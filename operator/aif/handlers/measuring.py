"""Asks the metrics source about all promises, tick by tick, and has those services looked at whose verdict changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

import numpy as np

from aif.api.aiservice import AIService
from aif.api.metadata import ObjectMeta
from aif.api.migration_status import Phase as Step
from aif.api.migration_status import Placement
from aif.contract.alarms import Alarms, Phase
from aif.contract.answers import Row
from aif.contract.copies import CopyLook, CopyWatch, Mover, window_of
from aif.contract.profiles import Profile
from aif.contract.watch import Judged, Promise, Question, Watch, promises_of
from aif.errors import ApiError
from aif.gateways.exposition import Exposition
from aif.reconcile import holding
from aif.reconcile.moving.state import moment

log = logging.getLogger(__name__)

Alarm = tuple[str, str, float]
"""An alarm's service (uid), dimension and target: with another target it is another alarm."""


class MetricsSource(Protocol):
    """What answers queries: Prometheus, or what speaks its language."""

    async def query(self, expression: str, at: float) -> Sequence[Row]:
        """Return the vector that ``expression`` gives at the time ``at``.

        Raises:
            ApiError: There is no answer, or the query is at fault.
        """
        ...


class Look(NamedTuple):
    """What one tick is about.

    Attributes:
        watch: All promises.
        copies: Copies that are judged side by side.
        questions: What has to be asked for both.
        before: The alarms of the promises after the last look.
    """

    watch: Watch
    copies: CopyWatch
    questions: Sequence[Question]
    before: Alarms


class Measurer:
    """Judges all promises of all placed services once a tick.

    Attributes:
        judged: What is known of the promises of each service, by its uid.
        judged_copies: The same of each copy of the services that move.
    """

    def __init__(
        self,
        source: MetricsSource,
        profiles: Mapping[str, Profile],
        services: Callable[[], Iterable[AIService]],
        changed: Callable[[ObjectMeta], None],
        metrics: Exposition,
        now: Callable[[], datetime],
    ) -> None:
        self._source = source
        self._profiles = profiles
        self._services = services
        self._changed = changed
        self._metrics = metrics
        self._now = now
        self._alarms: dict[Alarm, tuple[Phase, float]] = {}
        self._watched: dict[str, tuple[object, tuple[Promise, ...]]] = {}
        self.judged: dict[str, tuple[Judged, ...]] = {}
        self.judged_copies: dict[str, dict[str, CopyLook]] = {}

    async def run(self, tick_seconds: float) -> None:
        """Judge until cancelled; a tick that took long is not made up for."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self._metrics.evaluation_lag_seconds.set(max(0.0, loop.time() - due))
            with self._metrics.evaluation_tick_seconds.time():
                await self.tick()
            due = max(due + tick_seconds, loop.time())
            await asyncio.sleep(due - loop.time())

    async def tick(self) -> None:
        """Judge all promises once; what takes long for thousands of them is done beside the event loop."""
        placed = [service for service in self._services() if service.status.placements and not service.spec.suspend]
        now = self._now().timestamp()
        looked = await asyncio.to_thread(self._prepare, placed, now)
        answers = await self._ask(looked.questions, now)
        judged, found = await asyncio.to_thread(looked.watch.judge, answers, looked.before, now)
        self.judged_copies = await asyncio.to_thread(looked.copies.judge, answers, now)
        changed = await asyncio.to_thread(self._conclude, looked.watch, judged, placed)
        self._metrics.threshold_alarms.set(int(np.count_nonzero(found.alarms.phase == Phase.RAISED)))
        for service in changed:
            self._changed(service.metadata)

    def _prepare(self, placed: Sequence[AIService], now: float) -> Look:
        """Return what is watched and asked, and the alarms as they were; only changed promises are taken apart anew."""
        known, self._watched = self._watched, {}
        for service in placed:
            mark = (service.metadata.generation, service.status.placements)
            before = known.get(service.metadata.uid)
            same = before is not None and before[0] == mark
            self._watched[service.metadata.uid] = before if before and same else (mark, self._promises(service))
        watch = Watch([promise for _, promises in self._watched.values() for promise in promises])
        movers = [mover for service in placed if (mover := mover_of(service, now)) is not None]
        copies = CopyWatch(movers, self._profiles)
        new = [service for service in placed if service.metadata.uid not in known]
        return Look(watch, copies, sorted(watch.questions() | copies.questions()), self._before(watch, new, now))

    def _promises(self, service: AIService) -> tuple[Promise, ...]:
        way = max((way_of(placement) for placement in service.status.placements), default=float("nan"))
        return promises_of(service, self._profiles, way)

    async def _ask(self, questions: Sequence[Question], at: float) -> dict[Question, Sequence[Row]]:
        """Return the answers; what gets none is left out, which is told once per tick."""
        answers = await asyncio.gather(*(self._query(each, at) for each in questions), return_exceptions=True)
        told: dict[Question, Sequence[Row]] = {}
        for question, answer in zip(questions, answers, strict=True):
            if isinstance(answer, ApiError):
                log.warning("Failed to measure", extra={"signal": question.signal, "error": answer.message})
            elif isinstance(answer, BaseException):
                raise answer
            else:
                told[question] = answer
        return told

    async def _query(self, question: Question, at: float) -> Sequence[Row]:
        query = self._profiles[question.profile].query(question.signal, question.window_seconds, question.by)
        return [] if query is None else await self._source.query(query, at)

    def _before(self, watch: Watch, new: Iterable[AIService], now: float) -> Alarms:
        """Return the alarms after the last look: as kept, else, of new services, as a predecessor recorded them."""
        recorded = {key: state for service in new for key, state in recorded_alarms(service)}
        states = [self._alarms.get(key) or recorded.get(key, (Phase.QUIET, now)) for key in map(_alarm, watch.promises)]
        phases = np.array([phase for phase, _ in states], dtype=np.int64)
        return Alarms(phases, np.array([since for _, since in states], dtype=np.float64))

    def _conclude(self, watch: Watch, judged: Sequence[Judged], placed: Iterable[AIService]) -> list[AIService]:
        """Keep what was judged of those that are still watched, and return the services whose verdict changed."""
        keys = list(map(_alarm, watch.promises))
        self._alarms = {key: (each.phase, each.since) for key, each in zip(keys, judged, strict=True)}
        by_service: dict[str, list[Judged]] = {}
        for promise, each in zip(watch.promises, judged, strict=True):
            by_service.setdefault(promise.uid, []).append(each)
        before, self.judged = self.judged, {uid: tuple(each) for uid, each in by_service.items()}
        return [
            service
            for service in placed
            if service.status.migration is not None
            or _verdicts(before.get(uid := service.metadata.uid, ())) != _verdicts(self.judged.get(uid, ()))
        ]


def way_of(placement: Placement) -> float:
    """Return what the way to the users adds to a latency, in seconds; NaN where nobody predicted it."""
    way = placement.predicted_network_microseconds
    return float("nan") if way is None else way / 1e6


def mover_of(service: AIService, now: float) -> Mover | None:
    """Return the copies of ``service`` that are judged side by side; None where there is nothing to be judged yet.

    Args:
        service: The service.
        now: Seconds since 1970.
    """
    move = service.status.migration
    if move is None or move.phase not in (Step.TARGET_READY, Step.TRAFFIC_SWITCHED):
        return None
    window = window_of(service, now - moment(move.phase_since).timestamp())
    if window is None:
        return None
    return Mover(service, {each.copy_id: way_of(each) for each in holding.recorded(service)}, window)


def recorded_alarms(service: AIService) -> Iterable[tuple[Alarm, tuple[Phase, float]]]:
    """Yield the alarms that the status of ``service`` tells of, so that a restart neither loses nor repeats one."""
    for promise in promises_of(service, {}, 0.0):
        for row in service.status.qos:
            same = row.dimension == promise.limit.dimension and row.target == round(
                promise.limit.target / promise.limit.scale
            )
            if same and row.alarm is not None and row.alarm_since is not None:
                since = datetime.fromisoformat(row.alarm_since).astimezone(UTC).timestamp()
                yield _alarm(promise), (Phase[row.alarm.upper()], since)


def _alarm(promise: Promise) -> Alarm:
    return promise.uid, promise.limit.dimension, promise.limit.target


def _verdicts(judged: Iterable[Judged]) -> list[tuple[str, int, int, int]]:
    """Return what a status tells of at once; a value alone that moved is for metrics, not for the status."""
    return [(each.dimension, each.finding, each.gap, each.phase) for each in judged]
