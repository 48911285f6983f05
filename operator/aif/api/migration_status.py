"""A move of a service as the operator writes it: the one under way, and those that have ended."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from aif.api.base import ApiModel, Count, Tier, Timestamp, list_map

_Name = Annotated[str, Field(max_length=253)]
_Text = Annotated[str, Field(max_length=256)]


class ReplicaShare(ApiModel):
    """What one replica may take of what its service shares with others: limits of its pods, which nothing changes."""

    cpu: _Name
    """Cores, never fewer than it asks for."""

    ingress_bits_per_second: _Name | None = None
    """Rate of what it receives; absent where that is beyond what Kubernetes takes."""


class Placement(ApiModel):
    """Replicas of the service on one node."""

    node: _Name
    """ComputeNode that serves."""

    node_name: _Name
    """Kubernetes Node behind it."""

    tier: Tier
    """Tier of the node."""

    variant: _Name
    """Variant that runs."""

    replicas: Count
    """Replicas on the node."""

    cut: _Name = "Input"
    """Where the model is parted; Input runs all of it on the node."""

    score: Annotated[int, Field(ge=0, le=100)]
    """Score of the node at the decision."""

    copy_id: _Name = Field(alias="copy")
    """Label net4ai.io/copy of the Deployment."""

    predicted_latency_microseconds: Count | None = None
    """99th percentile of the request's latency, predicted at the decision."""

    predicted_network_microseconds: Count | None = None
    """Part of that latency that is spent between users and node, which no server can measure."""

    predicted_millijoules_per_request: Count | None = None
    """Energy of a request, predicted at the decision."""

    users_at: _Name | None = None
    """Radio site of the users for which it was chosen, as it was measured or predicted; absent where as declared."""

    share: ReplicaShare | None = None
    """What each replica may take, by the joint allocation at the decision; absent where nothing is shared."""


class Phase(StrEnum):
    """How far a move has come; each phase is recorded before anything is done because of it."""

    TARGET_RESERVED = "TargetReserved"
    """The new copy comes up; its capacity is held."""

    TARGET_READY = "TargetReady"
    """Both copies serve, and are judged side by side."""

    CONTRACT_VERIFIED = "ContractVerified"
    """The new copy keeps the contract, or is better; the Service turns to it."""

    TRAFFIC_SWITCHED = "TrafficSwitched"
    """The new copy serves alone, on probation; the old one stands ready."""

    SOURCE_DRAINING = "SourceDraining"
    """The old copy ends its requests and goes; there is no way back."""


class VerifiedBy(StrEnum):
    """What says that a new copy may take over."""

    MEASUREMENT = "Measurement"
    """Its own metrics, from enough requests."""

    PROBE = "Probe"
    """That it is ready: nothing measures, nothing that can be measured is promised, or too few requests came."""


class MigrationResult(StrEnum):
    """How a move ended."""

    COMPLETED = "Completed"
    ROLLED_BACK = "RolledBack"


class MigrationSource(ApiModel):
    """A copy that is left."""

    node: _Name
    """ComputeNode that it stands on."""

    copy_id: _Name = Field(alias="copy")
    """Label net4ai.io/copy of its Deployment."""


class MigrationFigure(ApiModel):
    """One dimension of the contract, of both copies, in the unit of the spec."""

    dimension: _Name
    """Name of the dimension in status.qos."""

    promised: Count
    """Target of the contract."""

    source: Count | None = None
    """Measured of the old copy, at the start of the move or beside the new one."""

    target: Count | None = None
    """Measured of the new copy."""


class MigrationStatus(ApiModel):
    """The move that is under way; all of its timers, so that whoever resumes it goes on where it was left."""

    id: Count
    """Number of the move; the annotation net4ai.io/abort names it."""

    trigger: _Name
    """Why the service moves: the reason of a breach or of leaving a node, SpecChanged, Requested or Rebalance."""

    phase: Phase
    """How far it has come."""

    phase_since: Timestamp
    """When that phase began."""

    started_at: Timestamp
    """When the move began."""

    deadline: Timestamp
    """When it is rolled back unless the old copy drains by then."""

    sources: Annotated[list[MigrationSource], Field(max_length=32, json_schema_extra=list_map("copy"))] = Field(
        default_factory=list
    )
    """Copies that are left."""

    targets: Annotated[list[Placement], Field(max_length=32, json_schema_extra=list_map("copy"))] = Field(
        default_factory=list
    )
    """Copies that come in their place."""

    verified_by: VerifiedBy | None = None
    """What said that the new copy may take over."""

    figures: Annotated[list[MigrationFigure], Field(max_length=16, json_schema_extra=list_map("dimension"))] = Field(
        default_factory=list
    )
    """What was measured of both copies."""

    request_token: _Text | None = None
    """Value of the annotation net4ai.io/migrate-to that asked for the move."""

    message: _Text = ""
    """Why these nodes."""


class MigrationRecord(ApiModel):
    """A move that has ended."""

    id: Count
    """Number of the move."""

    source: _Name = Field(alias="from")
    """Nodes that were left, or would have been."""

    to: _Name
    """Nodes that were taken, or would have been."""

    trigger: _Name
    """Reason of the move."""

    result: _Name
    """Completed or RolledBack."""

    reason: _Name | None = None
    """Why it was rolled back."""

    verified_by: VerifiedBy | None = None
    """What said that the new copy may take over; absent where the old one was lost."""

    generation: Count | None = None
    """Generation of the spec that it was decided for."""

    started_at: Timestamp | None = None
    """When it began."""

    ended_at: Timestamp | None = None
    """When it ended."""

    figures: Annotated[list[MigrationFigure], Field(max_length=16, json_schema_extra=list_map("dimension"))] = Field(
        default_factory=list
    )
    """What was measured of both copies."""
