"""What is reported of an object whose stored spec cannot be read, as after a schema was tightened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from aif.api.conditions import Condition, ConditionStatus, Reason
from aif.domain.actions import Action, WriteStatus
from aif.domain.cluster import ObjectReference
from aif.domain.conditions import Verdict, settle
from aif.errors import InvalidSpec


def reconcile(
    target: ObjectReference, generation: int, status: Mapping[str, Any], error: InvalidSpec, now: datetime
) -> tuple[Action, ...]:
    """Return what tells the user which field is at fault; nothing where ``status`` tells it already.

    All else in the status stays: what was placed before the fault serves on, and is known when the fault is mended.
    """
    previous = _conditions(status)
    verdicts = [Verdict(kind, value, Reason.INVALID_SPEC, error.message) for kind, value in _VERDICTS]
    judged = settle(verdicts, previous, generation, now)
    others = [c for c in previous if c.type not in {v.type for v in verdicts} | {"Reconciling"}]
    conditions = [condition.to_dict() for condition in (*judged, *others)]
    wanted = {**status, "observedGeneration": generation, "conditions": conditions}
    return () if wanted == status else (WriteStatus(target, wanted),)


def _conditions(status: Mapping[str, Any]) -> list[Condition]:
    try:
        return [Condition.model_validate(raw) for raw in status.get("conditions", [])]
    except ValidationError:
        return []


_VERDICTS: tuple[tuple[str, ConditionStatus], ...] = (("Ready", "False"), ("Accepted", "False"), ("Stalled", "True"))
