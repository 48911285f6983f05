"""The contract of quality of an AIService: QoAIS [6GANA], a dimension per class."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from aif.api.base import ApiModel, BasisPoints, Level, Microseconds, Percent, Ppm, Weight, cel
from aif.api.quantity import Capacity


class Enforcement(StrEnum):
    """Whether a dimension filters nodes and raises alarms, or only adds to the score."""

    HARD = "Hard"
    SOFT = "Soft"


class LatencyIndicator(StrEnum):
    """What a latency target is about: the whole request, or a part of a generated answer."""

    REQUEST = "Request"
    FIRST_TOKEN = "FirstToken"
    OUTPUT_TOKEN = "OutputToken"


class Dimension(ApiModel):
    """What all numeric dimensions share."""

    enforcement: Enforcement = Enforcement.HARD
    """Hard: no node that misses the target is taken. Soft: meeting it only adds to the score."""

    weight: Weight = 10
    """Share of this dimension in a node's score, against the other dimensions."""

    tolerance_percent: Percent = 5
    """How far a measured value may miss the target before it counts as a breach; it never widens the filter."""


class Latency(Dimension):
    """The time that a request may take, seen by the user."""

    max_p99_microseconds: Microseconds = Field(alias="maxP99Microseconds")
    """Time within which 99 of 100 requests are answered: link, queueing and compute together."""

    indicator: LatencyIndicator = LatencyIndicator.REQUEST
    """Request for the whole answer; FirstToken or OutputToken for generated text."""


class Accuracy(Dimension):
    """The share of right results."""

    min_basis_points: BasisPoints
    """Lowest accuracy of service, model accuracy times link reliability, in hundredths of a per cent."""


class Energy(Dimension):
    """The energy that a request may cost."""

    max_millijoules_per_request: Annotated[int, Field(ge=1, le=1_000_000_000_000)]
    """Energy for compute and transfer of one request."""


class Availability(Dimension):
    """The share of requests that must succeed."""

    min_ppm: Annotated[int, Field(ge=0, le=999_999)]
    """Lowest share of successful requests, in millionths."""


class Bandwidth(Dimension):
    """What the link between user and node must offer."""

    min_bits_per_second: Capacity | None = None
    """Lowest uplink rate; without it the demand follows from load and data per request."""

    max_jitter_microseconds: Microseconds | None = None
    """Highest variation of the link's delay."""

    min_reliability_ppm: Ppm | None = None
    """Lowest share of packets that arrive, in millionths."""


class Compute(Dimension):
    """What the node must offer in arithmetic."""

    min_flops_per_second: Capacity | None = None
    """Lowest compute rate kept free for the service; without it the demand follows from load and FLOP per request."""


_DIMENSIONS = ("latency", "accuracy", "energy", "availability", "bandwidth", "compute")
_GIVEN = f"[{', '.join(f'has(self.{name})' for name in _DIMENSIONS)}]"
_WEIGHTS = f"[{', '.join(f'has(self.{name}) ? self.{name}.weight : 0' for name in _DIMENSIONS)}]"


class QualityOfService(ApiModel):
    """QoAIS: the contract over all dimensions; what is left out is not asked for."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                f"!{_GIVEN}.exists(given, given) || {_WEIGHTS}.sum() > 0",
                "at least one dimension needs a weight above 0",
            ),
        ),
    )

    latency: Latency | None = None
    """Makes the service latency-sensitive: only nodes that meet it are candidates, and the best of those is taken."""

    accuracy: Accuracy | None = None
    """Lowest accuracy of the result."""

    energy: Energy | None = None
    """Highest energy per request."""

    availability: Availability | None = None
    """Lowest share of successful requests."""

    bandwidth: Bandwidth | None = None
    """Demands on the link."""

    compute: Compute | None = None
    """Demands on arithmetic."""

    privacy_level: Level = Level.LOW
    """Low: any node. Medium: only nodes of the own network. High: raw input stays with the user."""

    security_level: Level = Level.LOW
    """Lowest security level of a node that may serve."""
