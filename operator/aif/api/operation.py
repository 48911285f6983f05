"""How a service is run: who acts, when a measured value becomes an alarm, and how it may be moved."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from aif.api.base import LIST_SET, ApiModel, Name, Percent, cel


class AutonomyLevel(StrEnum):
    """Who acts ([6GANA] autonomy)."""

    FULL = "Full"
    PARTIAL = "Partial"
    MANUAL = "Manual"


class ApprovalStep(StrEnum):
    """A step at which a partly autonomous service waits for a person."""

    PLACE = "Place"
    MIGRATE = "Migrate"
    RISE_TIER = "RiseTier"
    USE_EXTERNAL = "UseExternal"


class Autonomy(ApiModel):
    """The one switch on who acts."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "(self.level == 'Partial') == (has(self.approvalSteps) && self.approvalSteps.size() > 0)",
                "approvalSteps are named if and only if level is Partial",
            ),
        ),
    )

    level: AutonomyLevel = AutonomyLevel.FULL
    """Full acts; Partial waits at approvalSteps; Manual only proposes, in status.plan."""

    approval_steps: Annotated[list[ApprovalStep], Field(max_length=4, json_schema_extra=LIST_SET)] = Field(
        default_factory=list
    )
    """Steps that wait for the annotation net4ai.io/approve."""


class Evaluation(ApiModel):
    """When a measured value becomes an alarm."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            ("self.fastWindowSeconds <= self.windowSeconds", "fastWindowSeconds must not exceed windowSeconds"),
        ),
    )

    window_seconds: Annotated[int, Field(ge=10, le=86_400)] = 300
    """Long window of a measured value."""

    fast_window_seconds: Annotated[int, Field(ge=5, le=3600)] = 60
    """Short window, which must agree before an alarm is raised."""

    for_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    """How long a breach must last."""

    clear_percent: Annotated[int, Field(ge=1, le=100)] = 90
    """Share of the target that clears an alarm."""


class Metrics(ApiModel):
    """Where measured values come from."""

    profile: Name = "aif-runtime"
    """Name of a metric profile of the administrator."""

    stale_after_seconds: Annotated[int, Field(ge=5, le=3600)] = 60
    """Age from which a value counts as missing."""


class UpdateStrategy(StrEnum):
    """How a changed workload replaces the serving one."""

    MAKE_BEFORE_BREAK = "MakeBeforeBreak"
    RECREATE = "Recreate"


class Migration(ApiModel):
    """Bounds on moving."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "self.verifySeconds + self.drainSeconds < self.timeoutSeconds",
                "verifySeconds and drainSeconds together must be less than timeoutSeconds",
            ),
        ),
    )

    cooldown_seconds: Annotated[int, Field(ge=0, le=86_400)] = 300
    """Rest after a move."""

    min_improvement_percent: Percent = 10
    """Least gain of a move that is not needed for the contract."""

    max_per_hour: Annotated[int, Field(ge=0, le=60)] = 4
    """Most moves in an hour."""

    verify_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    """How long the new copy is judged under load before the old one drains."""

    verify_min_requests: Annotated[int, Field(ge=0, le=1_000_000)] = 200
    """Requests that a verdict needs."""

    drain_seconds: Annotated[int, Field(ge=0, le=3600)] = 30
    """How long the old copy may end its requests; a copy keeps what was asked for when it was made."""

    timeout_seconds: Annotated[int, Field(ge=10, le=86_400)] = 600
    """When an unfinished move is rolled back."""

    rebalance: bool = False
    """Whether the service moves to a node whose score is better by more than minImprovementPercent."""
