"""ComputeNode: a node's numeric capability, its place in the network, and where it comes from."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from aif.api.base import (
    ApiModel,
    Count,
    Level,
    Name,
    ObjectName,
    Percent,
    Ppm,
    ShortText,
    Tier,
    Timestamp,
    Watts,
    cel,
    immutable,
    list_map,
)
from aif.api.capability import CPU, Capability, Device, PeakRate, Power
from aif.api.conditions import Condition
from aif.api.measured import DeviceCalibration, ResourceStatus
from aif.api.metadata import ObjectMeta
from aif.api.quantity import Capacity

__all__ = [
    "CPU",
    "USER",
    "Capability",
    "ComputeNode",
    "ComputeNodeSpec",
    "ComputeNodeStatus",
    "ComputeNodeSummary",
    "Device",
    "Link",
    "LinkQuality",
    "Location",
    "Observed",
    "Origin",
    "PeakRate",
    "Power",
    "Price",
    "Provider",
    "Reserved",
    "Statement",
]

USER = "ue"
"""Name of the users' end of a link."""


class Origin(StrEnum):
    """Whether a node belongs to the network or to somebody else."""

    IN_NETWORK = "InNetwork"
    EXTERNAL = "External"


class Statement(ApiModel):
    """What an external provider signed."""

    key_id: ShortText
    """Key of the provider, as the administrator registered it."""

    expires_at: Timestamp
    """When the statement ends."""

    capability_digest: Annotated[str, Field(max_length=71, pattern=r"^sha256:[a-f0-9]{64}$")]
    """Digest of the capability that was signed."""

    signature: Annotated[str, Field(max_length=2048, pattern=r"^[A-Za-z0-9_.=-]+$")]
    """Ed25519 JWS over the statement."""


class Provider(ApiModel):
    """Who offers an external node."""

    name: Name
    """Name of the provider."""

    statement: Statement | None = None
    """Signed statement; without it the node stays unverified."""


class LinkQuality(ApiModel):
    """What a link offers in both directions."""

    up_bits_per_second: Capacity
    """Rate towards the node."""

    down_bits_per_second: Capacity
    """Rate towards the user, or the other end."""

    rtt_microseconds: Annotated[int, Field(ge=0, le=60_000_000)]
    """Round-trip time of a small packet."""

    jitter_microseconds: Annotated[int, Field(ge=0, le=60_000_000)] = 0
    """Variation of the delay."""

    reliability_ppm: Ppm = 1_000_000
    """Share of packets that arrive, in millionths."""

    watts: Watts = 0
    """Power of the link while it sends."""


class Link(LinkQuality):
    """A link from the users or from another node."""

    to: ObjectName
    """ue for the users, or the name of another ComputeNode."""


class Location(ApiModel):
    """Where the node stands."""

    lat_microdegrees: Annotated[int, Field(ge=-90_000_000, le=90_000_000)]
    """Latitude."""

    lon_microdegrees: Annotated[int, Field(ge=-180_000_000, le=180_000_000)]
    """Longitude."""


class Price(ApiModel):
    """What the use of the node costs."""

    micro_units_per_device_hour: Annotated[int, Field(ge=0, le=1_000_000_000_000)]
    """Millionths of the billing unit for one device and hour."""


class ComputeNodeSpec(ApiModel):
    """What the node can do, and where it stands."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            ("self.origin != 'InNetwork' || has(self.nodeName)", "nodeName is needed when origin is InNetwork"),
            (
                "(self.origin == 'External') == has(self.provider)",
                "provider is given if and only if origin is External",
            ),
        ),
    )

    tier: Tier
    """Where the node stands in the network."""

    origin: Annotated[Origin, Field(json_schema_extra=immutable("origin"))] = Origin.IN_NETWORK
    """InNetwork, or External for compute that must be verified before any use; it cannot be changed."""

    provider: Provider | None = None
    """Who offers an external node."""

    node_name: ObjectName | None = None
    """Node of this cluster; an external node may join later."""

    capability: Capability
    """What the node can do."""

    links: Annotated[list[Link], Field(max_length=64, json_schema_extra=list_map("to"))] = Field(default_factory=list)
    """Links to the users and to other nodes."""

    location: Location | None = None
    """Where the node stands."""

    security_level: Level = Level.LOW
    """Security level that the administrator grants the node."""

    price: Price | None = None
    """What its use costs."""

    carbon_grams_per_kwh: int | None = Field(default=None, ge=0, le=5000, alias="carbonGramsPerKWh")
    """Carbon intensity of its electricity, CO2 equivalent."""


class Observed(ApiModel):
    """What was measured on the node."""

    efficiency_percent: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Attained share of the claimed compute rate."""

    load_percent: Percent | None = None
    """Utilisation of its busiest device."""

    measured_at: Timestamp | None = None
    """When it was measured."""


class Reserved(ApiModel):
    """What the operator's services hold of the node."""

    flops_per_second: Annotated[str, Field(max_length=32)] = "0"
    """Compute rate held."""

    services: Count = 0
    """Services placed here."""

    training_jobs: Count = 0
    """Training jobs with a role here."""


class ComputeNodeSummary(ApiModel):
    """Composed text for the printer columns."""

    accelerator: Annotated[str, Field(max_length=128)] = ""
    """Number and product of the accelerators."""

    teraflops: Annotated[str, Field(max_length=32)] = ""
    """Peak rate of all devices at FP32, in TFLOP/s."""

    power: Annotated[str, Field(max_length=32)] = ""
    """Power of all devices under full load."""


class ComputeNodeStatus(ApiModel):
    """What compute management knows of the node."""

    observed_generation: Count | None = None
    """Generation of the spec that was judged."""

    conditions: Annotated[list[Condition], Field(max_length=32, json_schema_extra=list_map("type"))] = Field(
        default_factory=list
    )
    """Ready sums up Accepted, Verified and NodeReady."""

    observed: Observed | None = None
    """What was measured."""

    calibration: Annotated[list[DeviceCalibration], Field(max_length=16, json_schema_extra=list_map("device"))] = Field(
        default_factory=list
    )
    """What predictions were worth, per type of device; the next ones count with it."""

    resources: Annotated[list[ResourceStatus], Field(max_length=16, json_schema_extra=list_map("resource"))] = Field(
        default_factory=list
    )
    """Resources under pressure."""

    reserved: Reserved | None = None
    """What services hold."""

    summary: ComputeNodeSummary | None = None
    """Text for the printer columns."""


class ComputeNode(ApiModel):
    """A node of the computing-power network: what it can do, its place, its links, its origin."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "!has(self.spec.links) || self.spec.links.all(link, link.to != self.metadata.name)",
                "spec.links.to must not be the node itself",
            ),
        ),
    )

    metadata: ObjectMeta
    """Standard object metadata."""

    spec: ComputeNodeSpec
    """What the node can do, and where it stands."""

    status: ComputeNodeStatus = ComputeNodeStatus()
    """What compute management knows of it."""

    @property
    def cpu(self) -> Device | None:
        """Return the processor's entry."""
        return next((device for device in self.spec.capability.devices if device.type == CPU), None)
