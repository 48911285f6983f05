"""What the operator writes into a TrainingJob: who learns where, how far it is, and what came of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aif.api.aiservice_status import DimensionStatus, Rejected
from aif.api.base import ApiModel, Count, Tier, Timestamp, list_map
from aif.api.conditions import Condition

_Name = Annotated[str, Field(max_length=253)]
_Text = Annotated[str, Field(max_length=256)]


class RolePlacement(ApiModel):
    """Pods of one role on one node, as decided: the node's capacity is held for them."""

    role: _Name
    """Role, such as aggregator, client or local-a."""

    node: _Name
    """ComputeNode."""

    node_name: _Name
    """Kubernetes Node behind it."""

    tier: Tier
    """Tier of the node."""

    variant: _Name
    """Variant that runs."""

    pods: Count
    """Pods of the role there."""

    score: Annotated[int, Field(ge=0, le=100)]
    """Score of the node at the decision."""


class RoleStatus(ApiModel):
    """What became of a role."""

    name: _Name
    """Role, such as aggregator, client or local-a; also the end of the name of its Job."""

    pods: Count
    """Pods that it is to have."""

    ready: Count
    """Pods that run and are ready, or have done their work."""

    failed: Count
    """Pods that failed since the job last began."""

    nodes: Annotated[list[_Name], Field(max_length=64)] = Field(default_factory=list)
    """Nodes of its pods, the first 64."""

    cut: _Name | None = None
    """Where the model of its group is parted."""

    clients: Count | None = None
    """Live terminals of its group."""


class NamedClient(ApiModel):
    """A client of which there is something to tell."""

    name: _Name
    """Its name."""

    state: _Text
    """Excluded or Lost."""

    message: _Text
    """Why."""


class TaskProgress(ApiModel):
    """How far a task of the job is."""

    name: _Name
    """Its name: train or validate."""

    state: _Text
    """Waiting, Running, Done or Failed."""


class RoundPoint(ApiModel):
    """A round of the past."""

    round: Count
    """Its number."""

    accuracy_basis_points: Count | None = None
    """Accuracy after it, in hundredths of a per cent."""


class JobProgress(ApiModel):
    """How far the job is, as its aggregator or its only worker tells; read at most once in 10 s."""

    phase: _Text
    """Waiting, Training, Paused, Complete or Failed."""

    epoch: Count
    """How often learning was taken up; each loss of a role begins another one."""

    round: Count
    """Last round that is done."""

    rounds: Count
    """Most rounds there will be."""

    live: Count
    """Clients that are attached."""

    answered: Count
    """Clients that took part in the last round."""

    accuracy_basis_points: Count | None = None
    """Accuracy after the last round, in hundredths of a per cent."""

    best_round: Count | None = None
    """Round with the best model."""

    remaining_seconds: Count | None = None
    """Time to the last round, if all go like the last ones."""

    transferred_bytes: Count | None = None
    """Sent and received by the aggregator so far; of several workers nobody counts it."""

    expected_bytes: Count | None = None
    """What all rounds are expected to transfer."""

    stored_bytes: Count | None = None
    """Kept on the claim: checkpoints, and the finished model once it is there."""

    millijoules: Count | None = None
    """Energy of compute and transfer so far, by the model of the planner."""

    measured_at: Timestamp
    """When it was read."""

    tasks: Annotated[list[TaskProgress], Field(max_length=16, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """What the job consists of; empty where it just learns."""

    clients: Annotated[list[NamedClient], Field(max_length=32, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """Clients that were excluded or lost, the first 32."""

    history: Annotated[list[RoundPoint], Field(max_length=64, json_schema_extra=list_map("round"))] = Field(
        default_factory=list
    )
    """Rounds of the past; of more than 64 every second, fourth and so on."""


class JobResult(ApiModel):
    """What came of it."""

    claim_name: _Name
    """PersistentVolumeClaim with the model."""

    path: _Text
    """File in it."""

    digest: _Text | None = None
    """Digest of the model's numbers; absent where each method of a compression wrote a model of its own."""

    round: Count
    """Round that the model is of."""

    accuracy_basis_points: Count | None = None
    """Its accuracy, in hundredths of a per cent."""


class JobTimers(ApiModel):
    """Moments that outlive the operator."""

    released_at: Timestamp | None = None
    """When all was true that spec.start waits for."""

    started_at: Timestamp | None = None
    """When it was first placed."""

    running_since: Timestamp | None = None
    """When it was last placed; absent while it does not run."""

    ran_seconds: Count | None = None
    """How long it ran before that."""

    finished_at: Timestamp | None = None
    """When it was complete, or failed."""

    retry_at: Timestamp | None = None
    """When it may be placed again after it made way."""


class JobPlan(ApiModel):
    """What the operator would do, and waits to be told."""

    reason: _Text
    """Why it waits."""

    token: _Name
    """Value of the annotation net4ai.io/approve that lets it go on."""

    waits_for: Annotated[list[_Name], Field(max_length=4)] = Field(default_factory=list)
    """Steps that wait for approval."""

    placements: Annotated[
        list[RolePlacement], Field(max_length=256, json_schema_extra=list_map("role", "node", "variant"))
    ] = Field(default_factory=list)
    """Where roles would go; it stays the same while all of them fit there."""


class TrainingJobSummary(ApiModel):
    """Composed text for the printer columns."""

    state: _Text = ""
    """Pending, Training, Paused, Suspended, Complete or Failed; for people, programs read conditions."""

    round: _Text = ""
    """Rounds done of all."""

    clients: _Text = ""
    """Live clients of all."""

    metric: _Text = ""
    """Accuracy after the last round."""

    cut: _Text = ""
    """Where models are parted."""

    target: _Text = ""
    """Accuracy at which it is done."""

    remaining: _Text = ""
    """Time to the last round."""


class TrainingJobStatus(ApiModel):
    """What the operator decided and sees; progress is written at most once in 10 s."""

    observed_generation: Count | None = None
    """Generation of the spec that was judged."""

    conditions: Annotated[list[Condition], Field(max_length=32, json_schema_extra=list_map("type"))] = Field(
        default_factory=list
    )
    """Ready sums up Accepted, Placed and QuorumReady."""

    summary: TrainingJobSummary | None = None
    """Text for the printer columns."""

    run: Count | None = None
    """How often it was started: each resumption after suspend, or after it made way, is another one."""

    placements: Annotated[
        list[RolePlacement], Field(max_length=256, json_schema_extra=list_map("role", "node", "variant"))
    ] = Field(default_factory=list)
    """Where its roles are to run."""

    rejected: Annotated[list[Rejected], Field(max_length=32)] = Field(default_factory=list)
    """Why nodes were refused, and by how much the nearest missed."""

    roles: Annotated[list[RoleStatus], Field(max_length=48, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """Its roles and their pods."""

    progress: JobProgress | None = None
    """How far it is."""

    qos: Annotated[list[DimensionStatus], Field(max_length=16, json_schema_extra=list_map("dimension"))] = Field(
        default_factory=list
    )
    """The contract, dimension by dimension."""

    plan: JobPlan | None = None
    """What waits for approval."""

    timers: JobTimers | None = None
    """Moments that outlive the operator."""

    result: JobResult | None = None
    """The finished model."""
