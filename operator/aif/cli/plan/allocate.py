"""`aif plan allocate`: bandwidth, compute and compression of the tasks of one site, jointly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf, nan
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

import numpy as np
from pydantic import Field, model_validator
from rich.console import Group, RenderableType

from aif.cli.files.profiles import Count, InvalidProfile, Name, NonNegative, Positive, ProfileModel, Share, load, titled
from aif.cli.output import Output, grid, show
from aif.cli.plots import draw
from aif.cli.si import share, si
from aif.errors import InvalidSpec
from aif.planning.allocation.baselines import BASELINES
from aif.planning.allocation.joint import Allocation, Site, Tasks, Unattainable, allocate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Json = dict[str, Any]
_LABELS: Final = {
    "joint": "joint",
    "fixedChannel": "fixed channel (FC)",
    "averageCompute": "average compute (AC)",
    "withoutCompression": "without compression (WCR)",
    "blindToParallelism": "blind to parallelism",
}


class SiteProfile(ProfileModel):
    """What the tasks share."""

    hertz: Positive
    flop_per_second: Positive
    degradation: NonNegative = 0.0
    parallel_tasks: Count | None = None


class AccuracyProfile(ProfileModel):
    """Accuracy as a function of the share a of the data that is kept, p - q·a^(-r)."""

    p: Annotated[Positive, Field(le=1.0)]
    q: Positive
    r: Positive


class TaskProfile(ProfileModel):
    """A task, its limits, and what accuracy and time are worth."""

    name: Name
    input_bits: Positive
    total_flop: Positive
    bit_per_second_per_hertz: Positive
    accuracy: AccuracyProfile
    utility_per_accuracy: Positive = 1.0
    utility_per_second: Positive = 1.0
    latency_limit_seconds: Positive | None = None
    accuracy_floor: Share = 0.0
    smallest_share: Annotated[Positive, Field(le=1.0)] = 0.01


class AllocationProfile(ProfileModel):
    """A site and its tasks."""

    site: SiteProfile
    tasks: Annotated[list[TaskProfile], Field(min_length=1, max_length=100_000)]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        first: dict[str, int] = {}
        for number, task in enumerate(self.tasks):
            if first.setdefault(task.name, number) != number:
                raise InvalidSpec(f"tasks[{number}].name", f"{task.name} stands already in tasks[{first[task.name]}]")
        return self


def run(path: str, output: Output, plot: str) -> None:
    """Print what each task of the profile ``path`` gets, and draw utility over compute to ``plot``.

    Raises:
        InvalidInput: The profile cannot be read or breaks a rule, or the picture cannot be drawn.
    """
    profile = load(path, AllocationProfile)
    tasks, site = arrays(profile)
    try:
        structure = planned(profile, tasks, site)
    except InvalidSpec as error:
        raise InvalidProfile(titled(path), [(error.field, error.reason)]) from error
    draw(plot, lambda figure: paint(tasks, site, figure))
    show(structure, output, lambda _: view(structure))


def arrays(profile: AllocationProfile) -> tuple[Tasks, Site]:
    """Return the profile as the planner takes it."""
    site = profile.site
    columns = [
        (
            task.input_bits,
            task.total_flop,
            task.bit_per_second_per_hertz,
            task.accuracy.p,
            task.accuracy.q,
            task.accuracy.r,
            task.utility_per_second,
            task.utility_per_accuracy,
            task.latency_limit_seconds or inf,
            task.accuracy_floor,
            task.smallest_share,
        )
        for task in profile.tasks
    ]
    return Tasks(*np.array(columns).T), Site(site.hertz, site.flop_per_second, site.degradation, site.parallel_tasks)


def planned(profile: AllocationProfile, tasks: Tasks, site: Site) -> Json:
    """Return the allocation, its certificate, and the utility of what it is compared with."""
    best = allocate(tasks, site)
    rates = best.hertz * tasks.efficiency
    return {
        "tasks": [
            {
                "name": task.name,
                "share": float(best.share[row]),
                "hertz": float(best.hertz[row]),
                "bitPerSecond": float(rates[row]),
                "flopPerSecond": float(best.flops[row]),
                "seconds": float(best.seconds[row]),
                "accuracy": float(best.accuracy[row]),
            }
            for row, task in enumerate(profile.tasks)
        ],
        "utility": best.utility,
        "utilityBound": best.bound,
        "utilityPerHertz": best.hertz_price,
        "utilityPerFlopPerSecond": best.flops_price,
        "baselines": {name: _compared(name, tasks, site) for name in BASELINES},
    }


def _compared(name: str, tasks: Tasks, site: Site) -> Json:
    try:
        made = BASELINES[name](tasks, site)
    except Unattainable as error:
        return {"utility": None, "limitsKept": False, "reason": error.message}
    return {"utility": made.utility, "limitsKept": bool(made.kept.all())}


def view(structure: Json) -> RenderableType:
    """Return a row per task, then a row per way to allocate."""
    table = grid("TASK", "SHARE", "BAND", "RATE", "COMPUTE", "LATENCY", "ACCURACY")
    for task in structure["tasks"]:
        table.add_row(
            task["name"],
            share(task["share"]),
            si(task["hertz"], "Hz"),
            si(task["bitPerSecond"], "bit/s"),
            si(task["flopPerSecond"], "FLOP/s"),
            si(task["seconds"], "s"),
            share(task["accuracy"]),
        )
    ways = grid("ALLOCATION", "UTILITY", "LIMITS")
    ways.add_row(_LABELS["joint"], f"{structure['utility']:.6g}", "kept")
    for name, row in structure["baselines"].items():
        utility = "-" if row["utility"] is None else f"{row['utility']:.6g}"
        ways.add_row(_LABELS[name], utility, "kept" if row["limitsKept"] else "not kept")
    gap = abs(structure["utilityBound"] - structure["utility"])
    return Group(table, "", ways, "", f"No allocation is better by more than {max(gap, 1e-9):.0e} (dual bound).")


def paint(tasks: Tasks, site: Site, figure: Figure) -> None:
    """Draw the utility of each way to allocate from a quarter to four times the compute of the site."""
    axes = figure.subplots()
    rates = site.flops * np.geomspace(0.25, 4.0, 41)
    for name, way in {"joint": allocate, **BASELINES}.items():
        utilities = [_utility(way, tasks, replace(site, flops=float(rate))) for rate in rates]
        axes.plot(rates, utilities, label=_LABELS[name])
    axes.set_xscale("log")
    axes.set_xlabel("compute of the site (FLOP/s)")
    axes.set_ylabel("utility")
    axes.legend()


def _utility(way: Callable[[Tasks, Site], Allocation], tasks: Tasks, site: Site) -> float:
    """Return NaN, which leaves a gap in the picture, where the limits cannot be kept."""
    try:
        return way(tasks, site).utility
    except Unattainable:
        return nan
