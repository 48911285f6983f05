"""What the planner knows of a service: its model, its traffic, and its users ([AIF] the filled-in template)."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from aif.api.base import ApiModel, BasisPoints, ObjectName, Precision, ShortText, Watts, cel, list_map
from aif.api.computenode import LinkQuality
from aif.api.quantity import Capacity, Demand

INPUT_CUT = "Input"
"""The cut below the first layer: the raw input travels and all of the model runs in the network."""


class Cut(ApiModel):
    """A place where the model can be parted between user and network."""

    name: Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")]
    """Name of the layer, or Input for the raw input."""

    ue_flops: Demand
    """FLOP of one request on the user's side of the cut."""

    data_bits: Demand
    """Data of one request that crosses the cut, in bits."""


class ModelExit(ApiModel):
    """A place where the model can answer early, less accurately than all of it."""

    name: Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")]
    """Name of the exit."""

    flops: Capacity
    """FLOP of one request that leaves here, the head of the exit included."""

    accuracy_basis_points: BasisPoints
    """Accuracy of its answers, in hundredths of a per cent."""


class Generation(ApiModel):
    """The decoding of a generative model, token by token."""

    flops_per_token: Demand
    """FLOP of one output token."""

    memory_traffic_bytes_per_token: Demand
    """Bytes that one output token moves between the device and its memory; mostly the weights."""

    tokens_per_request: Annotated[int, Field(ge=1, le=1_000_000)]
    """Output tokens of a usual request."""


_EXITS = cel(
    (
        "!has(self.exits) || self.exits.size() == 0 || (has(self.accuracyBasisPoints) && has(self.flopsPerRequest))",
        "model.exits need model.accuracyBasisPoints and model.flopsPerRequest",
    ),
)


class Model(ApiModel):
    """What the planner knows of the model; without a figure the dimensions that need it cannot be promised."""

    model_config = ConfigDict(json_schema_extra=_EXITS)

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

    cuts: Annotated[list[Cut], Field(max_length=32, json_schema_extra=list_map("name"))] = Field(default_factory=list)
    """Where the model can be parted; Input gives the data of the raw input."""

    exits: Annotated[list[ModelExit], Field(max_length=8, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """Where the model can answer early; the whole model is always one more. Planned for, not served yet."""

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
