"""Pressure on resources of services and nodes: alarms of the same kind as those of contracts, on shares in use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np

from aif.api.measured import ResourceStatus
from aif.contract.alarms import Alarms, Evaluation, Phase, evaluate
from aif.contract.answers import Row
from aif.contract.limits import Limit, Limits, Sense
from aif.contract.readings import SKEW_SECONDS
from aif.contract.resources import ResourceQuery, Scope

STALE_SECONDS: Final = 60.0
"""Age from which a sample of an exporter says nothing any more."""

LOST_SECONDS: Final = 60.0
"""How long a node that was measured may be silent before its telemetry counts as lost."""

PHASES: Final = {Phase.PENDING: "Pending", Phase.RAISED: "Raised"}
"""How a status spells the phases that it tells of."""


class Level(NamedTuple):
    """One resource of one subject: a service by its uid, or a node by its name."""

    subject: str
    resource: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The present use of one resource.

    Attributes:
        level: Whose, and of what.
        share: Share in use, 0 and more; NaN where unknown.
        query: Its levels and times.
        estimated: Whether a model says so, and no meter.
    """

    level: Level
    share: float
    query: ResourceQuery
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Pressure:
    """One resource that is, or is about to be, under pressure, or no longer is.

    Attributes:
        reading: The last value.
        phase: How far it has come.
        since: When that phase began, in seconds since 1970.
    """

    reading: Reading
    phase: Phase
    since: float

    @property
    def status(self) -> ResourceStatus:
        """Return it as a status tells it."""
        query, share = self.reading.query, self.reading.share
        return ResourceStatus(
            resource=self.reading.level.resource,
            alarm=PHASES[self.phase],
            since=_spelled(self.since),
            used_percent=None if np.isnan(share) else percent(share),
            raise_percent=query.raise_percent or 0,
            clear_percent=query.clear_percent or 0,
            estimated=self.reading.estimated or None,
        )


def percent(share: float) -> int:
    """Return a share in whole per cent."""
    return max(0, round(100 * share))


def believed(rows: Iterable[Row], times: Iterable[Row], scope: Scope, now: float) -> dict[tuple[str, ...], float]:
    """Return the value of each pod or node; one that is told twice, not finite, old or from the future is left out.

    Args:
        rows: Answer to the query.
        times: When each pod or node was sampled, in seconds since 1970.
        scope: What rows are about.
        now: Seconds since 1970.
    """
    sampled = _single(times, scope)
    return {
        key: value
        for key, value in _single(rows, scope).items()
        if np.isfinite(value) and -SKEW_SECONDS <= now - sampled.get(key, -np.inf) <= STALE_SECONDS
    }


def _single(rows: Iterable[Row], scope: Scope) -> dict[tuple[str, ...], float]:
    told: dict[tuple[str, ...], float] = {}
    for row in rows:
        key = tuple(row.labels.get(label, "") for label in scope.labels)
        told[key] = np.nan if key in told else row.value
    return {key: value for key, value in told.items() if all(key)}


def judge(
    readings: Sequence[Reading], before: Mapping[Level, tuple[Phase, float]], now: float
) -> tuple[dict[Level, Pressure], Evaluation]:
    """Return what follows from ``readings``, which all have levels, for the alarms.

    Args:
        readings: One for each resource that is watched, known or not.
        before: Phases after the last look; those that are left out are quiet.
        now: Seconds since 1970.
    """
    states = [before.get(each.level, (Phase.QUIET, now)) for each in readings]
    alarms = Alarms(
        np.array([phase for phase, _ in states], dtype=np.int64),
        np.array([since for _, since in states], dtype=np.float64),
    )
    shares = np.array([each.share for each in readings], dtype=np.float64)
    lasting = np.array([each.query.for_seconds for each in readings], dtype=np.float64)
    found = evaluate(alarms, _limits(readings), shares, shares, lasting, now)
    pressures = {
        each.level: Pressure(each, Phase(found.alarms.phase[row]), float(found.alarms.since[row]))
        for row, each in enumerate(readings)
    }
    return pressures, found


def _limits(readings: Sequence[Reading]) -> Limits:
    return Limits.of(
        [
            Limit(
                dimension=each.level.resource,
                sense=Sense.AT_MOST,
                target=1.0,
                scale=1.0,
                tolerance=(each.query.raise_percent or 0) / 100 - 1.0,
                clear=(each.query.clear_percent or 0) / 100,
                hard=False,
            )
            for each in readings
        ]
    )


def recorded(subject: str, rows: Iterable[ResourceStatus]) -> dict[Level, tuple[Phase, float]]:
    """Return the alarms that a status tells of, so that a restart neither loses nor repeats one."""
    return {Level(subject, row.resource): (Phase[row.alarm.upper()], _moment(row.since)) for row in rows}


def settled(before: Sequence[ResourceStatus], pressures: Iterable[Pressure]) -> list[ResourceStatus]:
    """Return what a status tells of pressure, with the values of the last change: one that moves writes nothing."""
    known = {row.resource: row for row in before}
    rows = []
    for each in pressures:
        if each.phase is not Phase.QUIET:
            row, was = each.status, known.get(each.reading.level.resource)
            rows.append(was if was is not None and was.alarm == row.alarm else row)
    return sorted(rows, key=lambda row: row.resource)


def worst(shares: Iterable[float]) -> float:
    """Return the highest of the known ``shares``; NaN where none is known."""
    known = [share for share in shares if not np.isnan(share)]
    return max(known, default=float("nan"))


def as_share(value: float, query: ResourceQuery, full: float) -> float:
    """Return ``value`` as a share: of ``full`` where it is in another unit, as watts of the declared power."""
    if query.unit is query.unit.SHARE:
        return value
    return value / full if full > 0.0 else float("nan")


def _spelled(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).astimezone(UTC).timestamp()
