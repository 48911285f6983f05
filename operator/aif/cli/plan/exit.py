"""`aif plan exit`: which exit answers in time, where to cut before it, and when an unsure answer goes one tier up."""

from __future__ import annotations

from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group, RenderableType

from aif.cli.files.profiles import answered, load
from aif.cli.output import Output, grid, show
from aif.cli.plan.exit_profiles import CascadeProfile, ExitsProfile
from aif.cli.plots import draw
from aif.cli.si import share, si
from aif.planning.exits.cascade import best_threshold, cascade
from aif.planning.exits.latency_regression import Line
from aif.planning.exits.plan import Exit, plan_exits
from aif.planning.exits.replay import Fared, replay

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Json = dict[str, Any]


def run(path: str, output: Output, plot: str) -> None:
    """Print which exit and cut the profile ``path`` leads to, and draw accuracy over the link's rate to ``plot``.

    Raises:
        InvalidInput: The profile cannot be read or breaks a rule, or the picture cannot be drawn.
    """
    profile = load(path, ExitsProfile)
    structure = answered(path, profile, plan)
    draw(plot, lambda figure: paint(profile, figure))
    show(structure, output, lambda _: view(structure))


def plan(profile: ExitsProfile) -> Json:
    """Return exit and cut, how plans fare on the history of the link, the regressions and the cascade, as given."""
    structure: Json = {}
    exits = profile.planned
    if exits and profile.link is not None and profile.deadline_seconds is not None:
        hop, deadline = profile.link.hop, profile.deadline_seconds
        structure |= _exits(exits, hop.rate, deadline, hop.delay_seconds)
        if profile.bandwidth is not None:
            structure["link"] = _link(profile, exits, hop.rate, deadline)
    if profile.lines is not None:
        sides = zip(("user", "network"), profile.lines, strict=True)
        structure["regression"] = {name: {kind: _line(line) for kind, line in lines.items()} for name, lines in sides}
    if profile.cascade is not None:
        structure["cascade"] = _cascade(profile.cascade)
    return structure


def _exits(exits: list[Exit], rate: float, deadline: float, delay: float) -> Json:
    best = plan_exits(exits, rate, deadline, delay)
    chosen = exits[int(best.exits[0])]
    rows = []
    for one in exits:
        own = plan_exits([one], rate, deadline, delay)
        rows.append(
            {
                "exit": one.name,
                "accuracy": one.accuracy,
                "cut": one.cuts[int(own.cuts[0])],
                "latencySeconds": float(own.seconds[0]),
                "inTime": bool(own.in_time[0]),
            }
        )
    return {
        "exit": chosen.name,
        "cut": chosen.cuts[int(best.cuts[0])],
        "accuracy": chosen.accuracy,
        "latencySeconds": float(best.seconds[0]),
        "inTime": bool(best.in_time[0]),
        "exits": rows,
    }


def _link(profile: ExitsProfile, exits: list[Exit], declared: float, deadline: float) -> Json:
    if profile.bandwidth is None or profile.link is None:
        return {}
    rates, quantile = np.array(profile.bandwidth.bit_per_second), profile.bandwidth.quantile
    delay = profile.link.delay_seconds
    found = replay(exits, rates, declared, deadline, delay, quantile)
    ends = (*found.segments.starts, len(rates))
    planned = [float(np.quantile(rates[begin:end], quantile)) for begin, end in pairwise(ends)]
    plans = plan_exits(exits, planned, deadline, delay)
    states = [
        {
            "from": begin,
            "to": end,
            "bitPerSecond": planned[row],
            "exit": exits[int(plans.exits[row])].name,
            "cut": exits[int(plans.exits[row])].cuts[int(plans.cuts[row])],
            "inTime": bool(plans.in_time[row]),
        }
        for row, (begin, end) in enumerate(pairwise(ends))
    ]
    ways = {"static": found.static, "changing": found.changing, "foresight": found.foresight}
    return {"states": states, **{name: _fared(one) for name, one in ways.items()}}


def _fared(fared: Fared) -> Json:
    return {"inTimeShare": fared.in_time, "accuracy": fared.accuracy, "changes": fared.changes}


def _line(line: Line) -> Json:
    return {
        "baseSeconds": line.base,
        "secondsPerFlop": line.per_flop,
        "secondsPerByte": line.per_byte,
        "rSquared": line.r_squared,
        "measurements": line.measurements,
    }


def _cascade(profile: CascadeProfile) -> Json:
    lower, upper = profile.lower.tier, profile.upper.tier
    found = cascade(profile.evaluation, lower, upper, profile.requests_per_second, profile.transfer_seconds)
    best = best_threshold(found, profile.minimum_accuracy, profile.latency_seconds or inf)
    columns = {
        "confidence": found.thresholds,
        "shareUp": found.share_up,
        "accuracy": found.accuracy,
        "lowerUtilisation": found.lower_utilisation,
        "upperUtilisation": found.upper_utilisation,
        "meanSeconds": found.mean_seconds,
        "upperSeconds": found.upper_seconds,
        "meanJoules": found.mean_joules,
    }
    rows = [
        {key: float(column[row]) if np.isfinite(column[row]) else None for key, column in columns.items()}
        for row in range(len(found.thresholds))
    ]
    return {**rows[best], "thresholds": rows}


def view(structure: Json) -> RenderableType:
    """Return a plan as people read it."""
    parts: list[RenderableType] = []
    if "exits" in structure:
        parts += _exits_view(structure)
    if "link" in structure:
        parts += ["", *_link_view(structure["link"])]
    if "regression" in structure:
        parts += ["", _regression_view(structure["regression"])]
    if "cascade" in structure:
        parts += [*([""] if parts else []), *_cascade_view(structure["cascade"])]
    return Group(*parts)


def _exits_view(structure: Json) -> list[RenderableType]:
    table = grid("EXIT", "ACCURACY", "CUT AFTER", "LATENCY", "")
    for one in structure["exits"]:
        mark = "<- chosen" if one["exit"] == structure["exit"] else "" if one["inTime"] else "late"
        table.add_row(one["exit"], share(one["accuracy"]), one["cut"], si(one["latencySeconds"], "s"), mark)
    return [table] if structure["inTime"] else [table, "", "No exit is in time; this is the quickest."]


def _link_view(link: Json) -> list[RenderableType]:
    states = grid("SAMPLES", "RATE", "EXIT", "CUT AFTER")
    for state in link["states"]:
        span = f"{state['from']} - {state['to'] - 1}"
        states.add_row(span, si(state["bitPerSecond"], "bit/s"), state["exit"], state["cut"])
    fared = grid("PLAN", "IN TIME", "ACCURACY", "CHANGES")
    for name in ("static", "changing", "foresight"):
        one = link[name]
        fared.add_row(name, share(one["inTimeShare"]), share(one["accuracy"]), str(one["changes"]))
    return [states, "", fared]


def _regression_view(regression: Json) -> RenderableType:
    table = grid("SIDE", "KIND", "BASE", "PER GFLOP", "PER MB", "R2", "MEASURED")
    for side, lines in regression.items():
        for kind, line in lines.items():
            times = (line["baseSeconds"], 1e9 * line["secondsPerFlop"], 1e6 * line["secondsPerByte"])
            told = f"{line['rSquared']:.3f}", str(line["measurements"])
            table.add_row(side, kind, *(si(seconds, "s") for seconds in times), *told)
    return table


def _cascade_view(plan: Json) -> list[RenderableType]:
    table = grid("BELOW", "GO UP", "ACCURACY", "LOWER BUSY", "UPPER BUSY", "MEAN TIME", "MEAN ENERGY", "")
    for row in plan["thresholds"]:
        busy = share(row["lowerUtilisation"]), share(row["upperUtilisation"])
        time = "overload" if row["meanSeconds"] is None else si(row["meanSeconds"], "s")
        mark = "<- chosen" if row["confidence"] == plan["confidence"] and row["shareUp"] == plan["shareUp"] else ""
        shares = share(row["shareUp"]), share(row["accuracy"])
        table.add_row(f"{row['confidence']:.2f}", *shares, *busy, time, si(row["meanJoules"], "J"), mark)
    return [table]


def paint(profile: ExitsProfile, figure: Figure) -> None:
    """Draw the accuracy that is in time over the rate of the link; or accuracy over mean time of a cascade."""
    axes = figure.subplots()
    if profile.planned and profile.link is not None and profile.deadline_seconds is not None:
        rates = np.geomspace(profile.link.hop.rate / 100, profile.link.hop.rate * 100, 400)
        plans = plan_exits(profile.planned, rates, profile.deadline_seconds, profile.link.delay_seconds)
        axes.semilogx(rates, np.where(plans.in_time, plans.accuracy, np.nan), drawstyle="steps-mid")
        axes.axvline(profile.link.hop.rate, color="tab:gray", linestyle=":")
        axes.set_xlabel("rate of the link (bit/s)")
        axes.set_ylabel("accuracy in time")
    elif profile.cascade is not None:
        rows = [row for row in _cascade(profile.cascade)["thresholds"] if row["meanSeconds"] is not None]
        axes.plot([1e3 * row["meanSeconds"] for row in rows], [row["accuracy"] for row in rows], marker="o")
        axes.set_xlabel("mean time (ms)")
        axes.set_ylabel("accuracy")
