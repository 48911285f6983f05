"""How the result of a contest is told: a table for people, JSON for programs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from campaigns.printing import machine
from rich.console import Console
from rich.table import Table

from contest.course import SCHEDULER, Lap, Plan, Result


class Output(StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"


Figures = dict[str, object]


def figures(results: Mapping[str, Result]) -> dict[str, Figures]:
    """Return the figures of each contestant: medians over rounds, ratios taken within each round."""
    return {name: _scheduler(each) if name == SCHEDULER else _figures(each, results) for name, each in results.items()}


def _scheduler(result: Result) -> Figures:
    return {"perSecond": statistics.median(count / seconds for count, seconds in result.bound if seconds)}


def _figures(result: Result, results: Mapping[str, Result]) -> Figures:
    found: Figures = {"idleMiB": result.idle}
    if result.paced is not None:
        reading = result.paced.reading
        found |= {
            "pacedPlaced": reading.placed,
            "pacedP50Milliseconds": reading.latency(50),
            "pacedP99Milliseconds": reading.latency(99),
            "pacedCpuMillisecondsEach": result.paced.cpu_ms_each,
        }
    if result.flat:
        found |= _flat(result.flat) | {
            f"of{peer.title()}": ratio(result.flat, results[peer].flat) for peer in ("kopf", "raw") if peer in results
        }
    return found


def _flat(laps: Sequence[Lap]) -> Figures:
    def median(of: Callable[[Lap], float]) -> float:
        return statistics.median(map(of, laps))

    rates = [lap.reading.rate for lap in laps]
    last = laps[-1].reading
    return {
        "placed": [lap.reading.placed for lap in laps],
        "perSecond": statistics.median(rates),
        "lowest": min(rates),
        "highest": max(rates),
        "cpuMillisecondsEach": median(lambda lap: lap.cpu_ms_each),
        "serverCpuMillisecondsEach": median(lambda lap: lap.server_cpu_ms_each),
        "mostMiB": max(lap.mib for lap in laps),
        "writesEach": median(lambda lap: lap.reading.writes_each),
        "writes": dict(last.writes.most_common()),
        "reads": dict(last.reads.most_common()),
        "computeNodeWrites": last.elsewhere,
    }


def ratio(ours: Sequence[Lap], peers: Sequence[Lap]) -> float:
    """Return the median of the ratios of rates, round by round."""
    pairs = zip(ours, peers, strict=True)
    return statistics.median(mine.reading.rate / peer.reading.rate for mine, peer in pairs if peer.reading.rate)


def tell(plan: Plan, results: Mapping[str, Result], output: Output) -> None:
    """Print the figures."""
    found = figures(results)
    if output is Output.JSON:
        told = {"services": plan.services, "nodes": plan.nodes, "rounds": plan.rounds, "machine": machine()}
        print(json.dumps(told | {"contestants": found}, indent=2))
    else:
        Console(width=150).print(table(plan, found))


_COLUMNS = {
    "services/s": ("perSecond", "{:,.1f}"),
    "lowest": ("lowest", "{:,.1f}"),
    "highest": ("highest", "{:,.1f}"),
    "of kopf": ("ofKopf", "{:.2f}"),
    "of raw": ("ofRaw", "{:.2f}"),
    "CPU ms": ("cpuMillisecondsEach", "{:.2f}"),
    "server CPU ms": ("serverCpuMillisecondsEach", "{:.2f}"),
    "writes": ("writesEach", "{:.2f}"),
    "MiB idle": ("idleMiB", "{:.0f}"),
    "MiB most": ("mostMiB", "{:.0f}"),
    "p50 ms": ("pacedP50Milliseconds", "{:.0f}"),
    "p99 ms": ("pacedP99Milliseconds", "{:.0f}"),
    "CPU ms paced": ("pacedCpuMillisecondsEach", "{:.2f}"),
}


def table(plan: Plan, found: Mapping[str, Figures]) -> Table:
    """Return the figures for people."""
    title = f"{plan.services} AIServices, {plan.nodes} nodes, median of {plan.rounds} rounds; paced at {plan.rate:g}/s"
    grid = Table("contestant", *_COLUMNS, title=title, caption=machine())
    for name, row in found.items():
        cells = [form.format(row[key]) if key in row else "" for key, form in _COLUMNS.values()]
        grid.add_row(name, *cells)
    return grid
