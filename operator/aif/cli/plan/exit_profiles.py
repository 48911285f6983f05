"""The profile that `aif plan exit` reads."""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from aif.cli.files.profiles import Count, Name, NonNegative, Positive, ProfileModel, Share
from aif.cli.plan.profiles import BitsProfile, HopLink, ModelProfile, SideProfile
from aif.errors import InvalidInput, InvalidSpec
from aif.planning.arrays import FloatArray
from aif.planning.exits.cascade import CascadeTier, Evaluation
from aif.planning.exits.latency_regression import Line, Measurement, fit, layer_seconds
from aif.planning.exits.plan import Exit
from aif.planning.models.chain import Chain, Limits
from aif.planning.models.graph import ModelGraph


class ExitProfile(ProfileModel):
    """A head behind one of the model's cuts."""

    name: Name
    after: Name
    head_flop: NonNegative = 0.0
    accuracy: Share


class ExitLimits(ProfileModel):
    """What may leave the user's side."""

    forbid_raw_input: bool = False
    minimum_depth: Annotated[int, Field(ge=0, le=100_000)] = 0


class MeasuredLayer(ProfileModel):
    """A layer that was measured on one side."""

    kind: Name
    flop: NonNegative
    bytes: NonNegative
    seconds: Positive


class MeasurementsProfile(ProfileModel):
    """Layers that were measured on both sides."""

    user: Annotated[list[MeasuredLayer], Field(min_length=1)]
    network: Annotated[list[MeasuredLayer], Field(min_length=1)]


class BandwidthProfile(ProfileModel):
    """The history of the link's rate, and how cautiously to plan with it."""

    bit_per_second: Annotated[list[Positive], Field(min_length=1, max_length=5000)]
    quantile: Share = 0.25


class BinProfile(ProfileModel):
    """Requests of which the lower tier was about as sure."""

    confidence: Share
    requests: NonNegative
    lower_accuracy: Share
    upper_accuracy: Share


class CascadeTierProfile(ProfileModel):
    """What answers on one tier."""

    seconds: Positive
    servers: Annotated[Count, Field(le=10_000)] = 1
    joules: NonNegative = 0.0

    @property
    def tier(self) -> CascadeTier:
        """Return what the planner takes."""
        return CascadeTier(self.seconds, self.servers, self.joules)


class CascadeProfile(ProfileModel):
    """Two tiers, and what was seen when both answered the same requests."""

    bins: Annotated[list[BinProfile], Field(min_length=1)]
    lower: CascadeTierProfile
    upper: CascadeTierProfile
    requests_per_second: Positive
    transfer_seconds: NonNegative = 0.0
    minimum_accuracy: Share = 0.0
    latency_seconds: Positive | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        try:
            _ = self.evaluation
        except InvalidSpec as error:
            raise InvalidSpec(f"cascade.{error.field}", error.reason) from error
        return self

    @property
    def evaluation(self) -> Evaluation:
        """Return what the planner takes."""
        columns = ("confidence", "requests", "lower_accuracy", "upper_accuracy")
        return Evaluation(*(np.array([getattr(one, column) for one in self.bins]) for column in columns))


class ExitsProfile(ProfileModel):
    """A model with exits, the sides that may run it, and a deadline; or a cascade of two tiers; or both."""

    model: ModelProfile | None = None
    exits: Annotated[list[ExitProfile], Field(min_length=1, max_length=64)] | None = None
    bits: BitsProfile = BitsProfile()
    limits: ExitLimits = ExitLimits()
    user: SideProfile | None = None
    network: SideProfile | None = None
    link: HopLink | None = None
    deadline_seconds: Positive | None = None
    measurements: MeasurementsProfile | None = None
    bandwidth: BandwidthProfile | None = None
    cascade: CascadeProfile | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        needed = ("model", "exits", "user", "network", "link", "deadline_seconds")
        if self.cascade is not None and all(getattr(self, field) is None for field in needed):
            return self
        for field in needed:
            if getattr(self, field) is None:
                raise InvalidSpec(field.replace("_seconds", "Seconds"), "is required")
        _ = self.planned
        return self

    @property
    def lines(self) -> tuple[dict[str, Line], dict[str, Line]] | None:
        """Return the regressions of both sides; None where rates are to be taken."""
        if self.measurements is None:
            return None
        user, network = (
            fit([Measurement(one.kind, one.flop, one.bytes, one.seconds) for one in side])
            for side in (self.measurements.user, self.measurements.network)
        )
        return user, network

    @property
    def planned(self) -> list[Exit]:
        """Return the exits as the planner takes them.

        Raises:
            InvalidSpec: An exit lies behind no legal cut, or stands twice, or layers were not measured.
        """
        if self.model is None or self.exits is None:
            return []
        chain, graph = self.model.chain(self.bits.encoding), self.model.graph
        user, network = self._prefixes(chain, graph)
        found = []
        for index, one in enumerate(self.exits):
            if one.after not in chain.names:
                raise InvalidSpec(f"exits[{index}].after", f"there is no legal cut after {one.after}")
            if any(one.name == other.name for other in self.exits[:index]):
                raise InvalidSpec(f"exits[{index}].name", f"{one.name} stands twice; name each exit once")
            found.append(self._exit(chain, one, user, network))
        return found

    def _exit(self, chain: Chain, one: ExitProfile, user: FloatArray, network: FloatArray) -> Exit:
        place = chain.names.index(one.after)
        depth = Limits(self.limits.forbid_raw_input, self.limits.minimum_depth).depth
        legal = np.flatnonzero(chain.depths[: place + 1] >= depth)
        head = [self._head_seconds(one.head_flop, side) for side in (0, 1)]
        return Exit(
            name=one.name,
            accuracy=one.accuracy,
            cuts=(*(chain.names[cut] for cut in legal), one.name),
            user_seconds=np.append(user[legal], user[place] + head[0]),
            network_seconds=np.append(network[place] - network[legal] + head[1], 0.0),
            bits=np.append(chain.bits[legal], 0.0),
        )

    def _prefixes(self, chain: Chain, graph: ModelGraph | None) -> tuple[FloatArray, FloatArray]:
        """Return the time before each cut on either side, shape [n] each."""
        if self.user is None or self.network is None:
            raise InvalidSpec("user", "is required")
        if self.lines is None:
            return chain.flops / self.user.flop_per_second, chain.flops / self.network.flop_per_second
        if graph is None:
            raise InvalidSpec("measurements", "need the layers of the model; name one that is known, or give layers")
        try:
            user, network = (np.cumsum(layer_seconds(graph, side))[list(graph.legal_cuts)] for side in self.lines)
        except InvalidSpec:
            raise
        except InvalidInput as error:
            raise InvalidSpec("measurements", error.message) from error
        return user, network

    def _head_seconds(self, flop: float, side: int) -> float:
        """Return the time of a head: that of a linear layer where one was measured."""
        lines, platform = self.lines, (self.user, self.network)[side]
        if lines is not None and "Linear" in lines[side] and flop > 0.0:
            return lines[side]["Linear"].seconds(flop, 0.0)
        return 0.0 if platform is None else flop / platform.flop_per_second
