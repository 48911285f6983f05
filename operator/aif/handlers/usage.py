"""Counts what services use, for charging: counters that only grow while a service is there, and go after it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from math import nan
from typing import Final, NamedTuple

from aif.api.aiservice import AIService
from aif.contract.answers import Row, Who
from aif.contract.charging import Told, Used, used
from aif.contract.profiles import Profile, Signal
from aif.gateways.exposition import Exposition
from aif.handlers.asking import MetricsSource, ask
from aif.scheduling.expectation import Expectation
from aif.scheduling.ledger import Claim

WINDOW_SECONDS: Final = 60
"""Over which the rate of requests is taken."""

KEPT_SECONDS: Final = 300.0
"""How long the counters of a service that is gone can still be scraped."""

MOST_SERVICES: Final = 20_000
"""Services with counters of their own; what further ones use is counted by namespace, under no name."""

_SIGNALS: Final = (Signal.REQUESTS, Signal.JOULES_PER_REQUEST)


class Question(NamedTuple):
    """What is asked about all services of a profile."""

    profile: str
    signal: Signal


class Consumer(NamedTuple):
    """One service with what is held for it and what a request of it takes by the declared figures."""

    service: AIService
    claims: tuple[Claim, ...]
    expected: Expectation
    pods: tuple[tuple[str, str], ...]


Pods = Mapping[str, Mapping[tuple[str, ...], float]]
"""What pods draw and send, by resource."""


class UsageMeter:
    """Adds what was used since the last look to the counters of each service."""

    def __init__(
        self,
        source: MetricsSource | None,
        profiles: Mapping[str, Profile],
        pods: Callable[[], Pods],
        metrics: Exposition,
    ) -> None:
        self._source = source
        self._profiles = profiles
        self._pods = pods
        self._metrics = metrics
        self._last: float | None = None
        self._labels: dict[Who, set[tuple[str, str]]] = {}
        self._gone: dict[Who, float] = {}

    async def tick(self, consumers: Sequence[Consumer], now: datetime, moment: float) -> None:
        """Count what was used since the last tick.

        Args:
            consumers: The services that hold anything.
            now: The time that metrics are asked for.
            moment: Seconds on a clock that only grows.
        """
        before, self._last = self._last, moment
        answers: dict[Question, Sequence[Row]] = {}
        if self._source is not None:
            answers = await ask(self._source, self._questions(consumers), now.timestamp())
        if before is not None:
            await asyncio.to_thread(self._count, consumers, answers, moment - before)
        self._forget({_who(each.service) for each in consumers}, moment)

    def _questions(self, consumers: Iterable[Consumer]) -> dict[Question, str]:
        named = {each.service.spec.metrics.profile for each in consumers}
        return {
            Question(name, signal): text
            for name in sorted(named & self._profiles.keys())
            for signal in _SIGNALS
            if (text := self._profiles[name].query(signal, WINDOW_SECONDS))
        }

    def _count(self, consumers: Iterable[Consumer], answers: Mapping[Question, Sequence[Row]], seconds: float) -> None:
        told = {question: _by_service(rows) for question, rows in answers.items()}
        pods = self._pods()
        for each in consumers:
            who, profile = _who(each.service), each.service.spec.metrics.profile
            requests, joules = (told.get(Question(profile, signal), {}).get(who, nan) for signal in _SIGNALS)
            expected = each.expected
            known = Told(
                requests=requests / WINDOW_SECONDS,
                flops=expected.flops,
                bits=expected.bits,
                expected_joules=expected.joules,
                joules=joules,
                watts=_sum(pods.get("power", {}), each.pods),
                bytes_per_second=_sum(pods.get("traffic", {}), each.pods),
                devices=_devices(each.claims),
            )
            self._add(self._named(who), used(known, seconds))

    def _named(self, who: Who) -> Who:
        if who not in self._labels and len(self._labels) >= MOST_SERVICES:
            who = (who[0], "")
        self._labels.setdefault(who, set())
        return who

    def _add(self, who: Who, amounts: Used) -> None:
        metrics, labels = self._metrics, self._labels[who]
        if amounts.flop:
            metrics.usage_flop_total.labels(*who).inc(amounts.flop)
            labels.add(("flop", ""))
        for device, amount in amounts.device_seconds.items():
            metrics.usage_device_seconds_total.labels(*who, device).inc(amount)
            labels.add(("device", device))
        for source, amount in amounts.bytes.items():
            metrics.usage_bytes_total.labels(*who, source).inc(amount)
            labels.add(("bytes", source))
        for source, amount in amounts.joules.items():
            metrics.usage_joules_total.labels(*who, source).inc(amount)
            labels.add(("joules", source))

    def _forget(self, present: set[Who], moment: float) -> None:
        """Remove the counters of services that have been gone for so long that every scrape saw their end."""
        for who in self._labels.keys() - present:
            if who[1] and moment - self._gone.setdefault(who, moment) >= KEPT_SECONDS:
                self._remove(who)
        self._gone = {who: since for who, since in self._gone.items() if who in self._labels and who not in present}

    def _remove(self, who: Who) -> None:
        metrics = self._metrics
        counters = {
            "flop": metrics.usage_flop_total,
            "device": metrics.usage_device_seconds_total,
            "bytes": metrics.usage_bytes_total,
            "joules": metrics.usage_joules_total,
        }
        for kind, last in self._labels.pop(who):
            counters[kind].remove(*who, *([last] if last else []))


def _who(service: AIService) -> Who:
    return service.metadata.namespace, service.metadata.name


def _by_service(rows: Iterable[Row]) -> dict[Who, float]:
    """Return the value of each service; one that two rows tell of is unknown."""
    told: dict[Who, float] = {}
    for row in rows:
        who = (row.labels.get("namespace", ""), row.labels.get("aiservice", ""))
        told[who] = nan if who in told else row.value
    return told


def _sum(values: Mapping[tuple[str, ...], float], pods: Iterable[tuple[str, str]]) -> float:
    """Return the sum over ``pods``; NaN where none of them is known."""
    known = [values[pod] for pod in pods if pod in values]
    return sum(known) if known else nan


def _devices(claims: Iterable[Claim]) -> dict[str, float]:
    held: defaultdict[str, float] = defaultdict(float)
    for claim in claims:
        held[claim.device] += claim.resources.get(claim.device, 0.0)
    return dict(held)
