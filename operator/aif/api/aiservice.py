"""AIService: an AI service with a contract of quality, as its user writes it ([AIF] the filled-in template)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from aif.api.aiservice_status import AIServiceStatus
from aif.api.base import (
    LIST_SET,
    ApiModel,
    LabelValue,
    ObjectName,
    ResourceName,
    Tier,
    cel,
    immutable,
    label_map,
    list_map,
)
from aif.api.metadata import ObjectMeta
from aif.api.model import INPUT_CUT, Cut, Generation, Load, Model, ModelExit, UserEquipment
from aif.api.operation import (
    ApprovalStep,
    Autonomy,
    AutonomyLevel,
    Evaluation,
    Metrics,
    Migration,
    UpdateStrategy,
)
from aif.api.qos import QualityOfService
from aif.api.workload import Variant, Workload

__all__ = [
    "INPUT_CUT",
    "AIService",
    "AIServiceSpec",
    "ApprovalStep",
    "Autonomy",
    "AutonomyLevel",
    "Cut",
    "Evaluation",
    "Expose",
    "Gateway",
    "Generation",
    "Load",
    "Metrics",
    "Migration",
    "Model",
    "ModelExit",
    "Offload",
    "PlacementRule",
    "ServiceType",
    "UpdateStrategy",
    "UserEquipment",
]


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


class PlacementRule(ApiModel):
    """Which nodes may serve at all."""

    tiers: Annotated[list[Tier], Field(max_length=5, json_schema_extra=LIST_SET)] = Field(default_factory=list)
    """Tiers that may serve; all when empty."""

    node_selector: Annotated[dict[ResourceName, LabelValue], Field(json_schema_extra=label_map(8))] = Field(
        default_factory=dict
    )
    """Labels that a Node must carry."""


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


_RULES = cel(
    ("self.offload == 'Local' || has(self.workload)", "workload is needed unless offload is Local"),
    (
        "self.offload == 'Network' || (has(self.ue) && has(self.ue.peakFlops) && has(self.model.flopsPerRequest))",
        "offload Auto and Local need ue.peakFlops and model.flopsPerRequest",
    ),
    (
        (
            "!has(self.qos.latency) || self.qos.latency.indicator == 'OutputToken' || "
            "(has(self.load) && has(self.model.flopsPerRequest) && has(self.model.cuts) && "
            "self.model.cuts.exists(cut, cut.name == 'Input'))"
        ),
        "qos.latency needs load.requestsPerSecond, model.flopsPerRequest and a cut named Input in model.cuts",
    ),
    (
        (
            "!has(self.qos.latency) || self.qos.latency.indicator != 'OutputToken' || "
            "(has(self.load) && has(self.model.generation))"
        ),
        "qos.latency with indicator OutputToken needs load.requestsPerSecond and model.generation",
    ),
    (
        (
            "!has(self.qos.energy) || (has(self.model.flopsPerRequest) && has(self.model.cuts) && "
            "self.model.cuts.exists(cut, cut.name == 'Input'))"
        ),
        "qos.energy needs model.flopsPerRequest and a cut named Input in model.cuts",
    ),
    (
        (
            "!has(self.qos.accuracy) || has(self.model.accuracyBasisPoints) || (has(self.variants) && "
            "self.variants.size() > 0 && self.variants.all(variant, has(variant.accuracyBasisPoints)))"
        ),
        "qos.accuracy needs model.accuracyBasisPoints, or accuracyBasisPoints of every variant",
    ),
)


class AIServiceSpec(ApiModel):
    """What the service is, what it must reach, and where it may run."""

    model_config = ConfigDict(json_schema_extra=_RULES)

    service_type: Annotated[ServiceType, Field(json_schema_extra=immutable("serviceType"))]
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

    variants: Annotated[list[Variant], Field(max_length=6, json_schema_extra=list_map("name"))] = Field(
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

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
                "metadata.name must have at most 40 characters: lower-case letters, digits and hyphens, a letter first",
            ),
        ),
    )

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
