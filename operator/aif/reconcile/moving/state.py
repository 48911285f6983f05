"""The record of a move, from its start to its end; its timers are times of the status, to the second."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aif.api.aiservice import AIService
from aif.api.conditions import Reason
from aif.api.migration_status import (
    MigrationRecord,
    MigrationResult,
    MigrationSource,
    MigrationStatus,
    Phase,
    Placement,
)
from aif.domain.conditions import timestamp

MOST_RECORDS = 10
"""Moves that a status remembers."""

CLOCK_SECONDS = 5.0
"""A timer that began so far in the future was written by a clock that has been set back since."""


def moment(text: str) -> datetime:
    """Return the time that a status tells."""
    return datetime.fromisoformat(text).astimezone(UTC)


def elapsed(since: str, now: datetime) -> float:
    """Return how many seconds ago ``since`` was; 0 where it lies in the future."""
    return max(0.0, (now - moment(since)).total_seconds())


def remaining(until: str, now: datetime) -> float:
    """Return in how many seconds ``until`` is; 0 where it is over."""
    return max(0.0, (moment(until) - now).total_seconds())


def names(nodes: Iterable[str]) -> str:
    """Return nodes for people and for a record, each once."""
    return ", ".join(dict.fromkeys(nodes))[:253]


def begun(
    service: AIService, trigger: Reason, ends: tuple[Sequence[Placement], Sequence[Placement]], now: datetime
) -> MigrationStatus:
    """Return the move off the placements at the first of ``ends``, to those at the second."""
    sources, targets = ends
    return MigrationStatus(
        id=next_id(service),
        trigger=trigger,
        phase=Phase.TARGET_RESERVED,
        phase_since=timestamp(now),
        started_at=timestamp(now),
        deadline=timestamp(now + timedelta(seconds=service.spec.migration.timeout_seconds)),
        sources=[MigrationSource(node=each.node, copy_id=each.copy_id) for each in sources],
        targets=list(targets),
    )


def course_of(move: MigrationStatus) -> str:
    """Return which move it is, for people."""
    source, target = names(each.node for each in move.sources), names(each.node for each in move.targets)
    return f"Move {move.id} from {source} to {target}"


def advanced(move: MigrationStatus, phase: Phase, now: datetime, **told: Any) -> MigrationStatus:
    """Return ``move`` in its next phase, with what was found out on the way."""
    return move.model_copy(update={"phase": phase, "phase_since": timestamp(now), **told})


def in_step(service: AIService, move: MigrationStatus, now: datetime) -> MigrationStatus:
    """Return ``move`` with timers that began in the future begun now: the clock was set back."""
    if (moment(move.phase_since) - now).total_seconds() <= CLOCK_SECONDS:
        return move
    late = timestamp(now + timedelta(seconds=service.spec.migration.timeout_seconds))
    return move.model_copy(update={"phase_since": timestamp(now), "started_at": timestamp(now), "deadline": late})


def destination(placements: Iterable[Placement], move: MigrationStatus | None) -> list[Placement]:
    """Return where a service runs once ``move`` is over: where it runs, if there is none."""
    if move is None:
        return list(placements)
    gone = {each.copy_id for each in move.sources} | {each.copy_id for each in move.targets}
    return [*(each for each in placements if each.copy_id not in gone), *move.targets]


def completed(service: AIService, move: MigrationStatus, now: datetime) -> MigrationRecord:
    """Return the record of a move that came to its end."""
    return _record(service, move, MigrationResult.COMPLETED, now)


def taken_back(service: AIService, move: MigrationStatus, reason: Reason, now: datetime) -> MigrationRecord:
    """Return the record of a move that was rolled back."""
    return _record(service, move, MigrationResult.ROLLED_BACK, now).model_copy(update={"reason": reason})


def _record(service: AIService, move: MigrationStatus, result: MigrationResult, now: datetime) -> MigrationRecord:
    return MigrationRecord(
        id=move.id,
        source=names(each.node for each in move.sources),
        to=names(each.node for each in move.targets),
        trigger=move.trigger,
        result=result,
        verified_by=move.verified_by,
        generation=service.metadata.generation,
        started_at=move.started_at,
        ended_at=timestamp(now),
        figures=move.figures,
    )


def remembered(service: AIService, ended: MigrationRecord | None) -> list[MigrationRecord]:
    """Return the moves that the status remembers once ``ended`` is over."""
    return [*service.status.migrations, *([ended] if ended else [])][-MOST_RECORDS:]


def next_id(service: AIService) -> int:
    """Return the number of the next move."""
    return count(service.status.migrations) + 1


def count(records: Iterable[MigrationRecord]) -> int:
    """Return how many moves there have been: they are numbered from 1."""
    return max((record.id for record in records), default=0)
