"""What a node can do, in numbers that any vendor's product has."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from aif.api.base import ApiModel, Name, Precision, ResourceName, ShortText, Watts, cel, list_map
from aif.api.quantity import Capacity

CPU = "cpu"
"""Device type of the processor itself."""


class PeakRate(ApiModel):
    """Peak arithmetic of one device in one number format: π of the roofline model [AIF]."""

    precision: Precision
    """Number format."""

    flops_per_second: Capacity
    """Peak rate in FLOP/s."""


class Power(ApiModel):
    """Electric power of one device."""

    model_config = ConfigDict(
        json_schema_extra=cel(("self.idleWatts <= self.maxWatts", "idleWatts must not exceed maxWatts")),
    )

    idle_watts: Watts = 0
    """Power without load."""

    max_watts: Annotated[int, Field(ge=1, le=1_000_000)]
    """Power under full load."""


class Device(ApiModel):
    """Some devices of one kind; figures are those of one device, and the CPU counts as one whatever its cores."""

    name: Name
    """Name of the device group."""

    type: Annotated[
        ResourceName,
        Field(
            json_schema_extra=cel(
                ("self == 'cpu' || self.contains('/')", "must be cpu, or an extended resource such as nvidia.com/gpu"),
            ),
        ),
    ]
    """cpu, or the extended resource under which Kubernetes hands the device out."""

    model: ShortText | None = None
    """Product name."""

    count: Annotated[int, Field(ge=1, le=4096)] = 1
    """Devices; for the CPU its cores."""

    memory: Capacity | None = None
    """Memory of one device in bytes; of the node for the CPU."""

    memory_bandwidth_bytes_per_second: Capacity | None = None
    """Memory bandwidth of one device: β of the roofline model; of the whole CPU."""

    peak_flops: Annotated[list[PeakRate], Field(max_length=8, json_schema_extra=list_map("precision"))] = Field(
        default_factory=list
    )
    """Peak rates of one device; of the whole CPU."""

    power: Power | None = None
    """Power of one device; of the whole CPU."""


class Capability(ApiModel):
    """What the node can do, device by device; a node's total is derived."""

    devices: Annotated[list[Device], Field(min_length=1, max_length=16, json_schema_extra=list_map("name"))]
    """Groups of equal devices."""
