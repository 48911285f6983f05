"""How often a service may move, and where not to: rest after a move, a budget per hour, no way back at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from aif.api.aiservice import AIService
from aif.api.conditions import Reason
from aif.api.migration_status import MigrationRecord, MigrationResult
from aif.domain.conditions import Verdict, timestamp
from aif.reconcile.measured import BREACHES
from aif.reconcile.moving.state import elapsed, moment

HOUR_SECONDS = 3600.0

LIMITED = frozenset(
    {
        *BREACHES.values(),
        Reason.REBALANCE,
        Reason.HANDOVER_EXPECTED,
        Reason.LATENCY_INFEASIBLE,
        Reason.COMPUTE_INFEASIBLE,
        Reason.BANDWIDTH_INFEASIBLE,
        Reason.AVAILABILITY_INFEASIBLE,
        Reason.ENERGY_BUDGET_EXCEEDED,
    }
)
"""Triggers about quality, which may be held back; all others are orders, faults, or losses."""

_NO_FAULT = frozenset({Reason.SUPERSEDED, Reason.ABORTED, Reason.SUSPENDED})
"""Reasons of a rollback that say nothing against the node."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a service may not begin to move now.

    Attributes:
        reason: The same as the reason of a condition.
        message: The same for people.
        again_after: Seconds after which it may; None where only a change of the spec lets it.
    """

    reason: Reason
    message: str
    again_after: float | None = None

    @property
    def degraded(self) -> Verdict:
        """Return the condition Degraded."""
        return Verdict("Degraded", "True", self.reason, self.message)


def hold(service: AIService, trigger: Reason, now: datetime) -> Hold | None:
    """Return what keeps ``service`` from moving because of ``trigger``; None where nothing does."""
    return _after_rollback(service, trigger, now) or (_limited(service, now) if trigger in LIMITED else None)


def _after_rollback(service: AIService, trigger: Reason, now: datetime) -> Hold | None:
    """Return the wait after a move for the same reason was taken back; what was no fault of it is tried at once."""
    last = service.status.migrations[-1] if service.status.migrations else None
    if (
        trigger is Reason.REQUESTED
        or last is None
        or last.result != MigrationResult.ROLLED_BACK
        or last.trigger != trigger
    ):
        return None
    if last.reason in {Reason.SUPERSEDED, Reason.CAPACITY_RESERVED} or last.generation != service.metadata.generation:
        return None
    told = f"The move to {last.to} was taken back ({last.reason})"
    if last.reason == Reason.ABORTED and trigger is Reason.SPEC_CHANGED:
        return Hold(Reason.ROLLED_BACK, f"{told}; change the spec to try again")
    return _until(last, service.spec.migration.cooldown_seconds, Reason.ROLLED_BACK, told, now)


def _limited(service: AIService, now: datetime) -> Hold | None:
    records, bounds = service.status.migrations, service.spec.migration
    if bounds.max_per_hour == 0:
        return Hold(Reason.RATE_LIMITED, "spec.migration.maxPerHour is 0")
    if records:
        told = f"Moved to {records[-1].to} less than {bounds.cooldown_seconds} s ago"
        resting = _until(records[-1], bounds.cooldown_seconds, Reason.COOLING_DOWN, told, now)
        if resting is not None:
            return resting
    recent = [each for each in _within(records, HOUR_SECONDS, now) if each.trigger in LIMITED]
    if len(recent) < bounds.max_per_hour:
        return None
    told = f"Moved {len(recent)} times within an hour"
    return _until(recent[-bounds.max_per_hour], HOUR_SECONDS, Reason.RATE_LIMITED, told, now)


def _until(record: MigrationRecord, seconds: float, reason: Reason, told: str, now: datetime) -> Hold | None:
    if record.ended_at is None:
        return None
    end = moment(record.ended_at) + timedelta(seconds=seconds)
    left = (end - now).total_seconds()
    return Hold(reason, f"{told}; looked at again after {timestamp(end)}", min(left, seconds)) if left > 0 else None


def left_nodes(service: AIService, now: datetime) -> frozenset[str]:
    """Return the nodes that a move for the sake of quality does not take: those that failed within the hour.

    A node that was left for a breach breaks the contract again when the load is back on it; one from which a new copy
    went back would do no better. What was left for an order or a loss may be taken as soon as it is fit again.
    """
    recent = list(_within(service.status.migrations, HOUR_SECONDS, now))
    return frozenset(node for record in recent for node in _failed(record))


def _failed(record: MigrationRecord) -> list[str]:
    if record.result == MigrationResult.COMPLETED:
        # Who goes ahead of the users leaves a node that was good for them where they were, and comes back with them.
        failed = record.trigger in LIMITED and record.trigger != Reason.HANDOVER_EXPECTED
        return record.source.split(", ") if failed else []
    return record.to.split(", ") if record.reason not in _NO_FAULT else []


def _within(records: list[MigrationRecord], seconds: float, now: datetime) -> Iterator[MigrationRecord]:
    return (each for each in records if each.ended_at is not None and elapsed(each.ended_at, now) < seconds)
