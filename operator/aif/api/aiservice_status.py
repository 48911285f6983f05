"""What the operator writes into an AIService: the decision, its evidence, and what became of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aif.api.aiservice_demands import Demands
from aif.api.aiservice_plan import Plan
from aif.api.base import ApiModel, Count, Timestamp, list_map
from aif.api.conditions import Condition
from aif.api.measured import ResourceStatus
from aif.api.migration_status import MigrationRecord, MigrationStatus, Placement

__all__ = [
    "AIServiceStatus",
    "AIServiceSummary",
    "Candidate",
    "DimensionStatus",
    "MigrationRecord",
    "MigrationStatus",
    "Placement",
    "Plan",
    "Rejected",
    "Term",
]

_Text = Annotated[str, Field(max_length=256)]
_Name = Annotated[str, Field(max_length=253)]
_Score = Annotated[int, Field(ge=0, le=100)]


class Term(ApiModel):
    """One term of a node's score."""

    name: _Name
    """What was scored."""

    score: _Score
    """0 worst, 100 best."""

    weight: Annotated[int, Field(ge=0, le=10_000)]
    """Share of the term, in ten-thousandths of all."""


class Candidate(ApiModel):
    """A node that meets every hard limit."""

    node: _Name
    """ComputeNode."""

    variant: _Name
    """Variant that would run there."""

    score: _Score
    """Weighted sum of the terms."""

    terms: Annotated[list[Term], Field(max_length=16, json_schema_extra=list_map("name"))] = Field(default_factory=list)
    """Terms of the score."""

    predicted_latency_microseconds: Count | None = None
    """99th percentile of the request's latency."""

    predicted_millijoules_per_request: Count | None = None
    """Energy of a request."""


class Rejected(ApiModel):
    """Nodes that miss the same limit, and the nearest of them."""

    reason: _Name
    """Limit that was missed."""

    variant: _Name
    """Variant that was tried."""

    count: Count
    """How many nodes miss it."""

    nearest: _Name
    """The node that misses it least."""

    required: _Text
    """What the service needs, with its unit."""

    available: _Text
    """What the nearest node offers, with its unit."""


class DimensionStatus(ApiModel):
    """One dimension of the contract: asked for, predicted, measured."""

    dimension: _Name
    """Name of the dimension in spec.qos."""

    target: Count
    """Target in the unit of the spec."""

    predicted: Count | None = None
    """Prediction at the decision."""

    measured: Count | None = None
    """Measured value at the last change of the verdict."""

    measured_at: Timestamp | None = None
    """When it was measured."""

    verdict: Annotated[str, Field(max_length=16)] = "Unknown"
    """Met, Breached or Unknown."""

    since: Timestamp | None = None
    """When the verdict became what it is."""

    reason: _Name | None = None
    """Why the verdict is Unknown."""

    estimated: bool | None = None
    """True where a part of the measured value is predicted: the way between users and server."""

    alarm: Annotated[str, Field(max_length=16)] | None = None
    """Pending while a breach has not lasted long enough; Raised; absent without a breach."""

    alarm_since: Timestamp | None = None
    """When the alarm became what it is; a timer that outlives the operator."""


class AIServiceSummary(ApiModel):
    """Composed text for the printer columns."""

    node: _Text = ""
    """Nodes that serve."""

    tier: _Text = ""
    """Their tiers."""

    predicted: _Text = ""
    """Predicted latency."""

    target: _Text = ""
    """Latency target."""

    migrations: Count = 0
    """Moves so far, those that were rolled back among them."""


class AIServiceStatus(ApiModel):
    """What the operator decided and sees; written on decisions and transitions only."""

    observed_generation: Count | None = None
    """Generation of the spec that was judged."""

    conditions: Annotated[list[Condition], Field(max_length=32, json_schema_extra=list_map("type"))] = Field(
        default_factory=list
    )
    """Ready sums up Accepted, Placed, WorkloadReady and EndpointReady."""

    summary: AIServiceSummary | None = None
    """Text for the printer columns."""

    demands: Demands | None = None
    """Resource demands of the service."""

    placements: Annotated[list[Placement], Field(max_length=32, json_schema_extra=list_map("node", "variant"))] = Field(
        default_factory=list
    )
    """Where the replicas run."""

    decided_generation: Count | None = None
    """Generation of the spec that the placement was decided for."""

    candidates: Annotated[list[Candidate], Field(max_length=5, json_schema_extra=list_map("node"))] = Field(
        default_factory=list
    )
    """The best nodes at the decision, with the terms of their scores."""

    rejected: Annotated[list[Rejected], Field(max_length=32)] = Field(default_factory=list)
    """Why other nodes were refused, and by how much the nearest missed."""

    qos: Annotated[list[DimensionStatus], Field(max_length=16, json_schema_extra=list_map("dimension"))] = Field(
        default_factory=list
    )
    """The contract, dimension by dimension."""

    resources: Annotated[list[ResourceStatus], Field(max_length=16, json_schema_extra=list_map("resource"))] = Field(
        default_factory=list
    )
    """Resources of its pods under pressure."""

    plan: Plan | None = None
    """What was decided; with a token, what waits for approval."""

    migrations: Annotated[list[MigrationRecord], Field(max_length=10, json_schema_extra=list_map("id"))] = Field(
        default_factory=list
    )
    """The last moves, the latest at the end."""

    migration: MigrationStatus | None = None
    """The move that is under way; absent where the service stays."""

    last_handled_migrate_to: _Text | None = None
    """Value of the annotation net4ai.io/migrate-to that was answered last: a request is handled once."""

    last_handled_abort: _Text | None = None
    """Value of the annotation net4ai.io/abort that was answered last."""

    url: _Text | None = None
    """Where the service answers."""

    replicas: Count = 0
    """Replicas that exist, for the scale subresource."""

    selector: Annotated[str, Field(max_length=512)] = ""
    """Label selector of the replicas, for the scale subresource."""
