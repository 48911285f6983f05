"""All promises that are watched, side by side: what to ask, and what follows from the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from aif.api.aiservice import AIService
from aif.contract.alarms import Alarms, Evaluation, Finding, Phase, evaluate
from aif.contract.answers import Row, Who, bounds, column
from aif.contract.limits import Limit, Limits, limits_of
from aif.contract.profiles import ALL, EACH_COPY, LATENCIES, SIGNALS, Point, Profile, Signal
from aif.contract.readings import Gap, Readings, Samples, bucket_width
from aif.planning.arrays import BoolArray, FloatArray, IntArray

_SERVICE = ("namespace", "name")


class Question(NamedTuple):
    """One vector that is asked for; many promises share it."""

    profile: str
    signal: Signal
    window_seconds: int
    by: str = ALL


Answers = Mapping[Question, Sequence[Row]]
"""What was answered; a question without an answer is left out."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise of one service, and how it is watched.

    Attributes:
        uid: Uid of the service.
        who: Its namespace and name, and the copy where one copy is watched.
        limit: What is promised.
        profile: Metric profile that tells of it; None where the service names one that there is not.
        signal: What tells of it.
        windows: Fast and slow window in seconds.
        for_seconds: How long a breach must last.
        stale_seconds: Age from which a value counts as missing.
        way_seconds: What the way to the users adds to a latency that is measured at the server.
    """

    uid: str
    who: Who
    limit: Limit
    profile: Profile | None
    signal: Signal
    windows: tuple[int, int]
    for_seconds: float
    stale_seconds: float
    way_seconds: float

    @property
    def estimated(self) -> bool:
        """Return whether a part of the value is predicted."""
        return self.limit.dimension == "latency" and self.profile is not None and self.profile.point is Point.SERVER

    @property
    def told(self) -> bool:
        """Return whether the metric profile tells of it at all."""
        return self.profile is not None and self.signal in self.profile.queries

    @property
    def bucketed(self) -> bool:
        """Return whether its value comes from a histogram whose buckets are known."""
        return self.profile is not None and self.signal in LATENCIES.values() and Signal.BUCKETS in self.profile.queries

    def questions(self) -> Iterator[Question]:
        """Yield what has to be asked."""
        if not self.told:
            return
        for window in self.windows:
            yield self.ask(self.signal, window)
            if self.limit.least_requests:
                yield self.ask(Signal.REQUESTS, window)
        yield self.ask(Signal.SAMPLED_AT, 0)
        if self.bucketed:
            yield self.ask(Signal.BUCKETS, 0)

    def ask(self, signal: Signal, window: int) -> Question:
        """Return the question for ``signal`` over a window."""
        by = ALL if len(self.who) == len(_SERVICE) else EACH_COPY
        return Question(self.profile.name if self.profile else "", signal, window, by)


def promises_of(service: AIService, profiles: Mapping[str, Profile], way_seconds: float) -> tuple[Promise, ...]:
    """Return the promises of ``service`` as they are watched.

    Args:
        service: Its contract, its windows and its metric profile.
        profiles: The administrator's metric profiles by name.
        way_seconds: Predicted time on the way between users and server; NaN where unknown.
    """
    evaluation, metrics, latency = service.spec.evaluation, service.spec.metrics, service.spec.qos.latency
    signals = dict(SIGNALS) | ({"latency": LATENCIES[latency.indicator]} if latency else {})
    return tuple(
        Promise(
            uid=service.metadata.uid,
            who=(service.metadata.namespace, service.metadata.name),
            limit=limit,
            profile=profiles.get(metrics.profile),
            signal=signals[limit.dimension],
            windows=(evaluation.fast_window_seconds, evaluation.window_seconds),
            for_seconds=float(evaluation.for_seconds),
            stale_seconds=float(metrics.stale_after_seconds),
            way_seconds=way_seconds,
        )
        for limit in limits_of(service)
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """What is known of one promise.

    Attributes:
        limit: What is promised, as it stood when it was judged.
        finding: Kept, broken, or unknown.
        gap: Why it is unknown.
        value: Value over the slow window in SI units; None where unknown.
        recent: Value over the fast window, which tells whether a breach goes on.
        at: When it was sampled, in seconds since 1970; None where unknown.
        phase: How far a breach has come.
        since: When that phase began, in seconds since 1970.
        seen: When it was judged, in seconds since 1970.
        estimated: Whether a part of the value is predicted.
        rate: Requests per second over the slow window; None where nobody asked, or nobody knows.
        recent_rate: The same over the fast window.
    """

    limit: Limit
    finding: Finding
    gap: Gap
    value: float | None
    recent: float | None
    at: float | None
    phase: Phase
    since: float
    seen: float
    estimated: bool
    rate: float | None = None
    recent_rate: float | None = None

    @property
    def dimension(self) -> str:
        """Return the name of the promise in ``status.qos``."""
        return self.limit.dimension


def current(service: AIService, judged: Sequence[Judged] | None) -> tuple[Judged, ...] | None:
    """Return what is known of the contract as it stands now: what was judged by another one tells nothing of it.

    None where nothing measures, as it was given.
    """
    limits = limits_of(service)
    return None if judged is None else tuple(each for each in judged if each.limit in limits)


class Watch:
    """Promises of many services, as they stand at one look."""

    def __init__(self, promises: Sequence[Promise]) -> None:
        self.promises = tuple(promises)
        self._limits = Limits.of([promise.limit for promise in promises])
        self._who = [promise.who for promise in promises]
        self._for_seconds = np.array([promise.for_seconds for promise in promises], dtype=np.float64)
        self._stale = np.array([promise.stale_seconds for promise in promises], dtype=np.float64)
        self._way = np.array([p.way_seconds if p.estimated else 0.0 for p in promises], dtype=np.float64)
        self._windows = np.array([promise.windows for promise in promises], dtype=np.float64).reshape(-1, 2).T
        self._told = [row for row, promise in enumerate(promises) if promise.told]
        self._bucketed = [row for row in self._told if promises[row].bucketed]

    def questions(self) -> frozenset[Question]:
        """Return what has to be asked for all promises: a handful, however many services there are."""
        return frozenset(question for promise in self.promises for question in promise.questions())

    def judge(self, answers: Answers, alarms: Alarms, now: float) -> tuple[list[Judged], Evaluation]:
        """Return what is known of each promise, in their order, and what follows for the alarms.

        Args:
            answers: What Prometheus answered.
            alarms: The alarms of the promises after the last look.
            now: Seconds since 1970, the time that the questions were asked for.
        """
        tolerance, least = self._limits.raise_above - 1.0, self._limits.least_requests
        bucket = self._buckets(answers)
        samples = [self._samples(answers, place, bucket) for place in (0, 1)]
        fast, slow = (Readings.of(part, now, self._stale, least, tolerance) for part in samples)
        loads = (self._limits.load(fast.value + self._way), self._limits.load(slow.value + self._way))
        found = evaluate(alarms, self._limits, *loads, self._for_seconds, now)
        gap = np.where(slow.gap != Gap.NONE, slow.gap, fast.gap)
        wayless = (gap == Gap.NONE) & np.isnan(self._way)
        values = (slow.value + self._way, fast.value + self._way)
        rates = tuple(part.requests / self._windows[place] for place, part in enumerate(samples))
        judged = self._judged(values, np.where(wayless, Gap.MISSING, gap), samples[1].at, found, now)
        return [
            replace(each, rate=_told(slower), recent_rate=_told(faster))
            for each, faster, slower in zip(judged, *rates, strict=True)
        ], found

    def _samples(self, answers: Answers, place: int, bucket: FloatArray) -> Samples:
        """Return what was answered for the fast (0) or the slow (1) window."""
        value, failed = self._column(answers, lambda promise: promise.ask(promise.signal, promise.windows[place]))
        at, _ = self._column(answers, lambda promise: promise.ask(Signal.SAMPLED_AT, 0))
        requests, _ = self._column(answers, lambda promise: promise.ask(Signal.REQUESTS, promise.windows[place]))
        return Samples(value, at, requests, bucket, failed | np.isnan(bucket))

    def _column(self, answers: Answers, question: Callable[[Promise], Question]) -> tuple[FloatArray, BoolArray]:
        """Return the answer of each promise to its ``question``, and to whom none was given."""
        rows: dict[Question, list[int]] = {}
        for row in self._told:
            rows.setdefault(question(self.promises[row]), []).append(row)
        value, failed = np.full(len(self.promises), np.nan), np.zeros(len(self.promises), dtype=np.bool_)
        for asked, those in rows.items():
            if asked in answers:
                value[those] = column(answers[asked], [self._who[row] for row in those])
            else:
                failed[those] = True
        return value, failed

    def _buckets(self, answers: Answers) -> FloatArray:
        """Return how wide the bucket around each target is; 0 where a value comes from no histogram.

        NaN where nobody answered: whether the buckets tell the target from its neighbours is not known then.
        """
        width = np.zeros(len(self.promises))
        known: dict[Question, Mapping[Who, FloatArray]] = {}
        for row in self._bucketed:
            promise = self.promises[row]
            asked = promise.ask(Signal.BUCKETS, 0)
            if asked not in answers:
                width[row] = np.nan
                continue
            if asked not in known:
                known[asked] = bounds(answers.get(asked, ()), len(promise.who))
            edges, own = known[asked].get(promise.who), promise.limit.target - self._way[row]
            if edges is not None and own > 0.0:
                width[row] = bucket_width(edges, own)
        return width

    def _judged(
        self, values: tuple[FloatArray, FloatArray], gap: IntArray, at: FloatArray, found: Evaluation, now: float
    ) -> Iterator[Judged]:
        for row, promise in enumerate(self.promises):
            yield Judged(
                limit=promise.limit,
                finding=Finding(found.finding[row]),
                gap=Gap(gap[row]),
                value=_told(values[0][row]),
                recent=_told(values[1][row]),
                at=_told(at[row]),
                phase=Phase(found.alarms.phase[row]),
                since=float(found.alarms.since[row]),
                seen=now,
                estimated=promise.estimated,
            )


def _told(figure: np.float64) -> float | None:
    return None if np.isnan(figure) else float(figure)
