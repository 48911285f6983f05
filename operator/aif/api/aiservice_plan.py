"""What was decided about a service, as its status keeps it: who computes what, the promise, and the runner-up."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aif.api.base import ApiModel, Count

_Text = Annotated[str, Field(max_length=256)]
_Name = Annotated[str, Field(max_length=253)]
_Score = Annotated[int, Field(ge=0, le=100)]


class PlanPart(ApiModel):
    """A part of the model."""

    where: _Name
    """ComputeNode that runs it, or ue for the users' devices."""

    flops: _Name | None = None
    """FLOP of a request there."""

    microseconds: Count | None = None
    """Time of a request there, the wait for a server of a split included."""


class Predicted(ApiModel):
    """QoAIS that was predicted at the decision; absent where a figure is missing."""

    latency_microseconds: Count | None = None
    """99th percentile of the request's latency, as it is served."""

    millijoules_per_request: Count | None = None
    """Energy of a request."""

    accuracy_basis_points: Count | None = None
    """Accuracy of the service, in hundredths of a per cent."""


class PlannedExit(ApiModel):
    """Exit and cut that were chosen together under the latency target; nothing serves them yet."""

    name: _Name
    """Name in spec.model.exits; Output for all of the model."""

    cut: _Name
    """Where the model is parted before it; Input runs all of it on the node."""

    accuracy_basis_points: Count
    """Accuracy of its answers over the link, in hundredths of a per cent."""

    microseconds: Count
    """Time of a request with both."""

    in_time: bool
    """Whether that meets the latency target; where no exit does, this is the quickest."""


class Share(ApiModel):
    """What the service may take of what it shares with others on its node, all replicas together."""

    services: Annotated[int, Field(ge=2, le=100_000)]
    """Services that share, this one included."""

    cpu: _Name
    """Cores of the node."""

    up_bits_per_second: _Name
    """Rate of the users' link."""

    microseconds: Count
    """Time of a request's transfer and compute with that share."""


class RunnerUp(ApiModel):
    """What would have been taken otherwise: the next best candidate, else the users' devices where they could serve."""

    decision: _Name
    """Network or Local."""

    node: _Name | None = None
    """ComputeNode."""

    variant: _Name | None = None
    """Variant that would run there."""

    score: _Score | None = None
    """Score of the node."""

    predicted_latency_microseconds: Count | None = None
    """99th percentile of the request's latency there."""


class Plan(ApiModel):
    """What was decided; with a token, what the operator would do and waits to be told."""

    offload: _Name
    """Where the service is deployed: Network or Local."""

    decision: _Name | None = None
    """Network, Local or Split; of a Split the node runs the whole model, as nothing serves the users' part yet."""

    cut: _Name | None = None
    """Where the model is parted; Input runs all of it on the node."""

    exit: PlannedExit | None = None
    """Exit of the model that would answer; absent where the model has none, or no latency target says which."""

    parts: Annotated[list[PlanPart], Field(max_length=8)] = Field(default_factory=list)
    """Who computes what of a request, from the users on."""

    predicted: Predicted | None = None
    """QoAIS as predicted at the decision."""

    share: Share | None = None
    """Joint allocation of link and processor to all who share them, as of the last look; a next copy is made by it."""

    runner_up: RunnerUp | None = None
    """What would have been taken otherwise."""

    node: _Name | None = None
    """ComputeNode that it would take."""

    variant: _Name | None = None
    """Variant that it would run."""

    score: _Score | None = None
    """Score of that node."""

    reason: _Text = ""
    """Why."""

    token: _Name | None = None
    """Value of the annotation net4ai.io/approve that lets it go on."""

    waits_for: Annotated[list[_Name], Field(max_length=4)] = Field(default_factory=list)
    """Steps that wait for approval."""
