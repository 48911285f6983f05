"""Judging conditions: the time of a transition moves with the status only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from aif.api.conditions import Condition, ConditionStatus, Reason


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a condition should say, without its times."""

    type: str
    status: ConditionStatus
    reason: Reason
    message: str = ""


def timestamp(moment: datetime) -> str:
    """Return ``moment`` (aware) as Kubernetes writes times, to the second in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def settle(
    verdicts: Iterable[Verdict], previous: Sequence[Condition], generation: int, now: datetime
) -> list[Condition]:
    """Return the conditions for ``verdicts`` in their order, keeping the time of those whose status stays."""
    known = {condition.type: condition for condition in previous}
    return [_settle(verdict, known.get(verdict.type), generation, now) for verdict in verdicts]


def _settle(verdict: Verdict, before: Condition | None, generation: int, now: datetime) -> Condition:
    stays = before is not None and before.status == verdict.status
    return Condition(
        type=verdict.type,
        status=verdict.status,
        reason=verdict.reason,
        message=verdict.message[:1024],
        last_transition_time=before.last_transition_time if before is not None and stays else timestamp(now),
        observed_generation=generation,
    )


def ready(parts: Sequence[Verdict]) -> Verdict:
    """Return Ready as the sum of ``parts``: the first that is False, else the first Unknown, else True."""
    for status in ("False", "Unknown"):
        for part in parts:
            if part.status == status:
                return Verdict("Ready", part.status, part.reason, part.message)
    return Verdict("Ready", "True", parts[-1].reason, parts[-1].message)


def transitions(before: Sequence[Condition], after: Sequence[Condition]) -> list[Condition]:
    """Return the conditions of ``after`` whose status or reason differs from ``before``."""
    known = {condition.type: (condition.status, condition.reason) for condition in before}
    return [condition for condition in after if known.get(condition.type) != (condition.status, condition.reason)]
