"""Moves of a service as structures for programs, and how a request of a person fares; `view` shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from aif.api.aiservice import AIService
from aif.api.conditions import Condition, Reason
from aif.api.migration_status import MigrationRecord, MigrationResult, MigrationStatus, Phase
from aif.domain.annotations import ANYWHERE

Json = dict[str, Any]

PHASES: Final[Mapping[Phase, str]] = {
    Phase.TARGET_RESERVED: "the new copy comes up",
    Phase.TARGET_READY: "both copies serve, and are judged side by side",
    Phase.CONTRACT_VERIFIED: "the Service turns to the new copy",
    Phase.TRAFFIC_SWITCHED: "the new copy serves alone, on probation",
    Phase.SOURCE_DRAINING: "the old copy ends its requests",
}
"""What happens in each phase, in their order."""


class End(StrEnum):
    """What became of a request."""

    COMPLETED = "Completed"
    """The service serves from where it was to go."""

    ROLLED_BACK = "RolledBack"
    """It serves from where it was."""

    REFUSED = "Refused"
    """Nothing moved; the message says why."""

    AWAITING_APPROVAL = "AwaitingApproval"
    """A person has to approve what the operator proposes."""

    UNDER_WAY = "UnderWay"
    """Nobody waited for the end."""


@dataclass(frozen=True, slots=True)
class Pursuit:
    """A request to move, and how far it has come.

    Attributes:
        value: Value of the annotation net4ai.io/migrate-to; empty where a move is followed that somebody else began.
        after: Number of the last move before the request.
        number: Number of the move that it led to; None until there is one.
        move: The move while it is under way, as it was seen last.
        begun: When each phase began, of those that were seen.
        record: The move once it is over.
        end: How the request ended; None while it has not.
        message: What the operator says of it.
    """

    value: str
    after: int
    number: int | None = None
    move: MigrationStatus | None = None
    begun: Mapping[Phase, datetime] | None = None
    record: MigrationRecord | None = None
    end: End | None = None
    message: str = ""

    def with_seen(self, service: AIService) -> Pursuit:
        """Return how far the request has come by what the status of ``service`` tells now."""
        move = service.status.migration
        if move is not None and self._is_mine(move):
            begun = {**(self.begun or {}), move.phase: moment(move.phase_since)}
            return replace(self, number=move.id, move=move, begun=begun, message=move.message)
        record = next((each for each in service.status.migrations if self._was_mine(each)), None)
        if record is not None:
            end = End.COMPLETED if record.result == MigrationResult.COMPLETED else End.ROLLED_BACK
            return replace(self, number=record.id, record=record, end=end, message=record.reason or "")
        return self._answered(service) if self.number is None else self

    def _is_mine(self, move: MigrationStatus) -> bool:
        return move.id == self.number or (bool(self.value) and move.request_token == self.value)

    def _was_mine(self, record: MigrationRecord) -> bool:
        if self.number is not None:
            return record.id == self.number
        return record.id > self.after and record.trigger == Reason.REQUESTED

    def _answered(self, service: AIService) -> Pursuit:
        if service.status.last_handled_migrate_to == self.value:
            told = condition(service, "Migrating")
            return replace(self, end=End.REFUSED, message=told.message if told is not None else "")
        plan, asked = service.status.plan, self.value.partition("#")[0]
        if plan is not None and plan.token is not None and asked in (ANYWHERE, plan.node):
            told = condition(service, "ApprovalRequired")
            if told is not None and told.status == "True":
                return replace(self, end=End.AWAITING_APPROVAL, message=told.message)
        return self


def request(target: str, now: datetime) -> str:
    """Return the value of an annotation that asks for ``target``; the time behind it makes it a new request."""
    return f"{target}#{now:%Y%m%dT%H%M%S}"


def last_number(service: AIService) -> int:
    """Return the number of the latest move, be it over or under way; 0 where there was none."""
    under_way = [service.status.migration.id] if service.status.migration is not None else []
    return max([record.id for record in service.status.migrations] + under_way, default=0)


def condition(service: AIService, kind: str) -> Condition | None:
    """Return a condition of the service; None where it has none of this type."""
    return next((each for each in service.status.conditions if each.type == kind), None)


def moment(text: str) -> datetime:
    """Return a time of the status."""
    return datetime.fromisoformat(text).astimezone(UTC)


def nodes(names: Iterable[str]) -> str:
    """Return nodes for people, each once."""
    return ", ".join(dict.fromkeys(names))


def under_way(move: MigrationStatus | None) -> Json | None:
    """Return the move under way with the names of the status, and from where to where in a word each."""
    if move is None:
        return None
    source, target = nodes(each.node for each in move.sources), nodes(each.node for each in move.targets)
    return {"from": source, "to": target, **move.to_dict()}


def over(records: Iterable[MigrationRecord]) -> list[Json]:
    """Return the moves that have ended, the oldest first, each with the seconds that it took."""
    return [{**record.to_dict(), "seconds": seconds(record)} for record in records]


def seconds(record: MigrationRecord) -> int | None:
    """Return how long a move took; None where its times are not known."""
    if record.started_at is None or record.ended_at is None:
        return None
    return round((moment(record.ended_at) - moment(record.started_at)).total_seconds())


def report(service: AIService, pursuit: Pursuit, asked: Mapping[str, str]) -> Json:
    """Return what was ``asked`` (annotations), the result, and the move with the times of the phases that were seen."""
    record = pursuit.record
    ended = over([record])[0] if record is not None else None
    return {
        "service": {"namespace": service.metadata.namespace, "name": service.metadata.name},
        "request": dict(asked),
        "result": (pursuit.end or End.UNDER_WAY).value,
        "message": pursuit.message,
        "move": {**(under_way(pursuit.move) or {}), **(ended or {})} or None,
        "phases": _phases(pursuit),
        "placements": service.status.to_dict()["placements"],
    }


def _phases(pursuit: Pursuit) -> list[Json]:
    times = spans(pursuit)
    return [
        {"phase": phase.value, "since": begun.isoformat(), "seconds": took} for phase, (begun, took) in times.items()
    ]


def spans(pursuit: Pursuit) -> dict[Phase, tuple[datetime, int | None]]:
    """Return when each phase that was seen began and how many seconds it took; None of the one under way."""
    begun = [(phase, (pursuit.begun or {})[phase]) for phase in PHASES if phase in (pursuit.begun or {})]
    ended = pursuit.record.ended_at if pursuit.record is not None else None
    ends = [*(since for _, since in begun[1:]), moment(ended) if ended else None][: len(begun)]
    return {
        phase: (since, None if end is None else round((end - since).total_seconds()))
        for (phase, since), end in zip(begun, ends, strict=True)
    }
