"""What follows from the declared figures of a node for a copy that runs there: what measuring is held against."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan
from typing import Final

from aif.api.aiservice import AIService
from aif.api.aiservice_status import Placement
from aif.api.computenode import ComputeNode
from aif.planning.demands import translate
from aif.planning.roofline import compute_seconds
from aif.scheduling.devices import DeviceColumns


@dataclass(frozen=True, slots=True)
class Expectation:
    """One request of a copy on its node; NaN where neither template nor node tells a figure that it takes.

    Attributes:
        device: Type of the device that computes.
        flops: Work of a request in FLOP.
        bits: What a request carries to the copy and back.
        seconds: Time of computing it, without wait and without way, by the roofline model [AIF].
        watts: Power meanwhile.
    """

    device: str
    flops: float
    bits: float
    seconds: float
    watts: float

    @property
    def joules(self) -> float:
        """Return the energy of computing one request, E = P·T ([6GANA] section 5)."""
        return self.watts * self.seconds


NOTHING: Final = Expectation("", nan, nan, nan, nan)
"""Of a copy whose variant or node is gone."""


def expect(service: AIService, placement: Placement, node: ComputeNode | None) -> Expectation:
    """Return what a request of the copy at ``placement`` takes on ``node`` as declared."""
    variant = next((each for each in service.variants if each.name == placement.variant), None)
    if variant is None or node is None:
        return NOTHING
    demand = translate(service, variant)
    groups = [device for device in node.spec.capability.devices if device.type == demand.device]
    servers = DeviceColumns.of([groups]).servers(demand)
    seconds = float(compute_seconds(demand.request, servers.peak, servers.bandwidth)[0])
    return Expectation(
        device=demand.device,
        flops=demand.request.flops,
        bits=demand.up_bits + demand.down_bits,
        seconds=seconds if seconds < inf else nan,
        watts=float(servers.watts[0]),
    )
