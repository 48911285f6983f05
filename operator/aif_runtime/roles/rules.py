"""The rules of a federated job, as its file tells them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from aif_runtime.federated.rules import OnLoss, Rules
from aif_runtime.federated.tasks import Kind, Task
from aif_runtime.roles.settings import Name, Part, Positive, Share


class RulesPart(Part):
    """When a round counts, and when the job ends; the fields are explained at `Rules`."""

    rounds: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    round_seconds: Positive = 300.0
    clients: Annotated[int, Field(ge=1, le=100_000)] = 1
    quorum: Annotated[int, Field(ge=1, le=100_000)] = 1
    on_loss: OnLoss = OnLoss.DEGRADE
    gather_seconds: Annotated[float, Field(ge=0, le=86_400)] = 10.0
    grace_seconds: Annotated[float, Field(ge=0, le=86_400)] = 5.0
    deadline_seconds: Positive = 7200.0
    target_accuracy: Share | None = None
    patience_rounds: Annotated[int, Field(ge=1)] | None = None
    evaluators: Annotated[int, Field(ge=0, le=1)] = 0

    @model_validator(mode="after")
    def _quorum_can_be_reached(self) -> Self:
        if self.quorum > self.clients:
            raise ValueError(f"quorum ({self.quorum}) must not be above clients ({self.clients})")
        return self

    def built(self, seed: int) -> Rules:
        """Return them as the rounds want them."""
        names = ("rounds", "round_seconds", "clients", "quorum", "on_loss", "gather_seconds", "grace_seconds")
        same = {name: getattr(self, name) for name in names}
        return Rules(
            **same,
            deadline_seconds=self.deadline_seconds,
            target=self.target_accuracy,
            patience=self.patience_rounds,
            evaluators=self.evaluators,
            seed=seed,
        )


class StrategyPart(Part):
    """How updates become a model, and which share of the clients is asked each round."""

    name: Literal["FedAvg", "FedProx", "FedAdam", "Median", "Krum"] = "FedAvg"
    parameters: dict[str, float] = Field(default_factory=dict, max_length=8)
    fraction: Annotated[float, Field(gt=0, le=1)] = 1.0


class TaskStepPart(Part):
    """One task of a job; the fields are explained at `Task`."""

    name: Name
    kind: Kind
    after: Annotated[tuple[Name, ...], Field(max_length=16)] = ()
    least_accuracy: Share = 0.0
    over: str = ""
    least_gain: Annotated[float, Field(ge=-1, le=1)] = 0.0

    def built(self) -> Task:
        """Return it as the aggregator wants it."""
        return Task(self.name, self.kind, self.after, self.least_accuracy, self.over, self.least_gain)
