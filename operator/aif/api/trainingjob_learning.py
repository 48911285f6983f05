"""What a training job learns, from which data, by which rules: every field has its place in the file of a role."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from aif.api.base import LIST_SET, ApiModel, BasisPoints, ObjectName, cel, list_map
from aif.api.quantity import Demand

ALL_OUTPUT = "Output"
"""The cut above the last layer: the client has the whole model."""

RAW_INPUT = "Input"
"""The cut below the first layer: the client sends its data."""

AUTO_CUT = "Auto"
"""The cut is chosen once the terminals have told what they can do."""

CutName = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")]
GroupName = Annotated[str, Field(min_length=1, max_length=12, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
VolumePath = Annotated[
    str, Field(min_length=1, max_length=256, pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$")
]
ClientCount = Annotated[int, Field(ge=1, le=1000)]


class DataSource(StrEnum):
    """Where the data come from."""

    DIGITS = "Digits"
    BREAST_CANCER = "BreastCancer"
    SYNTHETIC = "Synthetic"
    IMAGES = "Images"
    VOLUME = "Volume"
    OWN = "Own"


class LossName(StrEnum):
    """What is made small."""

    CROSS_ENTROPY = "CrossEntropy"
    SQUARED_ERROR = "SquaredError"


class LearnedTask(ApiModel):
    """What is learned from a volume: a server does not see the data."""

    features: Annotated[int, Field(ge=1, le=10_000_000)]
    """Numbers of one example."""

    outputs: Annotated[int, Field(ge=1, le=1_000_000)]
    """Classes, or predicted numbers."""

    loss: LossName = LossName.CROSS_ENTROPY
    """CrossEntropy for classes, SquaredError for numbers."""

    shape: Annotated[list[Annotated[int, Field(ge=1, le=1_000_000)]], Field(max_length=4)] = Field(default_factory=list)
    """Shape of one example, such as channels, rows, columns of a picture; a row of numbers when absent."""


class LearnedData(ApiModel):
    """The data."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                (
                    "self.source == 'Volume' ? has(self.claimName) && has(self.path) && has(self.task) : "
                    "!has(self.path) && !has(self.task) && (self.source == 'Own' || !has(self.claimName))"
                ),
                (
                    "data.claimName, data.path and data.task are for source Volume, which needs them; "
                    "Own may have data.claimName"
                ),
            ),
        ),
    )

    source: DataSource
    """Digits and BreastCancer are real, Synthetic and Images made up, Volume is a file, Own is of model.entryPoint."""

    alpha_percent: Annotated[int, Field(ge=0, le=100_000_000)] = 0
    """How alike the clients' data are, as parameter of a Dirichlet distribution: 50 is 0.5; 0 for equal shares."""

    examples_per_client: Annotated[int, Field(ge=10, le=10_000_000)] = 400
    """Examples that Synthetic and Images make for each client, and that plans count with."""

    claim_name: ObjectName | None = None
    """PersistentVolumeClaim of the own namespace with the data; roles that see data have it at /claims/NAME."""

    path: VolumePath | None = None
    """File in it: safetensors with x and y."""

    task: LearnedTask | None = None
    """What is learned from it."""


class RoundRules(ApiModel):
    """How long it learns."""

    max: Annotated[int, Field(ge=1, le=100_000)] = 10
    """Most rounds."""

    local_epochs: Annotated[int, Field(ge=1, le=1000)] = 1
    """Passes over its data that a client makes in a round."""

    timeout_seconds: Annotated[int, Field(ge=1, le=86_400)] = 300
    """After so long a round goes on with the answers that have come."""


class TrainingRules(ApiModel):
    """How a learner takes its steps."""

    learning_rate_ppm: Annotated[int, Field(ge=1, le=100_000_000)] = 50_000
    """Length of a step, in millionths: 50000 is 0.05."""

    momentum_percent: Annotated[int, Field(ge=0, le=99)] = 90
    """Share of the last step that goes on."""

    batch_size: Annotated[int, Field(ge=0, le=1_000_000)] = 32
    """Examples of a step; 0 for all at once."""

    l1_ppm: Annotated[int, Field(ge=0, le=100_000_000)] = Field(default=0, alias="l1Ppm")
    """Weight of the sum of absolute values in the objective, in millionths."""


class StrategyName(StrEnum):
    """How the updates of clients become one model."""

    FED_AVG = "FedAvg"
    FED_PROX = "FedProx"
    FED_ADAM = "FedAdam"
    MEDIAN = "Median"
    KRUM = "Krum"


class StrategyParameter(ApiModel):
    """A number of a strategy."""

    name: Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[a-z][a-z0-9_]*$")]
    """Its name there, such as proximal_mu."""

    value: Demand
    """The number."""


class Strategy(ApiModel):
    """How updates become a model, and which clients are asked."""

    name: StrategyName = StrategyName.FED_AVG
    """Median and Krum also stand a client whose numbers are well formed and wrong."""

    client_percent: Annotated[int, Field(ge=1, le=100)] = 100
    """Share of the clients that a round asks."""

    parameters: Annotated[list[StrategyParameter], Field(max_length=8, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """Numbers of the strategy; its own where absent."""


class Schedule(StrEnum):
    """In which order the terminals of a group learn."""

    PARALLEL = "Parallel"
    SEQUENTIAL = "Sequential"


class SplitRules(ApiModel):
    """Where the model is parted between terminal and server, and in which order terminals learn."""

    cut: CutName = AUTO_CUT
    """Input, Output, the name of a layer, or Auto; of groups without a cut of their own."""

    schedule: Schedule = Schedule.PARALLEL
    """Parallel: a batch of each in turn. Sequential: one terminal after the other."""


class Group(ApiModel):
    """Terminals that learn together below, at one local function."""

    name: GroupName
    """Name of the group."""

    clients: Annotated[int, Field(ge=2, le=1000)]
    """Terminals that it is to have."""

    cut: CutName | None = None
    """Where its model is parted; that of split when absent."""


class Reencryption(StrEnum):
    """Whether the forwarding plane re-encrypts what it relays, and so cannot read it."""

    NONE = "None"
    PER_SESSION = "PerSession"
    PER_MESSAGE = "PerMessage"


class Privacy(ApiModel):
    """What is kept from whom."""

    k_anonymity: Annotated[int, Field(ge=1, le=1000)] = 1
    """No frame reaches a server while fewer terminals of its group are live."""

    reencryption: Reencryption = Reencryption.NONE
    """None: TLS on each hop. PerSession, PerMessage: end to end as well; the image needs umbral-pre."""

    forbid_raw_input: bool = False
    """Whether no terminal may send its raw data."""


class StopRules(ApiModel):
    """When it is enough."""

    target_accuracy_basis_points: BasisPoints | None = None
    """Accuracy at which the job is done, in hundredths of a per cent."""

    patience_rounds: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Rounds without a better model after which it is done."""

    deadline_seconds: Annotated[int, Field(ge=1, le=2_592_000)] = 7200
    """Time since its first start after which it has failed, the time it was suspended left out."""


class OnLoss(StrEnum):
    """What follows where clients are lost in mid-round, and the quorum still holds."""

    DEGRADE = "Degrade"
    WAIT = "Wait"
    FAIL = "Fail"


class Quorum(ApiModel):
    """Without whom no round counts."""

    min_clients: ClientCount | None = None
    """Fewest clients of a round; all when absent, in TwoLevel kAnonymity of each group."""

    on_loss: OnLoss = OnLoss.DEGRADE
    """Degrade: the round goes on. Wait: it waits for them until its time is over. Fail: the job ends."""


class ModelFormat(StrEnum):
    """A form in which a model can be served."""

    ONNX = "ONNX"


class Output(ApiModel):
    """Where rounds and the finished model are kept, and in which forms."""

    name: Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")] = "model"
    """Name of the finished model; its file is NAME.safetensors in a folder with the name of the job."""

    claim_name: ObjectName
    """PersistentVolumeClaim of the own namespace for checkpoints and the model."""

    formats: Annotated[list[ModelFormat], Field(max_length=1, json_schema_extra=LIST_SET)] = Field(default_factory=list)
    """Forms besides safetensors, each a file beside it: ONNX is what an AIService can serve from the claim."""
