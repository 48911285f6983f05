"""The containers of a service, as an allow-list: what is not named here cannot be asked for."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from aif.api.base import (
    LIST_SET,
    ApiModel,
    Argument,
    BasisPoints,
    HttpPath,
    Name,
    ObjectName,
    Port,
    Precision,
    ResourceName,
    cel,
    exactly_one_of,
    list_map,
    total_length,
)
from aif.api.quantity import Capacity, Demand

ImageReference = Annotated[
    str,
    Field(min_length=1, max_length=512, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]*(@sha256:[a-f0-9]{64})?$"),
]

MountPath = Annotated[str, Field(min_length=2, max_length=256, pattern=r"^(/[A-Za-z0-9._@+~-]+)+$")]

NO_ACCELERATOR = "None"

AcceleratorName = Annotated[
    ResourceName,
    Field(
        json_schema_extra=cel(
            (
                "self == 'None' || self.contains('/')",
                "must be None, or an extended resource such as nvidia.com/gpu",
            ),
        ),
    ),
]


class KeyReference(ApiModel):
    """A key of a Secret or ConfigMap of the own namespace."""

    name: ObjectName
    """Name of the object, in the namespace of the service."""

    key: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[-._A-Za-z0-9]+$")]
    """Key in its data."""


class EnvironmentVariable(ApiModel):
    """An environment variable with one source."""

    model_config = ConfigDict(json_schema_extra=exactly_one_of("value", "secretKey", "configMapKey"))

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    """Name of the variable."""

    value: Annotated[str, Field(max_length=1024, pattern=r"^[^\x00]*$")] | None = None
    """Literal value."""

    secret_key: KeyReference | None = None
    """Key of a Secret."""

    config_map_key: KeyReference | None = None
    """Key of a ConfigMap."""


class MemoryVolume(ApiModel):
    """A volume in memory, such as /dev/shm."""

    size: Capacity
    """Its greatest size; counts against the container's memory."""


class Volume(ApiModel):
    """A mounted volume with one source, each of a kind that the restricted profile permits."""

    model_config = ConfigDict(json_schema_extra=exactly_one_of("claimName", "configMapName", "secretName", "memory"))

    name: Name
    """Name of the volume."""

    mount_path: MountPath
    """Absolute path in the container."""

    read_only: bool = False
    """Whether the container may only read it; ConfigMaps and Secrets always are."""

    claim_name: ObjectName | None = None
    """PersistentVolumeClaim of the own namespace."""

    config_map_name: ObjectName | None = None
    """ConfigMap of the own namespace."""

    secret_name: ObjectName | None = None
    """Secret of the own namespace."""

    memory: MemoryVolume | None = None
    """Empty volume in memory."""


class Resources(ApiModel):
    """What one replica asks of its node; memory is also its limit."""

    cpu: Capacity | None = None
    """CPU cores."""

    memory: Capacity | None = None
    """Memory in bytes."""

    ephemeral_storage: Capacity | None = None
    """Local disk in bytes."""


class Workload(ApiModel):
    """The container of each replica."""

    image: ImageReference
    """Container image."""

    command: Annotated[list[Argument], Field(max_length=16, json_schema_extra=total_length(512))] = Field(
        default_factory=list
    )
    """Entry point; the image's own when empty."""

    args: Annotated[list[Argument], Field(max_length=32, json_schema_extra=total_length(1536))] = Field(
        default_factory=list
    )
    """Arguments of all variants; a variant's own follow them."""

    env: Annotated[
        list[EnvironmentVariable],
        Field(max_length=24, json_schema_extra=list_map("name") | total_length(1536, "value")),
    ] = Field(default_factory=list)
    """Environment variables."""

    image_pull_secrets: Annotated[list[ObjectName], Field(max_length=4, json_schema_extra=LIST_SET)] = Field(
        default_factory=list
    )
    """Secrets of the own namespace for the image's registry."""

    port: Port = 8080
    """Port on which the container answers."""

    readiness_path: HttpPath | None = None
    """HTTP path that answers 200 when the replica can serve; a TCP check of the port without it."""

    startup_path: HttpPath | None = None
    """HTTP path that answers 200 once the replica has started, for models that load slowly."""

    startup_seconds: Annotated[int, Field(ge=1, le=7200)] = 300
    """How long a replica may take to start before it is restarted."""

    replicas: Annotated[int, Field(ge=0, le=1000)] = 1
    """Number of replicas; also set by the scale subresource."""

    resources: Resources = Resources()
    """Demands of one replica; a variant's own replace them one by one."""

    volumes: Annotated[
        list[Volume],
        Field(
            max_length=8,
            json_schema_extra=list_map("name")
            | cel(
                (
                    "self.all(one, self.exists_one(other, other.mountPath == one.mountPath))",
                    "no mountPath may stand twice",
                ),
            ),
        ),
    ] = Field(default_factory=list)
    """Mounted volumes."""

    runtime_class_name: ObjectName | None = None
    """RuntimeClass out of the administrator's list."""


class Variant(ApiModel):
    """A way to run the workload on one kind of accelerator; the list is in order of preference."""

    name: Name
    """Name of the variant."""

    accelerator: AcceleratorName = NO_ACCELERATOR
    """Extended resource such as nvidia.com/gpu, or None for the CPU."""

    count: Annotated[int, Field(ge=1, le=64)] = 1
    """Accelerators of one replica; requests are spread over them."""

    device_memory: Capacity | None = None
    """Memory that the model needs on each accelerator, in bytes."""

    args: Annotated[list[Argument], Field(max_length=32, json_schema_extra=total_length(512))] = Field(
        default_factory=list
    )
    """Arguments that follow the workload's."""

    resources: Resources = Resources()
    """Demands that replace the workload's, one by one."""

    precision: Precision | None = None
    """Number format; the model's when absent."""

    accuracy_basis_points: BasisPoints | None = None
    """Accuracy of the model in this variant; the model's when absent."""

    flops_per_request: Demand | None = None
    """FLOP of a request in this variant; the model's when absent."""
