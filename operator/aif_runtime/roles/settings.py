"""What a role is told: one JSON file, and a few variables of the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel

from aif_runtime.backends import choosing
from aif_runtime.backends.choosing import Backend
from aif_runtime.backends.own import own, own_learner
from aif_runtime.learning import data
from aif_runtime.learning.data import Dataset, Split, Task
from aif_runtime.learning.errors import InvalidRole
from aif_runtime.learning.learner import Learner, Plan
from aif_runtime.learning.losses import Loss
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
    """Which model, and what computes it; ``entry_point`` names a function that returns one of one's own."""

    name: Annotated[str, Field(max_length=64)] = "mlp-3"
    hidden: Annotated[tuple[Annotated[int, Field(ge=1, le=16384)], ...], Field(max_length=63)] = ()
    backend: Backend = Backend.AUTO
    entry_point: Annotated[str, Field(max_length=256, pattern=r"^([A-Za-z_][\w.]*:[A-Za-z_]\w*)?$")] = ""


class DataPart(Part):
    """Which data, and among how many clients they are divided."""

    source: Literal["Digits", "BreastCancer", "Synthetic", "Images", "Volume", "Own"] = "Digits"
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
    shape: Annotated[tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...], Field(max_length=4)] = ()


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

    @model_validator(mode="after")
    def _own_data_come_with_a_model(self) -> Self:
        if self.data.source == "Own" and not self.model.entry_point:
            raise ValueError("data.source: Own needs model.entryPoint, which returns the data with the model")
        return self

    @property
    def split(self) -> Split:
        """How data go to clients."""
        return Split(self.seed, self.data.clients, self.data.alpha)

    def dataset(self) -> Dataset:
        """Return the data."""
        if self.data.path is not None:
            return data.volume(self.data.path, self.split)
        if self.data.source == "Own":
            return own(self.model.entry_point, self.split)[1]
        if self.data.source in data.DRAWN:
            return data.DRAWN[self.data.source](self.split, self.data.examples)
        return data.SOURCES[self.data.source](self.split)

    def learned(self) -> Task:
        """Return what is learned, without a look at the data."""
        if self.task:
            return Task(self.task.features, self.task.outputs, self.task.loss, shape=self.task.shape)
        if self.data.source == "Own":
            return own(self.model.entry_point, self.split)[1].task
        if self.data.source == "Volume":
            raise InvalidRole("task: is needed with the source Volume")
        return data.TASKS[self.data.source]

    def learner(self, task: Task) -> Learner:
        """Return the model with its first numbers."""
        return built(self.model, task, self.split, self.plan.built())


def built(model: ModelPart, task: Task, split: Split, plan: Plan) -> Learner:
    """Return a model with its first numbers; InvalidRole where there is none of that name."""
    if model.entry_point:
        return own_learner(model.entry_point, split, plan)
    return choosing.built(model.backend, model.name, model.hidden, task, split.seed, plan)


class OutputPart(Part):
    """Where results go: NAME.safetensors with a note NAME.json beside it, and NAME.onnx where ``onnx`` is asked for."""

    folder: Path
    name: Name = "model"
    onnx: bool = False

    @field_validator("onnx")
    @classmethod
    def _can_be_written(cls, wanted: bool) -> bool:  # noqa: FBT001 - a value that is judged
        # Said before anything is learned, and not once the model is there.
        if wanted and find_spec("onnx") is None:
            raise ValueError("needs the package onnx, which is not installed: it is part of the extra learn")
        return wanted


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
