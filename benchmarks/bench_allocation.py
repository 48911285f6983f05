"""Joint allocation: exact, how fast, and above simpler ways; and the shapes of the published curves.

Usage: ``python benchmarks/bench_allocation.py [--tasks N] [--rounds N] [--output table|json]``

* ``difference``: relative difference of the utility from that of the geometric programme, which Clarabel solves as a
  cone programme (the highest over several draws, with and without latency limits).
* ``milliseconds``: time of one allocation of so many tasks, limits and checks of the input included, beside Clarabel's.
* ``baselines``: utility of each simpler way to allocate, as a share of the best.
* ``shapes``: where the utility peaks over compute, how it falls with the degradation, and what bandwidth changes, with
  p, q, r and d as printed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import replace
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table
from tests.planning.allocation import shapes
from tests.planning.allocation.geometric_programme import highest_utility, some_tasks

from aif.planning.allocation.baselines import BASELINES
from aif.planning.allocation.joint import Unattainable, allocate

DRAWS: Final = 5
PROGRAMME_TASKS: Final = (1, 10, 100)
DEGRADATIONS: Final = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
CYCLES: Final = np.arange(20, 501, 20) * 1e9


def difference() -> list[dict[str, float]]:
    """How far the utility is from that of the geometric programme."""
    rows = []
    for count in PROGRAMME_TASKS:
        worst, ours, theirs = 0.0, [], []
        for seed in range(DRAWS):
            tasks, site = some_tasks(count, seed)
            if seed % 2:
                tasks = replace(tasks, latency_limit=allocate(tasks, site).seconds * np.where(tasks.decay > 1, 1, 2))
            started = time.perf_counter()
            utility = allocate(tasks, site).utility
            middle = time.perf_counter()
            reference = highest_utility(tasks, site)
            ours.append(middle - started)
            theirs.append(time.perf_counter() - middle)
            worst = max(worst, abs(utility - reference) / abs(reference))
        times = (1e3 * statistics.median(part) for part in (ours, theirs))
        rows.append(
            {"tasks": count, "difference": worst, **dict(zip(("milliseconds", "clarabel"), times, strict=True))}
        )
    return rows


def speed(count: int, rounds: int) -> dict[str, float]:
    """How long an allocation takes."""
    tasks, site = some_tasks(count, 1)
    limited = replace(tasks, latency_limit=allocate(tasks, site).seconds * np.where(tasks.decay > 1.0, 0.95, np.inf))
    times: dict[str, list[float]] = {"milliseconds": [], "millisecondsLimited": []}
    for _ in range(rounds):
        for name, these in (("milliseconds", tasks), ("millisecondsLimited", limited)):
            started = time.perf_counter()
            allocate(these, site)
            times[name].append(1e3 * (time.perf_counter() - started))
    return {"tasks": count} | {name: statistics.median(values) for name, values in times.items()} | {
        f"{name}Least": min(values) for name, values in times.items()
    }  # fmt: skip


def baselines(count: int) -> dict[str, float | None]:
    """The utility of each way, as a share of that of the joint allocation."""
    tasks, site = some_tasks(count, 1)
    best = allocate(tasks, site).utility
    made: dict[str, float | None] = {"joint": 1.0}
    for name, way in BASELINES.items():
        try:
            made[name] = way(tasks, site).utility / best
        except Unattainable:
            made[name] = None
    return made


def curves() -> dict[str, Any]:
    """The published shapes."""
    over = {hertz: shapes.over_compute(CYCLES, hertz, shapes.DEGRADATION) for hertz in shapes.HERTZ}
    fall = {hertz: shapes.over_degradation(np.array(DEGRADATIONS), 200e9, hertz) for hertz in shapes.HERTZ}
    return {
        "p": shapes.P,
        "q": shapes.Q,
        "r": shapes.R,
        "d": shapes.DEGRADATION,
        "peakGigacyclesPerSecond": {f"{hertz / 1e6:g} MHz": CYCLES[u.argmax()] / 1e9 for hertz, u in over.items()},
        "degradations": DEGRADATIONS,
        "utilityOverDegradation": {f"{hertz / 1e6:g} MHz": u.round(3).tolist() for hertz, u in fall.items()},
    }


def tables(result: dict[str, Any]) -> list[Table | str]:
    """The result for people."""
    exact = Table(
        "tasks", "difference from the programme", "ms", "Clarabel ms", title="against the geometric programme"
    )
    for row in result["difference"]:
        times = (f"{row[key]:.3f}" for key in ("milliseconds", "clarabel"))
        exact.add_row(str(row["tasks"]), f"{row['difference']:.1e}", *times)
    fast = Table("tasks", "ms", "least", "ms, half with limits", "least", title="time")
    row = result["speed"]
    keys = ("milliseconds", "millisecondsLeast", "millisecondsLimited", "millisecondsLimitedLeast")
    fast.add_row(str(row["tasks"]), *(f"{row[key]:.3f}" for key in keys))
    ways = Table("way", "utility, share of the joint one", title="baselines")
    for name, value in result["baselines"].items():
        ways.add_row(name, "limits not kept" if value is None else f"{value:.4f}")
    known = result["shapes"]
    falling = Table("d", *known["utilityOverDegradation"], title="utility, best number of tasks in parallel")
    for place, d in enumerate(known["degradations"]):
        falling.add_row(f"{d:g}", *(f"{column[place]:.3f}" for column in known["utilityOverDegradation"].values()))
    peaks = ", ".join(f"{value:g} Gcycle/s at {name}" for name, value in known["peakGigacyclesPerSecond"].items())
    stated = f"p = {known['p']}, q = {known['q']}, r = {known['r']}, d = {known['d']}"
    return [exact, fast, ways, falling, f"With {stated} the utility peaks at {peaks}."]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--output", choices=["table", "json"], default="table")
    asked = parser.parse_args()
    result = {
        "difference": difference(),
        "speed": speed(asked.tasks, asked.rounds),
        "baselines": baselines(asked.tasks),
        "shapes": curves(),
    }
    if asked.output == "json":
        print(json.dumps(result, indent=2))
    else:
        console = Console(width=110)
        for part in tables(result):
            console.print(part)


if __name__ == "__main__":
    main()
