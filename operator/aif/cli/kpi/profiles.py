"""The profiles that `aif kpi` reads, and what of them goes into the formulas."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from aif.cli.files.profiles import Count, Name, NonNegative, Positive, ProfileModel, Share
from aif.errors import InvalidSpec
from aif.planning.kpi.inference import Channel, Model, Platform
from aif.planning.kpi.training import TrainingWork


class InferenceModel(ProfileModel):
    """A model that may be cut."""

    accuracy: Share
    input_bits: Positive
    total_flop: Positive

    @property
    def model(self) -> Model:
        """Return what the formulas take."""
        return Model(self.accuracy, self.input_bits, self.total_flop)


class Cut(ProfileModel):
    """A place where the model may be divided: what the user's side computes, and what it sends."""

    name: Name
    user_flop: NonNegative
    transfer_bits: NonNegative


class PlatformProfile(ProfileModel):
    """What computes on one side."""

    flop_per_second: Positive
    watts: Positive

    @property
    def platform(self) -> Platform:
        """Return what the formulas take."""
        return Platform(self.flop_per_second, self.watts)


class LinkProfile(ProfileModel):
    """What carries data between both sides; either direction may have a rate of its own."""

    bit_per_second: Positive
    watts: Positive
    reliability: Share = 1.0
    up_bit_per_second: Positive | None = None
    down_bit_per_second: Positive | None = None

    @property
    def channel(self) -> Channel:
        """Return the link at the rate of both directions."""
        return Channel(self.bit_per_second, self.watts, self.reliability)

    @property
    def uplink(self) -> Channel:
        """Return the direction to the network."""
        return Channel(self.up_bit_per_second or self.bit_per_second, self.watts, self.reliability)

    @property
    def downlink(self) -> Channel:
        """Return the direction to the user."""
        return Channel(self.down_bit_per_second or self.bit_per_second, self.watts, self.reliability)


class DensityProfile(ProfileModel):
    """What stands on a square kilometre."""

    sites_per_km2: NonNegative = Field(alias="sitesPerKm2")
    bandwidth_hz: Positive
    spectral_efficiency_bit_per_second_per_hz: Positive
    compute_nodes_per_km2: NonNegative = Field(alias="computeNodesPerKm2")


class Cell(ProfileModel):
    """A part of the area, and what a user gets there."""

    area_km2: Positive = Field(alias="areaKm2")
    bit_per_second: NonNegative
    reliability: Share = 1.0


class CoverageProfile(ProfileModel):
    """An area in cells, and what counts as covered."""

    min_bit_per_second: NonNegative
    min_accuracy: Share
    cells: Annotated[list[Cell], Field(min_length=1)]


class Sides(ProfileModel):
    """What all profiles of inference and training share."""

    user: PlatformProfile
    network: PlatformProfile
    link: LinkProfile
    carbon_kg_per_kwh: NonNegative = Field(alias="carbonKgPerKWh")
    density: DensityProfile | None = None


class InferenceProfile(Sides):
    """A model, the cuts to judge, and both sides."""

    model: InferenceModel
    cuts: Annotated[list[Cut], Field(min_length=1)]
    coverage: CoverageProfile | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        twice = [name for name, times in Counter(cut.name for cut in self.cuts).items() if times > 1]
        for index, cut in enumerate(self.cuts):
            field = f"cuts[{index}]"
            if cut.name in twice[:1] and cut is not next(one for one in self.cuts if one.name == cut.name):
                raise InvalidSpec(f"{field}.name", f"{cut.name} stands twice; name each cut once")
            if index and cut.user_flop < self.cuts[index - 1].user_flop:
                raise InvalidSpec(
                    f"{field}.userFlop",
                    f"is below that of the cut before it, {self.cuts[index - 1].user_flop:g}; list the cuts from "
                    "input to output, each with all FLOP before it",
                )
            if cut.user_flop > self.model.total_flop:
                raise InvalidSpec(f"{field}.userFlop", f"must not exceed model.totalFlop, {self.model.total_flop:g}")
        return self


class TrainedModel(ProfileModel):
    """A model to train."""

    parameters: Positive
    bits_per_parameter: Positive
    flop_per_sample: Positive
    input_bits: Positive


class TrainingData(ProfileModel):
    """The samples, of all users together and of each."""

    samples: Count
    samples_per_user: Count


class TrainingProfile(Sides):
    """A training and both sides."""

    model: TrainedModel
    mode: Literal["centralised", "distributed"]
    data: TrainingData
    rounds: Count
    epochs_per_round: Positive = 1.0
    users_per_round: Count

    @property
    def work(self) -> TrainingWork:
        """Return what the formulas take.

        Raises:
            InvalidSpec: A user holds more samples than there are.
        """
        return TrainingWork(
            parameters=self.model.parameters,
            bits_per_parameter=self.model.bits_per_parameter,
            flops_per_sample=self.model.flop_per_sample,
            input_bits=self.model.input_bits,
            samples=self.data.samples,
            samples_per_user=self.data.samples_per_user,
            rounds=self.rounds,
            epochs_per_round=self.epochs_per_round,
            users_per_round=self.users_per_round,
        )

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        _ = self.work
        return self


_Value = Annotated[float, Field(ge=-1e30, le=1e30)] | None


class DataProfile(ProfileModel):
    """Samples, a row each; null where a value was lost."""

    samples: Annotated[list[Annotated[list[_Value], Field(min_length=1)]], Field(min_length=1)]
    epsilon: Annotated[float, Field(ge=0.0, le=2.0)]
    levels: Annotated[int, Field(ge=2, le=65536)] | None = None

    @model_validator(mode="after")
    def _of_one_length(self) -> Self:
        length = len(self.samples[0])
        for index, sample in enumerate(self.samples):
            if len(sample) != length:
                raise InvalidSpec(f"samples[{index}]", f"holds {len(sample)} values, samples[0] holds {length}")
        return self
