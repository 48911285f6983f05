"""What a training job waits for before it starts, and the judgement that its model has to pass ([NET4AI] tasks)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from aif.api.base import LIST_SET, ApiModel, BasisPoints, Name, ObjectName, cel, list_map


class AwaitedKind(StrEnum):
    """Whose condition is waited for."""

    TRAINING_JOB = "TrainingJob"
    AI_SERVICE = "AIService"


class AwaitedCondition(ApiModel):
    """A condition of another object of the own namespace."""

    kind: AwaitedKind
    """Kind of the object."""

    name: ObjectName
    """Its name."""

    type: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")]
    """The condition, such as Ready or ThresholdAlarm."""

    status: Literal["True", "False"] = "True"
    """What it has to say; one that is not there says nothing."""


class Start(ApiModel):
    """What has to be true at one moment for the job to start; a job that has started is not held up again."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                (
                    "(has(self.after) && self.after.size() > 0) || "
                    "(has(self.conditions) && self.conditions.size() > 0) || has(self.event)"
                ),
                "needs after, conditions or event",
            ),
        ),
    )

    after: Annotated[list[ObjectName], Field(max_length=16, json_schema_extra=LIST_SET)] = Field(default_factory=list)
    """TrainingJobs of the own namespace that have to be Complete."""

    conditions: Annotated[
        list[AwaitedCondition], Field(max_length=16, json_schema_extra=list_map("kind", "name", "type"))
    ] = Field(default_factory=list)
    """Conditions of other objects."""

    event: Name | None = None
    """Value of the annotation net4ai.io/event: whoever sees the event sets it."""


class Validation(ApiModel):
    """The judgement that the finished model has to pass; a model that does not is not kept."""

    min_accuracy_basis_points: BasisPoints
    """Lowest accuracy on data that nobody learned from, in hundredths of a per cent."""
