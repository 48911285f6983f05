"""How long a status may wait to be written: what was decided and what is settled at once, what passes soon, later."""

from __future__ import annotations

from collections.abc import Iterable

from aif.api.aiservice_status import AIServiceStatus
from aif.api.conditions import Condition

PASSING_SECONDS = 1.0
"""A state that others follow within this time is not worth a write: the pods of a lost node, then its endpoints."""

COUNTING_SECONDS = 5.0
"""The same where only figures or words differ, such as how many of the replicas are ready."""

_OBSERVED = frozenset({"Ready", "WorkloadReady", "EndpointReady", "Reconciling", "Migrating"})
"""Conditions that say what pods and endpoints do; all others say what was decided."""


def leeway(before: AIServiceStatus, after: AIServiceStatus) -> float:
    """Return how many seconds ``after`` may wait to be written over ``before``; 0 where it may not."""
    if _decided(before) != _decided(after):
        return 0.0
    if _standing(before.conditions) == _standing(after.conditions):
        return COUNTING_SECONDS
    return 0.0 if _at_rest(after.conditions) else PASSING_SECONDS


def _decided(status: AIServiceStatus) -> tuple[object, ...]:
    """Return what a decision says, without what was merely observed of its effects."""
    decided = _standing(each for each in status.conditions if each.type not in _OBSERVED)
    generations = (status.observed_generation, status.decided_generation)
    moves = (status.migration, status.migrations, status.last_handled_migrate_to, status.last_handled_abort)
    return (*generations, *moves, status.placements, status.plan, status.url, status.selector, decided)


def _standing(conditions: Iterable[Condition]) -> set[tuple[str, str, str]]:
    return {(each.type, each.status, each.reason) for each in conditions}


def _at_rest(conditions: Iterable[Condition]) -> bool:
    """Tell whether all is as it should be, so that nothing follows by itself."""
    standing = {each.type: each.status for each in conditions}
    return standing.get("Ready") == "True" and standing.get("Migrating") != "True"
