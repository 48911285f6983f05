"""Figures of merit as tables and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table

from aif.cli.output import grid
from aif.cli.si import share, si

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Json = dict[str, Any]

_PARTS = (("userSeconds", "user"), ("transferSeconds", "transfer"), ("networkSeconds", "network"))


def inference(structure: Json) -> RenderableType:
    """Return a row per cut, and density and coverage below."""
    table = grid("CUT", "ACCURACY", "USER", "TRANSFER", "NETWORK", "LATENCY", "ENERGY", "EFFICIENCY", "CO2E")
    for cut in structure["cuts"]:
        times = (*(cut[part] for part, _ in _PARTS), cut["latencySeconds"])
        table.add_row(
            cut["name"],
            share(cut["accuracy"]),
            *(si(seconds, "s") for seconds in times),
            si(cut["energyJoules"], "J"),
            si(cut["energyEfficiencyBitPerJoule"], "bit/J"),
            si(cut["carbonGrams"], "g"),
        )
    return Group(table, *_area(structure))


def training(structure: Json) -> RenderableType:
    """Return a row for a sample, the parts of a round, and the whole."""
    sample, one, total = structure["perSample"], structure["perRound"], structure["total"]
    efficiency = ("energyEfficiencyBitPerJoule", "totalEnergyEfficiencyBitPerJoule")
    of_sample, of_all = (si(structure[key], "bit/J") for key in efficiency)
    rows = (
        ("sample", sample["computeSeconds"], sample["computeJoules"], of_sample, ""),
        ("round: compute", one["computeSeconds"], one["computeJoules"], "", ""),
        ("round: communication", one["communicationSeconds"], one["communicationJoules"], "", ""),
        ("total", total["seconds"], total["joules"], of_all, si(total["carbonGrams"], "g")),
    )
    table = grid("OF", "TIME", "ENERGY", "EFFICIENCY", "CO2E")
    for name, seconds, joules, *others in rows:
        table.add_row(name, si(seconds, "s"), si(joules, "J"), *others)
    return Group(table, *_area(structure))


def data(structure: Json) -> RenderableType:
    """Return a row per figure."""
    table = Table.grid(padding=(0, 2, 0, 0))
    kept, all_samples = structure["losslessSamples"], structure["samples"]
    table.add_row("completeness", f"{share(structure['completeness'])} ({kept} of {all_samples} samples lost nothing)")
    table.add_row("redundancy", f"{structure['redundancyBits']:.4g} bit")
    table.add_row("redundant", f"{share(structure['redundantShare'])} ({structure['redundantSamples']} of {kept})")
    return table


def paint_inference(structure: Json, figure: Figure) -> None:
    """Draw time, stacked by where it passes, above energy, both per cut."""
    cuts = structure["cuts"]
    names = [cut["name"] for cut in cuts]
    above, below = figure.subplots(2, 1, sharex=True)
    _stack(above, names, {label: [1e3 * cut[part] for cut in cuts] for part, label in _PARTS})
    above.set_ylabel("latency (ms)")
    above.legend(ncols=len(_PARTS))
    below.bar(names, [cut["energyJoules"] for cut in cuts], color="tab:gray")
    below.set_ylabel("energy (J)")
    below.set_xlabel("cut")


def paint_training(structure: Json, figure: Figure) -> None:
    """Draw time and energy of a round, both stacked by compute and communication."""
    for axes, unit, label in zip(figure.subplots(1, 2), ("Seconds", "Joules"), ("time (s)", "energy (J)"), strict=True):
        parts = ("compute", "communication")
        axes.barh(parts, [structure["perRound"][f"{part}{unit}"] for part in parts], color=["tab:blue", "tab:orange"])
        axes.set_xlabel(f"{label} of a round")


def _stack(axes: Axes, names: list[str], parts: dict[str, list[float]]) -> None:
    base = [0.0] * len(names)
    for label, heights in parts.items():
        axes.bar(names, heights, bottom=base, label=label)
        base = [low + height for low, height in zip(base, heights, strict=True)]


def _area(structure: Json) -> list[str]:
    lines = []
    if density := structure.get("density"):
        bounds = [f"radio {si(density['communicationBitPerSecondPerKm2'], 'bit/s/km²')}"]
        if "computeBitPerSecondPerKm2" in density:
            bounds.append(f"compute {si(density['computeBitPerSecondPerKm2'], 'bit/s/km²')}")
        lines.append(f"Service density: {si(density['bitPerSecondPerKm2'], 'bit/s/km²')} ({', '.join(bounds)})")
    if "coverage" in structure:
        lines.append(f"Coverage: {share(structure['coverage'])}")
    return ["", *lines] if lines else []
