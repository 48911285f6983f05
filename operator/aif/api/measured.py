"""What was measured of a node or a service beyond its contract: calibration, and pressure on resources."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aif.api.base import ApiModel, Count, Percent, ResourceName, Timestamp

Factor = Annotated[int, Field(ge=1, le=10_000)]
"""A ratio in per cent: 100 where what was measured is what was declared."""


class Efficiency(ApiModel):
    """How what was measured compares with what follows from the declared figures."""

    measured_percent: Factor
    """Predicted by measured: below 100 where a node takes longer, or draws more, than it declares."""

    efficiency_percent: Factor
    """What the next prediction counts with: the measured ratio as far as it is trusted."""

    confidence_percent: Percent
    """How far it is trusted: little after few or scattered observations."""

    spread_percent: Annotated[int, Field(ge=0, le=10_000)]
    """Standard deviation of the ratio's natural logarithm."""

    observations: Count
    """Observations that still count; older ones fade."""


class DeviceCalibration(ApiModel):
    """What was learnt of one type of device of a node."""

    device: ResourceName
    """Type of the device: cpu, or an extended resource."""

    compute: Efficiency | None = None
    """Attained share of the compute rate."""

    power: Efficiency | None = None
    """Declared power by the power that it takes."""

    updated_at: Timestamp
    """When these figures last changed enough to be written."""


class ResourceStatus(ApiModel):
    """One resource that is, or is about to be, under pressure."""

    resource: ResourceName
    """Name of the resource in the resource profile, such as memory."""

    alarm: Annotated[str, Field(max_length=16)]
    """Pending until the pressure has lasted long enough, then Raised until it is down at the clearing level."""

    since: Timestamp
    """When the alarm became what it is; a timer that outlives the operator."""

    used_percent: Count | None = None
    """Share in use at that time."""

    raise_percent: Count
    """Share from which on it is pressure."""

    clear_percent: Count
    """Share at which it is over."""

    estimated: bool | None = None
    """True where the value comes from a model and not from a meter."""
