"""`aif plan offload`: whether a request is computed by the user's device or in the network."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field
from rich.console import Group, RenderableType

from aif.cli.files.profiles import NonNegative, Positive, load
from aif.cli.kpi.profiles import Cut, InferenceModel, InferenceProfile, PlatformProfile
from aif.cli.output import Output, grid, show
from aif.cli.plots import draw
from aif.cli.si import si
from aif.planning.demands import Work
from aif.planning.offload import LocalSide, NetworkSide, choose
from aif.planning.roofline import attainable, compute_seconds, intensity, ridge_point

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Json = dict[str, Any]


class OffloadModel(InferenceModel):
    """A model, and what it moves between device and memory."""

    memory_traffic_bytes: Positive | None = None


class OffloadPlatform(PlatformProfile):
    """What computes on one side, and how fast its memory is."""

    memory_byte_per_second: Positive = inf


class OffloadProfile(InferenceProfile):
    """Both sides, the link, and what the user demands; cuts and carbon may be left out."""

    model: OffloadModel
    user: OffloadPlatform
    network: OffloadPlatform
    cuts: Annotated[list[Cut], Field(default_factory=list)]
    carbon_kg_per_kwh: NonNegative = Field(default=0.0, alias="carbonKgPerKWh")
    latency_demand_seconds: Positive | None = None
    energy_budget_joules: Positive | None = None
    requests_per_second: NonNegative = 0.0

    @property
    def work(self) -> Work:
        """Return the work of a request."""
        return Work(self.model.total_flop, self.model.memory_traffic_bytes or 0.0)


def run(path: str, output: Output, plot: str) -> None:
    """Print which side computes the requests of the profile ``path``, and draw the roofline to ``plot``.

    Raises:
        InvalidInput: The profile cannot be read or breaks a rule, or the picture cannot be drawn.
    """
    profile = load(path, OffloadProfile)
    draw(plot, lambda figure: paint(profile, figure))
    structure = decision(profile)
    show(structure, output, lambda _: view(structure))


def decision(profile: OffloadProfile) -> Json:
    """Return the decision and the times that it rests on."""
    local, network = sides(profile)
    latency, joules = profile.latency_demand_seconds, profile.energy_budget_joules
    choice = choose(local, network, inf if latency is None else latency, inf if joules is None else joules)
    return {
        "decision": str(choice.band),
        "chosen": str(choice.chosen),
        "reason": choice.reason,
        "userSeconds": local.seconds,
        "transferSeconds": network.communication_seconds,
        "networkSeconds": network.compute_seconds,
    }


def sides(profile: OffloadProfile) -> tuple[LocalSide, NetworkSide]:
    """Return what both sides offer to a request."""
    work = profile.work
    here, there = (np.asarray(side.flop_per_second) for side in (profile.user, profile.network))
    near, far = (np.asarray(side.memory_byte_per_second) for side in (profile.user, profile.network))
    seconds = float(compute_seconds(work, here, near))
    local = LocalSide(
        seconds,
        seconds * profile.user.watts,
        float(attainable(here, near, intensity(work))),
        profile.requests_per_second * seconds,
    )
    transfer = float(profile.link.uplink.seconds(profile.model.input_bits))
    remote = float(compute_seconds(work, there, far))
    return local, NetworkSide(transfer, remote, float(attainable(there, far, intensity(work))))


def view(structure: Json) -> RenderableType:
    """Return the decision as people read it."""
    table = grid("SIDE", "TRANSFER", "COMPUTE", "TOTAL")
    user, transfer, network = (structure[f"{part}Seconds"] for part in ("user", "transfer", "network"))
    table.add_row("user", "-", si(user, "s"), si(user, "s"))
    table.add_row("network", si(transfer, "s"), si(network, "s"), si(transfer + network, "s"))
    return Group(table, "", f"{structure['chosen']}: {structure['reason']} (by time: {structure['decision']})")


def paint(profile: OffloadProfile, figure: Figure) -> None:
    """Draw the roofline of each side, and where the work lies on it."""
    axes = figure.subplots()
    work = intensity(profile.work)
    ridges = [float(ridge_point(np.asarray(side.flop_per_second), np.asarray(side.memory_byte_per_second)))
              for side in (profile.user, profile.network)]  # fmt: skip
    marks = [mark for mark in (*ridges, work) if 0.0 < mark < inf] or [1.0]
    span = np.geomspace(min(marks) / 10, max(marks) * 10, 200)
    for name, side in (("user", profile.user), ("network", profile.network)):
        axes.loglog(span, np.minimum(side.flop_per_second, side.memory_byte_per_second * span), label=name)
    if work < inf:
        axes.axvline(work, color="tab:gray", linestyle="--", label="this work")
    axes.set_xlabel("operational intensity (FLOP/byte)")
    axes.set_ylabel("attainable (FLOP/s)")
    axes.legend()
