"""Alarms of a node: which of its conditions are one, and the events that tell of their coming and going."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from aif.api.conditions import Condition, Reason
from aif.domain import events
from aif.domain.actions import Emit
from aif.domain.cluster import ObjectReference


class Alarm(NamedTuple):
    """One kind of alarm.

    Attributes:
        name: What the metric ``aif_node_alarms`` calls it.
        condition: Condition that tells of it.
        status: Status in which it does.
        reasons: Reasons with which it does.
    """

    name: str
    condition: str
    status: str
    reasons: frozenset[str]


ALARMS: Final = (
    Alarm("Unreachable", "NodeReady", "False", frozenset({Reason.NODE_UNREACHABLE, Reason.NODE_NOT_READY})),
    Alarm("Overloaded", "Overloaded", "True", frozenset({Reason.NODE_OVERLOADED})),
    Alarm("AllocatableLowered", "CapabilityVerified", "False", frozenset({Reason.ALLOCATABLE_LOWERED})),
    Alarm("CapabilityNotAttained", "CapabilityVerified", "False", frozenset({Reason.CAPABILITY_NOT_ATTAINED})),
    Alarm("TelemetryLost", "TelemetryFresh", "False", frozenset({Reason.METRICS_STALE})),
)
"""All alarms of nodes."""


def raised(conditions: Iterable[Condition]) -> dict[str, Condition]:
    """Return the alarms that ``conditions`` tell of, by name."""
    known = {each.type: each for each in conditions}
    return {
        alarm.name: told
        for alarm in ALARMS
        if (told := known.get(alarm.condition)) is not None
        and told.status == alarm.status
        and told.reason in alarm.reasons
    }


def news(node: ObjectReference, before: Sequence[Condition], after: Sequence[Condition]) -> Iterator[Emit]:
    """Yield an event for each alarm that came, and for each that went; what was recorded is not said again."""
    was, now = raised(before), raised(after)
    known = {each.type: each for each in after}
    for name, told in now.items():
        if name not in was:
            yield events.node_alarm(node, told.reason, told.message)
    for name, told in was.items():
        if name not in now:
            present = known.get(told.type)
            yield events.node_cleared(node, name, (present.message if present else "") or f"no longer: {told.message}")
