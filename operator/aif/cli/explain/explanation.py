"""Why a service is where it is, or nowhere, as a structure for programs; `view` shows it to people."""

from __future__ import annotations

from typing import Any, Final

from aif.api.aiservice import AIService
from aif.api.aiservice_status import DimensionStatus
from aif.api.conditions import Condition
from aif.cli.explain.advice import next_steps
from aif.cli.figures import UNITS
from aif.cli.moves import moves

Json = dict[str, Any]

_FINE_WHEN_FALSE: Final = frozenset(
    {"ApprovalRequired", "Degraded", "Migrating", "Overloaded", "Reconciling", "Stalled", "ThresholdAlarm"}
)
"""Conditions that tell of trouble, or of work under way, while they are True."""


def explanation(service: AIService) -> Json:
    """Return the decision, its evidence and what to do next; names are those of the status where it has them."""
    status = service.status.to_dict()
    return {
        "service": {
            "namespace": service.metadata.namespace,
            "name": service.metadata.name,
            "type": service.spec.service_type.value,
            "model": service.spec.model.name,
        },
        "decision": decision(service),
        "demands": status.get("demands", {}),
        "candidates": status["candidates"],
        "rejected": status["rejected"],
        "contract": [_dimension(service, dimension) for dimension in service.status.qos],
        "conditions": [_condition(condition) for condition in unsettled(service)],
        "migration": moves.under_way(service.status.migration),
        "migrations": moves.over(service.status.migrations),
        "plan": status.get("plan"),
        "next": next_steps(service),
    }


def decision(service: AIService) -> Json:
    """Return whether and where the service is placed, and the sentence that says why."""
    placed = verdict(service)
    return {
        "placed": placed is not None and placed.status == "True",
        "reason": placed.reason if placed is not None else "Pending",
        "message": placed.message if placed is not None else "The operator has not looked at it yet",
        "placements": service.status.to_dict()["placements"],
        "url": service.status.url,
    }


def verdict(service: AIService) -> Condition | None:
    """Return the condition that tells of the place: what was not accepted has no other."""
    known = {condition.type: condition for condition in service.status.conditions}
    accepted = known.get("Accepted")
    return accepted if accepted is not None and accepted.status == "False" else known.get("Placed")


def unsettled(service: AIService) -> list[Condition]:
    """Return the conditions that are not as one would wish them."""
    return [condition for condition in service.status.conditions if not _is_fine(condition)]


def _is_fine(condition: Condition) -> bool:
    return condition.status == ("False" if condition.type in _FINE_WHEN_FALSE else "True")


def enforcement(service: AIService, dimension: str) -> str:
    """Return whether the service asks for a dimension as Hard or Soft."""
    asked = getattr(service.spec.qos, dimension, None)
    return asked.enforcement.value if asked is not None else ""


def _dimension(service: AIService, dimension: DimensionStatus) -> Json:
    unit, _ = UNITS.get(dimension.dimension, ("", str))
    return {"unit": unit, "enforcement": enforcement(service, dimension.dimension), **dimension.to_dict()}


def _condition(condition: Condition) -> Json:
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message,
    }
