"""The parts of a profile that the split planner's commands share, and what of them goes into the planner."""

from __future__ import annotations

from math import inf
from typing import Annotated, Self

from pydantic import Field, model_validator

from aif.cli.files.profiles import Count, Name, NonNegative, Positive, ProfileModel
from aif.cli.kpi.profiles import Cut, LinkProfile, PlatformProfile
from aif.errors import InvalidInput, InvalidSpec
from aif.planning.models.chain import Chain, Encoding, Hop, Limits, Side
from aif.planning.models.graph import Layer, ModelGraph, ordered
from aif.planning.models.tables import PIXELS, built_in, derived


class LayerProfile(ProfileModel):
    """A layer of a model of one's own."""

    name: Name
    inputs: tuple[Name, ...] = Field(default=(), strict=False)
    flop: NonNegative = 0.0
    elements: Positive
    parameters: NonNegative = 0.0

    @property
    def layer(self) -> Layer:
        """Return what the planner takes."""
        kind = "Layer" if self.inputs else "Input"
        return Layer(self.name, kind, self.inputs, self.flop, self.elements, self.parameters)


class ModelProfile(ProfileModel):
    """A model: one that is known by name, layers in any order, or cuts of which only work and data are known."""

    name: Name
    pixels: Annotated[Count, Field(le=65_536)] = PIXELS
    layers: Annotated[list[LayerProfile], Field(min_length=2)] | None = None
    cuts: Annotated[list[Cut], Field(min_length=2)] | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.layers is not None and self.cuts is not None:
            raise InvalidSpec("model.cuts", "must not stand beside model.layers, from which cuts follow")
        try:
            _ = self.chain(Encoding())
        except InvalidSpec as error:
            # Figures of the chain follow from what the profile gives.
            given = "cuts" if self.cuts else "layers" if self.layers else "name"
            field = error.field if error.field.startswith("layers") else given
            raise InvalidSpec(f"model.{field}", error.reason) from error
        except InvalidInput as error:
            raise InvalidSpec("model.name", f"{error.message}; or give layers or cuts") from error
        return self

    @property
    def graph(self) -> ModelGraph | None:
        """Return the layers; None where only cuts are given."""
        if self.cuts is not None:
            return None
        if self.layers is not None:
            return ModelGraph(self.name, ordered(layer.layer for layer in self.layers))
        return built_in(self.name) if self.pixels == PIXELS else derived(self.name, self.pixels)

    def chain(self, encoding: Encoding) -> Chain:
        """Return the legal cuts."""
        graph = self.graph
        if graph is not None:
            return Chain.of(graph, encoding)
        cuts = self.cuts or []
        return Chain.given(
            tuple(cut.name for cut in cuts), [cut.user_flop for cut in cuts], [cut.transfer_bits for cut in cuts]
        )


class BitsProfile(ProfileModel):
    """How numbers are sent and kept."""

    activation: Positive = 32.0
    input: Positive | None = None
    parameter: Positive = 32.0

    @property
    def encoding(self) -> Encoding:
        """Return what the planner takes."""
        return Encoding(self.activation, self.input, self.parameter)


class LimitsProfile(ProfileModel):
    """What a split must keep."""

    forbid_raw_input: bool = False
    minimum_depth: Annotated[int, Field(ge=0, le=100_000)] = 0
    latency_seconds: Positive | None = None
    energy_joules: Positive | None = None

    @property
    def limits(self) -> Limits:
        """Return what the planner takes."""
        return Limits(self.forbid_raw_input, self.minimum_depth, self.latency_seconds or inf, self.energy_joules or inf)


class HopLink(LinkProfile):
    """What carries data, and how long every tensor takes beside its transfer."""

    delay_seconds: NonNegative = 0.0

    @property
    def hop(self) -> Hop:
        """Return what the planner takes: the way towards the network."""
        return Hop(self.uplink, self.delay_seconds)


class SideProfile(PlatformProfile):
    """What computes a part of the model."""

    memory_bytes: Positive | None = None

    def side(self, name: str) -> Side:
        """Return what the planner takes."""
        return Side(name, self.platform, self.memory_bytes or inf)


class LinkedSide(SideProfile):
    """A side by name, with the link that leads to it."""

    name: Name
    link: HopLink

    @property
    def named(self) -> Side:
        """Return what the planner takes."""
        return self.side(self.name)
