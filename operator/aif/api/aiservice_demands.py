"""What a service asks of its node and of each resource, as the status of an AIService shows it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aif.api.base import ApiModel

_Text = Annotated[str, Field(max_length=256)]


class ResourceDemand(ApiModel):
    """What a resource must offer so that the contract can be kept: QoAIS taken apart ([6GANA])."""

    resource: _Text
    """Data, Algorithm, Compute or Connection."""

    indicator: _Text
    """Quality of the resource, such as delay, rate or securityLevel."""

    bound: _Text
    """AtLeast, AtMost or Exactly."""

    target: _Text
    """A quantity in the unit, or a level."""

    unit: _Text | None = None
    """Such as us, ppm or FLOP/s; absent for levels and number formats."""

    enforcement: _Text
    """Hard or Soft."""


class Demands(ApiModel):
    """Resource demands of the whole service, translated from its template ([AIF] task management)."""

    flops_per_second: _Text | None = None
    """Compute rate: FLOP per request times the load, or as asked."""

    memory_bandwidth_bytes_per_second: _Text | None = None
    """Memory traffic per request times the load."""

    up_bits_per_second: _Text | None = None
    """Uplink rate: data per request times the load, or as asked."""

    down_bits_per_second: _Text | None = None
    """Downlink rate."""

    cpu: _Text | None = None
    """CPU cores of all replicas in the chosen variant."""

    memory: _Text | None = None
    """Memory of all replicas in the chosen variant, in bytes."""

    ephemeral_storage: _Text | None = None
    """Local disk of all replicas in the chosen variant, in bytes."""

    accelerators: _Text | None = None
    """Number and resource name of the accelerators of all replicas in the chosen variant."""

    resources: Annotated[list[ResourceDemand], Field(max_length=32)] = Field(default_factory=list)
    """What each resource must offer; where two share a target, each is bounded as if the other took nothing."""
