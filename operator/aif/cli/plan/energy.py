"""`aif plan energy`: devices, shares of the load and hours by energy or carbon, where time and budget allow."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group, RenderableType

from aif.cli.files.profiles import load
from aif.cli.output import Output, grid, show
from aif.cli.plan.energy_profiles import DeviceProfile, EnergyProfile, JobProfile, Objective
from aif.cli.plots import draw
from aif.cli.si import share, si
from aif.planning import energy
from aif.planning.arrays import FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Json = dict[str, Any]


_UNITS = {Objective.ENERGY: "J", Objective.CARBON: "g"}


@dataclass(frozen=True, slots=True, eq=False)
class _Figures:
    """What a request takes on each of n devices, [n]."""

    seconds: FloatArray
    joules: FloatArray
    grams: FloatArray
    efficiency: FloatArray
    capacity: FloatArray


def run(path: str, output: Output, plot: str) -> None:
    """Print what the profile ``path`` costs where and when, and draw it to ``plot``.

    Raises:
        InvalidInput: The profile cannot be read or breaks a rule, or the picture cannot be drawn.
    """
    structure = planned(load(path, EnergyProfile))
    draw(plot, lambda figure: paint(structure, figure))
    show(structure, output, lambda _: view(structure))


def planned(profile: EnergyProfile) -> Json:
    """Return the choice of the device, the shares of the load, and the hours of the job."""
    structure: Json = {"objective": str(profile.objective)}
    if profile.devices is not None and profile.flop_per_request is not None:
        structure |= _requests(profile, profile.devices, _figures(profile, profile.devices, profile.flop_per_request))
    return structure | ({} if profile.job is None else {"job": _hours(profile.job)})


def _figures(profile: EnergyProfile, devices: list[DeviceProfile], flop: float) -> _Figures:
    rate, watts, carbon, way, way_joules, servers = np.array(
        [
            (
                one.flop_per_second,
                one.watts,
                one.carbon_kg_per_kwh,
                one.transfer_seconds,
                one.transfer_joules,
                one.servers,
            )
            for one in devices
        ]
    ).T
    compute, worth = flop / rate, energy.efficiency(rate, watts)
    joules = way_joules + flop / worth
    seconds = way + compute
    in_time = seconds <= (profile.limits.deadline_seconds or inf)
    capacity = np.where(in_time, profile.limits.utilisation * servers / compute, 0.0)
    return _Figures(seconds, joules, energy.emission(joules, carbon), worth, capacity)


def _requests(profile: EnergyProfile, devices: list[DeviceProfile], figures: _Figures) -> Json:
    names = [device.name for device in devices]
    unit, deadline = _UNITS[profile.objective], profile.limits.deadline_seconds or inf
    cost = figures.joules if profile.objective is Objective.ENERGY else figures.grams
    budget, period = profile.budget("request"), profile.budget("period")
    best = energy.thriftiest(figures.seconds, cost, deadline=deadline, budget=budget, unit=unit)
    shares = energy.merit_order(profile.requests_per_second or 0.0, figures.capacity, cost)
    granted = energy.requests_within(period, cost) if isfinite(period) else np.full(len(cost), inf)
    rows = [
        {
            "name": name,
            "seconds": float(figures.seconds[row]),
            "joules": float(figures.joules[row]),
            "grams": float(figures.grams[row]),
            "flopPerJoule": float(figures.efficiency[row]),
            "inTime": bool(figures.seconds[row] <= deadline),
            "requestsPerSecond": float(shares[row]),
            "requestsPerPeriod": float(granted[row]) if isfinite(granted[row]) else None,
        }
        for row, name in enumerate(names)
    ]
    found = {"devices": rows, "chosen": _choice(best, names)}
    if isfinite(budget):
        found["fastestWithinBudget"] = _choice(energy.fastest_within(figures.seconds, cost, budget, unit), names)
    if profile.requests_per_second is not None:
        found["load"] = _load(profile.requests_per_second, shares, figures)
    return found


def _choice(choice: energy.Choice, names: list[str]) -> Json:
    found = choice.device != energy.NOWHERE
    return {
        "device": names[choice.device] if found else None,
        "seconds": choice.seconds if found else None,
        "cost": choice.cost if found else None,
        "reason": choice.reason,
    }


def _load(asked: float, shares: FloatArray, figures: _Figures) -> Json:
    """Return what the whole load takes, beside an equal fill of all devices that are in time."""
    room = float(figures.capacity.sum())
    even = figures.capacity * (min(1.0, asked / room) if room > 0.0 else 0.0)
    return {
        "requestsPerSecond": asked,
        "served": float(shares.sum()),
        **{
            f"{key}{suffix}": float(part @ values)
            for suffix, part in (("", shares), ("WhenEven", even))
            for key, values in (("joulesPerSecond", figures.joules), ("gramsPerSecond", figures.grams))
        },
    }


def _hours(job: JobProfile) -> Json:
    forecast = job.carbon_kg_per_kwh
    first, mean = energy.greenest_start(forecast, job.slots, job.deadline_slot)
    chosen = energy.greenest_slots(forecast, job.slots, job.deadline_slot)
    pausing, at_once = float(np.mean(np.array(forecast)[chosen])), float(np.mean(forecast[: job.slots]))
    return {
        "atOnce": {"slots": list(range(job.slots)), "kgPerKWh": at_once, "grams": job.grams(at_once)},
        "inOnePiece": {
            "slots": list(range(first, first + job.slots)),
            "kgPerKWh": mean,
            "grams": job.grams(mean),
        },
        "withPauses": {"slots": chosen.tolist(), "kgPerKWh": pausing, "grams": job.grams(pausing)},
    }


def view(structure: Json) -> RenderableType:
    """Return a row per device with the choice below, and a row per way to time the job."""
    parts: list[RenderableType] = []
    if "devices" in structure:
        parts += _devices_view(structure)
    if "job" in structure:
        table = grid("JOB", "SLOTS", "INTENSITY", "EMISSION")
        for name, label in (("atOnce", "at once"), ("inOnePiece", "in one piece"), ("withPauses", "with pauses")):
            row = structure["job"][name]
            table.add_row(label, _ranges(row["slots"]), f"{row['kgPerKWh']:.3g} kg/kWh", si(row["grams"], "g"))
        parts += ["", table] if parts else [table]
    return Group(*parts)


def _devices_view(structure: Json) -> list[RenderableType]:
    load, chosen = structure.get("load"), structure["chosen"]
    table = grid("DEVICE", "TIME", "ENERGY", "EMISSION", "EFFICIENCY", "IN TIME", "LOAD", "PER PERIOD")
    for row in structure["devices"]:
        table.add_row(
            row["name"],
            si(row["seconds"], "s"),
            si(row["joules"], "J"),
            si(row["grams"], "g"),
            si(row["flopPerJoule"], "FLOP/J"),
            "yes" if row["inTime"] else "no",
            f"{row['requestsPerSecond']:.4g}/s" if load else "-",
            "-" if row["requestsPerPeriod"] is None else si(row["requestsPerPeriod"], "requests"),
        )
    told = [f"{chosen['device'] or 'none'}: {chosen['reason']}"]
    if "fastestWithinBudget" in structure:
        fast = structure["fastestWithinBudget"]
        told.append(f"{fast['device'] or 'none'}: {fast['reason']}")
    if load:
        kind, unit = ("joules", "J") if structure["objective"] == Objective.ENERGY else ("grams", "g")
        least, even = load[f"{kind}PerSecond"], load[f"{kind}PerSecondWhenEven"]
        saved = f", {share(1.0 - least / even)} less than an even fill" if even > 0.0 else ""
        told.append(
            f"{load['served']:.4g} of {load['requestsPerSecond']:.4g} requests/s served for {si(least, unit)}/s{saved}"
        )
    return [table, "", *told]


def _ranges(slots: list[int]) -> str:
    """Return slots as people write them, such as ``3-5, 7``."""
    groups: list[list[int]] = []
    for slot in slots:
        if groups and slot == groups[-1][-1] + 1:
            groups[-1].append(slot)
        else:
            groups.append([slot])
    return ", ".join(str(one[0]) if len(one) == 1 else f"{one[0]}-{one[-1]}" for one in groups)


def paint(structure: Json, figure: Figure) -> None:
    """Draw time against energy or carbon of each device; of a job alone, what each way to time it emits."""
    axes = figure.subplots()
    if "devices" not in structure:
        ways = structure["job"]
        axes.bar(["at once", "in one piece", "with pauses"], [row["grams"] for row in ways.values()])
        axes.set_ylabel("emission (g)")
        return
    key, label = ("joules", "energy (J)") if structure["objective"] == Objective.ENERGY else ("grams", "emission (g)")
    for row in structure["devices"]:
        axes.plot(row["seconds"], row[key], "o" if row["inTime"] else "x", label=row["name"])
    axes.set_xscale("log")
    axes.set_xlabel("time of a request (s)")
    axes.set_ylabel(f"{label} of a request")
    axes.legend()
