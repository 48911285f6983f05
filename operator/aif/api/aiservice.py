"""AIService: an AI service with a contract of quality, as its user writes it ([AIF] the filled-in template)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from aif.api.aiservice_status import AIServiceStatus
from aif.api.base import (
    IMMUTABLE,
    ApiModel,
    BasisPoints,
    LabelValue,
    Name,
    ObjectName,
    Percent,
    Precision,
    ResourceName,
    ShortText,
    Tier,
    Watts,
    bounded_map,
    cel,
    list_map,
)
from aif.api.computenode import LinkQuality
from aif.api.metadata import ObjectMeta
from aif.api.qos import QualityOfService
from aif.api.quantity import Capacity, Demand
from aif.api.workload import Variant, Workload

INPUT_CUT = "Input"
"""The cut below the first layer: the raw input travels and all of the model runs in the network."""


class ServiceType(StrEnum):
    """What the service does ([6GANA]); more types come by addition."""

    INFERENCE = "Inference"
    VALIDATION = "Validation"
    DATA = "Data"
    COMPUTE = "Compute"


class Offload(StrEnum):
    """Where the model may run ([AIF] local or network compute)."""

    AUTO = "Auto"
    LOCAL = "Local"
    NETWORK = "Network"


class Cut(ApiModel):
    """A place where the model can be parted between user and network."""

    name: Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")]
    """Name of the layer, or Input for the raw input."""

    ue_flops: Demand
    """FLOP of one request on the user's side of the cut."""

    data_bits: Demand
    """Data of one request that crosses the cut, in bits."""


class Generation(ApiModel):
    """The decoding of a generative model, token by token."""

    flops_per_token: Demand
    """FLOP of one output token."""

    memory_traffic_bytes_per_token: Demand
    """Bytes that one output token moves between the device and its memory; mostly the weights."""

    tokens_per_request: Annotated[int, Field(ge=1, le=1_000_000)]
    """Output tokens of a usual request."""


class Model(ApiModel):
    """What the planner knows of the model; without a figure the dimensions that need it cannot be promised."""

    name: ShortText
    """Name of the model."""

    precision: Precision = Precision.FP32
    """Number format in which it runs."""

    accuracy_basis_points: BasisPoints | None = None
    """Accuracy of the model alone, in hundredths of a per cent."""

    flops_per_request: Demand | None = None
    """FLOP of one request; of the prompt alone where generation is given."""

    memory_traffic_bytes_per_request: Demand | None = None
    """Bytes that one request moves between device and memory: with the FLOP it gives the operational intensity."""

    output_bits: Demand | None = None
    """Data of the answer, in bits."""

    cuts: Annotated[list[Cut], Field(max_length=64, json_schema_extra=list_map("name"))] = Field(default_factory=list)
    """Where the model can be parted; Input gives the data of the raw input."""

    generation: Generation | None = None
    """Decoding of generated text."""


class Load(ApiModel):
    """The traffic that the service is planned for."""

    requests_per_second: Capacity
    """Mean rate of requests from all users together."""


class UserEquipment(ApiModel):
    """The users' devices."""

    count: Annotated[int, Field(ge=1, le=10_000_000)] = 1
    """Number of devices."""

    peak_flops: Capacity | None = None
    """Peak rate of one device, in FLOP/s."""

    watts: Watts | None = None
    """Power of one device under load."""

    attached_to: ObjectName | None = None
    """ComputeNode of the radio site that serves them: links are counted from there."""

    link: LinkQuality | None = None
    """Link to every node, in place of the nodes' own."""


class PlacementRule(ApiModel):
    """Which nodes may serve at all."""

    tiers: Annotated[list[Tier], Field(max_length=5, json_schema_extra={"x-kubernetes-list-type": "set"})] = Field(
        default_factory=list
    )
    """Tiers that may serve; all when empty."""

    node_selector: Annotated[dict[ResourceName, LabelValue], Field(json_schema_extra=bounded_map(16))] = Field(
        default_factory=dict
    )
    """Labels that a Node must carry."""


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

    approval_steps: Annotated[
        list[ApprovalStep], Field(max_length=4, json_schema_extra={"x-kubernetes-list-type": "set"})
    ] = Field(default_factory=list)
    """Steps that wait for the annotation net4ai.io/approve."""


class Gateway(ApiModel):
    """A Gateway of the own namespace."""

    name: ObjectName
    """Name of the Gateway."""

    host: ObjectName
    """Host name under which the service answers."""


class Expose(ApiModel):
    """How the service is reached from outside the cluster."""

    gateway: Gateway | None = None
    """Adds an HTTPRoute to this Gateway."""


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
    """How long the old copy may end its requests."""

    timeout_seconds: Annotated[int, Field(ge=10, le=86_400)] = 600
    """When an unfinished move is rolled back."""


class AIServiceSpec(ApiModel):
    """What the service is, what it must reach, and where it may run."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            ("self.offload == 'Local' || has(self.workload)", "workload is needed unless offload is Local"),
            (
                "self.offload == 'Network' || (has(self.ue) && has(self.ue.peakFlops) && has(self.model.flopsPerRequest))",
                "offload Auto and Local need ue.peakFlops and model.flopsPerRequest",
            ),
            (
                "!has(self.qos.latency) || self.qos.latency.indicator == 'OutputToken' || (has(self.load) && "
                "has(self.model.flopsPerRequest) && has(self.model.cuts) && self.model.cuts.exists(c, c.name == 'Input'))",
                "qos.latency needs load.requestsPerSecond, model.flopsPerRequest and a cut named Input in model.cuts",
            ),
            (
                "!has(self.qos.latency) || self.qos.latency.indicator != 'OutputToken' || (has(self.load) && "
                "has(self.model.generation))",
                "qos.latency with indicator OutputToken needs load.requestsPerSecond and model.generation",
            ),
            (
                "!has(self.qos.energy) || has(self.model.flopsPerRequest)",
                "qos.energy needs model.flopsPerRequest",
            ),
            (
                "!has(self.qos.accuracy) || has(self.model.accuracyBasisPoints) || "
                "(has(self.variants) && self.variants.size() > 0 && self.variants.all(v, has(v.accuracyBasisPoints)))",
                "qos.accuracy needs model.accuracyBasisPoints, or accuracyBasisPoints of every variant",
            ),
        ),
    )

    service_type: Annotated[ServiceType, Field(json_schema_extra=cel((IMMUTABLE[0], f"serviceType {IMMUTABLE[1]}")))]
    """What the service does; it cannot be changed."""

    model: Model
    """Figures of the model, from which resource demands follow."""

    load: Load | None = None
    """Traffic that the service is planned for; needed for a latency target."""

    ue: UserEquipment | None = None
    """The users' devices."""

    offload: Offload = Offload.NETWORK
    """Network places the service on a node; Local deploys nothing; Auto lets the roofline rule decide."""

    placement: PlacementRule = PlacementRule()
    """Which nodes may serve at all."""

    qos: QualityOfService = QualityOfService()
    """The contract of quality."""

    autonomy: Autonomy = Autonomy()
    """Who acts."""

    priority_class_name: ObjectName | None = None
    """PriorityClass of the pods."""

    suspend: bool = False
    """Stops the service: its copies are removed and its capacity is released."""

    workload: Workload | None = None
    """The container of each replica."""

    variants: Annotated[list[Variant], Field(max_length=8, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """Ways to run the workload, in order of preference; on the CPU when empty."""

    expose: Expose = Expose()
    """How the service is reached from outside the cluster."""

    update: UpdateStrategy = UpdateStrategy.MAKE_BEFORE_BREAK
    """MakeBeforeBreak: the old copy serves until the new one is ready. Recreate: the old copy goes first."""

    evaluation: Evaluation = Evaluation()
    """When a measured value becomes an alarm."""

    metrics: Metrics = Metrics()
    """Where measured values come from."""

    migration: Migration = Migration()
    """Bounds on moving."""


class AIService(ApiModel):
    """An AI service with a contract of quality; the operator places it, says why, and keeps it there."""

    metadata: ObjectMeta
    """Standard object metadata."""

    spec: AIServiceSpec
    """What is asked for."""

    status: AIServiceStatus = AIServiceStatus()
    """What the operator decided and sees."""

    @property
    def data_bits(self) -> float:
        """Return the raw input of one request in bits; 0 where no cut named Input tells it."""
        return next((float(cut.data_bits) for cut in self.spec.model.cuts if cut.name == INPUT_CUT), 0.0)

    @property
    def variants(self) -> tuple[Variant, ...]:
        """Return the variants in order of preference; one on the CPU where none is named."""
        return tuple(self.spec.variants) or (Variant(name="cpu"),)


