"""Pressure on what pods of a service are granted, as its status tells it: rows, a condition, and events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aif.api.aiservice import AIService
from aif.api.conditions import Reason
from aif.api.measured import ResourceStatus
from aif.contract.alarms import Phase
from aif.contract.pressure import PHASES, Pressure, settled
from aif.domain import events
from aif.domain.actions import Emit
from aif.domain.conditions import Verdict
from aif.reconcile.rollout import reference

_RAISED = PHASES[Phase.RAISED]


def rows(service: AIService, pressures: Sequence[Pressure] | None) -> list[ResourceStatus]:
    """Return ``status.resources``; as it was where nothing measures, so that no alarm is lost meanwhile."""
    before = service.status.resources
    return before if pressures is None else settled(before, pressures)


def conditions(told: Sequence[ResourceStatus]) -> Iterator[Verdict]:
    """Yield ResourcePressure while an alarm is raised."""
    raised = [row for row in told if row.alarm == _RAISED]
    if raised:
        yield Verdict("ResourcePressure", "True", Reason.RESOURCE_OVERLOADED, "; ".join(map(sentence, raised)))


def sentence(row: ResourceStatus) -> str:
    """Return how busy a resource is against its levels."""
    used = "unknown" if row.used_percent is None else f"{row.used_percent} %"
    model = " by a model" if row.estimated else ""
    return f"{row.resource} in use: {used}{model}; raised at {row.raise_percent} %, cleared at {row.clear_percent} %"


def news(service: AIService, after: Sequence[ResourceStatus]) -> Iterator[Emit]:
    """Yield the events of alarms that the status did not tell of before, and of those that it no longer tells of."""
    was = {row.resource: row for row in service.status.resources if row.alarm == _RAISED}
    now = {row.resource: row for row in after if row.alarm == _RAISED}
    for resource, row in now.items():
        if resource not in was:
            yield events.alarm(reference(service), Reason.RESOURCE_OVERLOADED, sentence(row))
    for resource, row in was.items():
        if resource not in now:
            note = f"{resource} in use is down at {row.clear_percent} %, or its pods are gone"
            yield events.cleared(reference(service), note)
