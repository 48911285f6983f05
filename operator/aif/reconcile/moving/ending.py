"""A move that is given up, because of its service and not of itself: a fault of the spec, a pause."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from aif.api.aiservice import AIService
from aif.api.conditions import Reason
from aif.api.migration_status import Phase
from aif.domain import events
from aif.reconcile.moving.state import completed, course_of, elapsed, taken_back
from aif.reconcile.outcome import Outcome
from aif.reconcile.rollout import reference


def given_up(service: AIService, outcome: Outcome, reason: Reason, now: datetime) -> Outcome:
    """Return ``outcome`` with the end of the move that is under way; as it is where none is.

    Beyond its point of no return a move is over, whatever becomes of the service.
    """
    move, here = service.status.migration, reference(service)
    if move is None:
        return outcome
    if move.phase is Phase.SOURCE_DRAINING:
        news = events.completed(here, course_of(move), elapsed(move.started_at, now))
        return replace(outcome, ended=completed(service, move, now), news=(news,))
    news = events.rolled_back(here, course_of(move), reason, "the service is not served as it was")
    return replace(outcome, ended=taken_back(service, move, reason, now), news=(news,))
