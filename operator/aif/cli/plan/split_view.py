"""Plans of the split planner as tables and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType

from aif.cli.output import grid
from aif.cli.si import share, si

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Json = dict[str, Any]
_UNITS = {"Latency": "s", "Energy": "J", "Throughput": "s between results"}
_PARTS = ("user", "transfer", "network")


def view(structure: Json) -> RenderableType:
    """Return a plan as people read it."""
    if "vertical" in structure:
        return _vertical(structure["vertical"])
    return _path(structure) if "path" in structure else _cuts(structure)


def gain(value: float | None) -> str:
    """Return a gain over the better end."""
    return "no end keeps the limits" if value is None else f"{value:.3g} x better than the better end"


def _cuts(structure: Json) -> RenderableType:
    table = grid("CUT AFTER", "SENDS", "USER", "TRANSFER", "NETWORK", "LATENCY", "ENERGY", "")
    best, unit = structure["best"], _UNITS[structure["objective"]]
    for cut in _telling(structure["cuts"], best["cut"]):
        mark = "<- best" if cut["name"] == best["cut"] else "" if cut["allowed"] else "breaks a limit"
        times = [si(cut[f"{part}Seconds"], "s") for part in (*_PARTS, "latency")]
        table.add_row(cut["name"], si(cut["transferBits"], "bit"), *times, si(cut["energyJoules"], "J"), mark)
    lines = [f"Best for {structure['objective']}: after {best['cut']}, {si(best['value'], unit)}, {gain(best['gain'])}"]
    if "graph" in structure:
        graph = structure["graph"]
        sent = ", ".join(graph["sent"]) or "nothing"
        lines.append(f"With cuts through blocks: sends {sent}; {si(graph['value'], unit)}, {gain(graph['gain'])}")
    return Group(table, "", *lines)


def _telling(cuts: list[Json], best: str) -> list[Json]:
    """Return the cuts less those that are as the one before in work and data, such as behind an activation."""
    kept = cuts[:1]
    for cut in cuts[1:]:
        same = all(cut[key] == kept[-1][key] for key in ("userFlop", "transferBits", "allowed"))
        if cut["name"] == best or not same:
            kept.append(cut)
    return kept


def _path(structure: Json) -> RenderableType:
    path, table = structure["path"], grid("SIDE", "AFTER", "UP TO", "COMPUTES", "TIME", "SENDS", "TRANSFER")
    for part in path["parts"]:
        idle = part["after"] == part["upTo"]
        layers = ("-", "-") if idle else (part["after"], part["upTo"])
        work = (si(part["flop"], "FLOP"), si(part["seconds"], "s"))
        table.add_row(part["side"], *layers, *work, si(part["sendsBits"], "bit"), si(part["sendSeconds"], "s"))
    told = f"{structure['objective']}: {si(path['value'], _UNITS[structure['objective']])}, {gain(path['gain'])}"
    return Group(table, "", told)


def _vertical(plan: Json) -> RenderableType:
    table = grid("PEER", "ROWS", "THE REST")
    for one in plan["shares"]:
        table.add_row(one["peer"], share(one["share"]), "yes" if one["peer"] == plan["rest"] else "")
    exchanges = len(plan["exchanges"]) - 1
    told = f"{si(plan['seconds'], 's')}, {exchanges} exchanges of halos, {gain(plan['gain'])}"
    return Group(table, "", told)


def paint(structure: Json, figure: Figure) -> None:
    """Draw where the time passes: per cut, per side, or per stage."""
    axes = figure.subplots()
    if "cuts" in structure:
        names = [cut["name"] for cut in structure["cuts"]]
        base = [0.0] * len(names)
        for part in _PARTS:
            heights = [1e3 * cut[f"{part}Seconds"] for cut in structure["cuts"]]
            axes.bar(range(len(names)), heights, bottom=base, label=part, width=0.9)
            base = [low + height for low, height in zip(base, heights, strict=True)]
        axes.axvline(names.index(structure["best"]["cut"]), color="black", linestyle=":", label="best")
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=6)
    elif "path" in structure:
        parts = structure["path"]["parts"]
        for key, label in (("seconds", "computes"), ("sendSeconds", "sends")):
            axes.bar([part["side"] for part in parts], [1e3 * part[key] for part in parts], label=label)
    else:
        plan = structure["vertical"]
        names = [*plan["exchanges"], "rest"]
        axes.bar(names, [1e3 * one for one in (*plan["stageSeconds"], plan["restSeconds"])], label="slowest peer")
        axes.tick_params(axis="x", labelrotation=90, labelsize=6)
    axes.set_ylabel("time (ms)")
    axes.legend()
