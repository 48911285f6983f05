"""TrainingJob: a model that learns over the nodes of the network, in one of six modes ([NET4AI], [EDGE])."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import ConfigDict, Field

from aif.api.aiservice import PlacementRule
from aif.api.base import LIST_SET, ApiModel, Name, ObjectName, cel, list_map, total_length
from aif.api.metadata import ObjectMeta
from aif.api.operation import Autonomy
from aif.api.quantity import Capacity
from aif.api.trainingjob_learning import (
    ClientCount,
    Group,
    LearnedData,
    Output,
    Privacy,
    Quorum,
    RoundRules,
    SplitRules,
    StopRules,
    Strategy,
    TrainingRules,
)
from aif.api.trainingjob_model import LearnedModel
from aif.api.trainingjob_qos import JobQualityOfService
from aif.api.trainingjob_reuse import Compression, Distillation
from aif.api.trainingjob_rules import SPEC_RULES
from aif.api.trainingjob_start import Start, Validation
from aif.api.trainingjob_status import TrainingJobStatus
from aif.api.workload import NO_ACCELERATOR, AcceleratorName, EnvironmentVariable, ImageReference, Resources

THIS_OPERATOR: Final = "net4ai.io/aif-operator"
"""What spec.managedBy says of a job that this operator runs."""


class Mode(StrEnum):
    """How the job learns."""

    CENTRALIZED = "Centralized"
    FEDERATED = "Federated"
    SPLIT = "Split"
    TWO_LEVEL = "TwoLevel"
    DISTILLATION = "Distillation"
    COMPRESSION = "Compression"


class JobVariant(ApiModel):
    """A way to run the roles that learn on one kind of accelerator; the list is in order of preference."""

    name: Name
    """Name of the variant."""

    accelerator: AcceleratorName = NO_ACCELERATOR
    """Extended resource such as nvidia.com/gpu, or None for the CPU."""

    count: Annotated[int, Field(ge=1, le=64)] = 1
    """Accelerators of one pod."""

    device_memory: Capacity | None = None
    """Memory that learning needs on each accelerator, in bytes."""

    resources: Resources = Resources()
    """Demands that replace the workload's, one by one."""


class JobWorkload(ApiModel):
    """The container of each role."""

    image: ImageReference
    """Container image with the learning runtime, and with one's own model where there is one."""

    image_pull_secrets: Annotated[list[ObjectName], Field(max_length=4, json_schema_extra=LIST_SET)] = Field(
        default_factory=list
    )
    """Secrets of the own namespace for the image's registry."""

    env: Annotated[
        list[EnvironmentVariable],
        Field(max_length=24, json_schema_extra=list_map("name") | total_length(1536, "value")),
    ] = Field(default_factory=list)
    """Environment variables of the roles that learn."""

    resources: Resources = Resources()
    """Demands of one pod that learns; a variant's own replace them one by one."""

    runtime_class_name: ObjectName | None = None
    """RuntimeClass out of the administrator's list."""


class JobPlacement(ApiModel):
    """Which nodes may take part."""

    clients: PlacementRule = PlacementRule()
    """Who has data: Device nodes where no tier is named and they suffice, else any."""

    local_functions: PlacementRule = PlacementRule()
    """Servers of groups: radio sites where no tier is named and they suffice, else any."""

    servers: PlacementRule = PlacementRule()
    """All others: the aggregator and what stands beside it, or the only worker."""


class Tls(StrEnum):
    """How streams between roles are protected."""

    MADE = "Made"
    CERT_MANAGER = "CertManager"
    NONE = "None"


class IssuerKind(StrEnum):
    """Kinds of cert-manager that sign certificates."""

    ISSUER = "Issuer"
    CLUSTER_ISSUER = "ClusterIssuer"


class IssuerReference(ApiModel):
    """Who signs the certificates of the roles."""

    name: ObjectName
    """Name of the Issuer in the own namespace, or of the ClusterIssuer."""

    kind: IssuerKind = IssuerKind.ISSUER
    """Issuer or ClusterIssuer."""


class TrainingJobSpec(ApiModel):
    """What learns what from which data, and where it may; all but suspend stays as it was created."""

    model_config = ConfigDict(json_schema_extra=SPEC_RULES)

    mode: Mode
    """How the job learns."""

    model: LearnedModel
    """The model; in Distillation the small one."""

    data: LearnedData
    """The data."""

    clients: ClientCount | None = None
    """Clients of Federated, terminals of Split."""

    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Workers of Centralized that learn one model together; each has a share of every batch."""

    rounds: RoundRules = RoundRules()
    """How long it learns."""

    training: TrainingRules = TrainingRules()
    """How a learner takes its steps."""

    strategy: Strategy = Strategy()
    """How updates become a model, where there are several clients."""

    split: SplitRules | None = None
    """Where the model is parted; Auto when absent."""

    groups: Annotated[list[Group], Field(max_length=16, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """Groups of terminals, each with a local function."""

    distillation: Distillation | None = None
    """From whom the model learns."""

    compression: Compression | None = None
    """What is made smaller, and how."""

    privacy: Privacy = Privacy()
    """What is kept from whom."""

    placement: JobPlacement = JobPlacement()
    """Which nodes may take part."""

    qos: JobQualityOfService = JobQualityOfService()
    """The contract of quality."""

    autonomy: Autonomy = Autonomy()
    """Who acts."""

    priority_class_name: ObjectName | None = None
    """PriorityClass of the pods."""

    workload: JobWorkload
    """The container of each role."""

    variants: Annotated[list[JobVariant], Field(max_length=6, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """Ways to run the roles that learn, in order of preference; on the CPU when empty."""

    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    """All draws follow from it."""

    start: Start | None = None
    """What the job waits for before it starts; without it, for nothing."""

    stop: StopRules = StopRules()
    """When it is enough."""

    validation: Validation | None = None
    """The judgement that the finished model has to pass."""

    quorum: Quorum = Quorum()
    """Without whom no round counts."""

    output: Output
    """Where rounds and the finished model are kept."""

    tls: Tls = Tls.MADE
    """Made: the operator makes certificates. CertManager: cert-manager does. None: streams are not protected."""

    issuer_ref: IssuerReference | None = None
    """Who signs the certificates where tls is CertManager."""

    suspend: bool = False
    """Stops the job: its pods go, its capacity is released, no finished round is lost."""

    managed_by: Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9./]*[a-z0-9])?$")] = (
        THIS_OPERATOR
    )
    """Who runs the job; of another name's jobs this operator keeps its hands off."""

    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=31_536_000)] | None = None
    """When a finished job is deleted; never when absent. The claim with the model stays."""


class TrainingJob(ApiModel):
    """A model that learns over the nodes of the network; the operator places its roles, and says how far it is."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
                "metadata.name must have at most 40 characters: lower-case letters, digits and hyphens, a letter first",
            ),
            (
                "!(has(self.spec.start) && has(self.spec.start.after) && self.metadata.name in self.spec.start.after)",
                "spec.start.after must not name the job itself",
            ),
        ),
    )

    metadata: ObjectMeta
    """Standard object metadata."""

    spec: TrainingJobSpec
    """What is asked for."""

    status: TrainingJobStatus = TrainingJobStatus()
    """What the operator decided and sees."""

    @property
    def client_count(self) -> int:
        """Return how many clients or terminals learn; 0 where a single worker does."""
        return self.spec.clients or sum(group.clients for group in self.spec.groups)

    @property
    def variants(self) -> tuple[JobVariant, ...]:
        """Return the variants in order of preference; one on the CPU where none is named."""
        return tuple(self.spec.variants) or (JobVariant(name="cpu"),)
