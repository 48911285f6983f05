"""What a role is told: one JSON file, and a few variables of the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from aif_runtime.federated.rules import OnLoss, Rules
from aif_runtime.learning import data, models
from aif_runtime.learning.data import Dataset, Task
from aif_runtime.learning.errors import InvalidRole
from aif_runtime.learning.learner import Plan
from aif_runtime.learning.losses import Loss
from aif_runtime.learning.mlp import Mlp
from aif_runtime.wire.credentials import Tls
from aif_runtime.wire.envelope import Limits
from aif_runtime.wire.peer import Timing

FILE: Final = "AIF_ROLE_FILE"
INDEXES: Final = ("AIF_INDEX", "JOB_COMPLETION_INDEX")

Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?$")]
Address = Annotated[str, Field(min_length=1, max_length=512)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


class Part(BaseModel):
    """A part of a role's file; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class TlsFiles(Part):
    """Where the certificates lie."""

    authority: Path
    certificate: Path
    key: Path
    server_name: str = ""

    def built(self) -> Tls:
        """Return them as the wire wants them."""
        return Tls(self.authority, self.certificate, self.key, self.server_name)


class TimingPart(Part):
    """Seconds between signs of life, and until one counts as lost."""

    heartbeat_seconds: Positive = 2.0
    patience_seconds: Positive = 10.0
    reconnect_seconds: Positive = 0.2


class ModelPart(Part):
    """Which model."""

    name: Annotated[str, Field(max_length=64)] = "mlp-3"
    hidden: Annotated[tuple[Annotated[int, Field(ge=1, le=16384)], ...], Field(max_length=63)] = ()


class DataPart(Part):
    """Which data, and among how many clients they are divided."""

    source: Literal["Digits", "BreastCancer", "Synthetic", "Volume"] = "Digits"
    clients: Annotated[int, Field(ge=1, le=100_000)] = 1
    alpha: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    examples: Annotated[int, Field(ge=10, le=10_000_000)] = 400
    path: Path | None = None

    @model_validator(mode="after")
    def _needs_a_path(self) -> Self:
        if (self.source == "Volume") != (self.path is not None):
            raise ValueError("path is for the source Volume, which needs it")
        return self


class PlanPart(Part):
    """How a learner learns between two messages."""

    learning_rate: Annotated[float, Field(gt=0, le=100)] = 0.05
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    batch: Annotated[int, Field(ge=0, le=1_000_000)] = 32
    local_epochs: Annotated[int, Field(ge=1, le=1000)] = 1
    l1: Annotated[float, Field(ge=0, le=100)] = 0.0

    def built(self) -> Plan:
        """Return it as a learner wants it."""
        return Plan(self.learning_rate, self.momentum, self.batch, self.local_epochs, self.l1)


class Role(Part):
    """What every role is told.

    Attributes:
        job: Identifier of the job; both ends of a stream must name the same.
        name: How others know this role.
        seed: All draws follow from it.
        tls: Certificates; without them `insecure` must be said.
        insecure: Whether to talk without TLS.
        termination_path: File that the container's last message goes to.
    """

    job: Name
    name: Name
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    tls: TlsFiles | None = None
    insecure: bool = False
    timing: TimingPart = TimingPart()
    frame_bytes: Annotated[int, Field(ge=1024, le=2**40)] = 256 * 2**20
    termination_path: Path | None = None

    @model_validator(mode="after")
    def _says_whether_it_is_secure(self) -> Self:
        if (self.tls is None) != self.insecure:
            raise ValueError("either tls must be given, or insecure set to true")
        return self

    @property
    def credentials(self) -> Tls | None:
        """Certificates as the wire wants them."""
        return self.tls.built() if self.tls else None

    @property
    def limits(self) -> Limits:
        """What is refused unread."""
        return Limits(frame_bytes=self.frame_bytes)

    @property
    def pace(self) -> Timing:
        """When the other side counts as lost."""
        timing = self.timing
        return Timing(timing.heartbeat_seconds, timing.patience_seconds, timing.reconnect_seconds)


class TaskPart(Part):
    """What is learned from a volume: the aggregator does not see the data."""

    features: Annotated[int, Field(ge=1, le=10_000_000)]
    outputs: Annotated[int, Field(ge=1, le=1_000_000)]
    loss: Loss = Loss.CROSS_ENTROPY


class LearningRole(Role):
    """A role that has to do with a model.

    Attributes:
        model: Which model.
        data: Which data.
        plan: How a learner learns between two messages.
        task: What is learned from a volume.
        index: Number of the client.
    """

    model: ModelPart = ModelPart()
    data: DataPart = DataPart()
    plan: PlanPart = PlanPart()
    task: TaskPart | None = None
    index: Annotated[int, Field(ge=0, le=100_000)] = 0

    def dataset(self) -> Dataset:
        """Return the data."""
        split = data.Split(self.seed, self.data.clients, self.data.alpha)
        if self.data.path is not None:
            return data.volume(self.data.path, split)
        if self.data.source == "Synthetic":
            return data.BloodPressure(split, self.data.examples)
        return data.SOURCES[self.data.source](split)

    def learned(self) -> Task:
        """Return what is learned, without a look at the data."""
        if self.task:
            return Task(self.task.features, self.task.outputs, self.task.loss)
        if self.data.source == "Volume":
            raise InvalidRole("task: is needed with the source Volume")
        return data.TASKS[self.data.source]

    def learner(self, task: Task) -> Mlp:
        """Return the model with its first numbers."""
        return models.built(self.model.name, self.model.hidden, task, self.seed, self.plan.built())


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


class OutputPart(Part):
    """Where results go."""

    folder: Path
    name: Name = "model"


R = TypeVar("R", bound=Role)


def load(kind: type[R], arguments: Sequence[str], environ: Mapping[str, str]) -> R:
    """Return the settings of a role from the file that the argument or ``AIF_ROLE_FILE`` names.

    A number in ``AIF_INDEX`` or ``JOB_COMPLETION_INDEX`` is that of the client, and stands behind its name.

    Raises:
        InvalidRole: The file cannot be read or breaks a rule; the text names the file and each field.
    """
    path = Path(arguments[0] if arguments else environ.get(FILE, ""))
    if not path.name:
        raise InvalidRole(f"no file: give it as argument, or in {FILE}")
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidRole(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(told, dict):
        raise InvalidRole(f"{path}: must hold an object")
    try:
        return kind.model_validate({**told, **_indexed(told, kind, environ)})
    except ValidationError as error:
        raise InvalidRole("\n".join(f"{path}: {line}" for line in _lines(error))) from error


def _indexed(told: Mapping[str, Any], kind: type[Role], environ: Mapping[str, str]) -> dict[str, Any]:
    found = next((environ[name] for name in INDEXES if name in environ), None)
    if found is None or "index" not in kind.model_fields:
        return {}
    if not found.isdecimal():
        raise InvalidRole(f"{' or '.join(INDEXES)}: {found!r} is no whole number")
    return {"index": int(found), "name": f"{told.get('name', '')}-{found}"}


def _lines(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(map(str, part['loc'])) or 'the role'}: {part['msg'].removeprefix('Value error, ')}"
        for part in error.errors()
    ]
