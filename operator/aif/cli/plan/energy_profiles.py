"""What `aif plan energy` reads: devices and the way to them, limits, and work that may wait."""

from __future__ import annotations

from enum import StrEnum
from math import inf
from typing import Annotated, Self

from pydantic import Field, model_validator

from aif.cli.files.profiles import Count, Name, NonNegative, Positive, ProfileModel
from aif.errors import InvalidSpec
from aif.planning import energy


class Objective(StrEnum):
    """What is to be least."""

    ENERGY = "energy"
    CARBON = "carbon"


class DeviceProfile(ProfileModel):
    """A device, the grid that feeds it, and the way of a request to it."""

    name: Name
    flop_per_second: Positive
    watts: Positive
    carbon_kg_per_kwh: NonNegative = Field(alias="carbonKgPerKWh")
    transfer_seconds: NonNegative = 0.0
    transfer_joules: NonNegative = 0.0
    servers: Count = 1


class LimitsProfile(ProfileModel):
    """What a request may take, and what a period may."""

    deadline_seconds: Positive | None = None
    joules_per_request: NonNegative | None = None
    grams_per_request: NonNegative | None = None
    joules_per_period: NonNegative | None = None
    grams_per_period: NonNegative | None = None
    utilisation: Annotated[Positive, Field(le=1.0)] = 0.8


class JobProfile(ProfileModel):
    """Work of constant power that may wait for a cleaner hour."""

    watts: Positive
    slot_seconds: Positive
    slots: Count
    carbon_kg_per_kwh: Annotated[list[NonNegative], Field(alias="carbonKgPerKWh", min_length=1, max_length=100_000)]
    deadline_slot: Count | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        slots = min(self.deadline_slot or inf, len(self.carbon_kg_per_kwh))
        if self.slots > slots:
            raise InvalidSpec("job.slots", f"must be at most the {slots} slots before the deadline, not {self.slots}")
        return self

    def grams(self, mean: float) -> float:
        """Return the emission of the work at a mean intensity in kg/kWh."""
        return float(energy.emission(self.watts * self.slot_seconds * self.slots, mean))


class EnergyProfile(ProfileModel):
    """A request and the devices that may serve it, or a job and the forecast of the grid; or both."""

    objective: Annotated[Objective, Field(strict=False)] = Objective.ENERGY
    flop_per_request: Positive | None = None
    requests_per_second: NonNegative | None = None
    devices: Annotated[list[DeviceProfile], Field(min_length=1, max_length=10_000)] | None = None
    limits: LimitsProfile = LimitsProfile()
    job: JobProfile | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.job is None and self.devices is None:
            raise InvalidSpec("devices", "is required, unless there is a job")
        if (self.devices is None) != (self.flop_per_request is None):
            missing = "devices" if self.devices is None else "flopPerRequest"
            raise InvalidSpec(missing, "is required: devices are judged by the work of a request")
        other = "grams" if self.objective is Objective.ENERGY else "joules"
        for period in ("request", "period"):
            if getattr(self.limits, f"{other}_per_{period}") is not None:
                needed = Objective.CARBON if other == "grams" else Objective.ENERGY
                raise InvalidSpec(f"limits.{other}Per{period.title()}", f"is judged where objective is {needed}")
        names = [device.name for device in self.devices or ()]
        for number, name in enumerate(names):
            if names.index(name) != number:
                raise InvalidSpec(f"devices[{number}].name", f"{name} stands already in devices[{names.index(name)}]")
        return self

    def budget(self, period: str) -> float:
        """Return what a ``request`` or a ``period`` may take, in the unit of the objective; infinite without one."""
        kind = "joules" if self.objective is Objective.ENERGY else "grams"
        given: float | None = getattr(self.limits, f"{kind}_per_{period}")
        return inf if given is None else given
