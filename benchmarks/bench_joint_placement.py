"""Joint placement: certified gap and time, beside one service after the other and the solver alone.

Usage: ``python benchmarks/bench_joint_placement.py [--nodes N] [--services N] [--load SHARE] [--reach SHARE]
[--rounds N] [--seconds S] [--output table|json]``

Nodes of three sizes and three resources; services of log-normal demand that together ask for ``--load`` of each
resource, each allowed on a share ``--reach`` of the nodes, with a score of 0 to 100 there and 200 for being placed at
all. Each round draws another problem; all contestants solve it in turn.

* ``joint``: linear programme, rounding, repair; its bound is what all gaps are measured against.
* ``no solver``: the same without time for the linear programme.
* ``greedy``: one service after the other on the best node with room.
* ``solver alone``: HiGHS on the whole integer programme, with the time that ``--seconds`` grants.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import highspy
import numpy as np
from rich.console import Console
from rich.table import Table

from aif.planning.placement.joint import Problem, greedy, place

SEED: Final = 11
WORTH: Final = 200.0


def problem(nodes: int, services: int, load: float, reach: float, seed: int) -> Problem:
    """A problem drawn at random."""
    draw = np.random.default_rng([SEED, seed])
    size = draw.choice([1.0, 2.0, 4.0], nodes, p=[0.5, 0.3, 0.2])
    capacity = size[:, None] * np.array([16.0, 64.0, 8.0]) * draw.uniform(0.7, 1.3, (nodes, 3))
    demand = draw.lognormal(0.0, 0.6, (services, 3)) * np.array([1.0, 4.0, 0.5])
    capacity *= demand.sum(axis=0) / capacity.sum(axis=0) / load
    allowed = draw.random((services, nodes)) < reach
    allowed[np.arange(services), draw.integers(nodes, size=services)] = True
    score = np.where(allowed, draw.uniform(0.0, 100.0, (services, nodes)), np.nan)
    return Problem(demand, capacity, score, np.full(services, WORTH))


def solver_alone(asked: Problem, seconds: float) -> tuple[float, int]:
    """Value and number of services placed by HiGHS on the integer programme over all pairs."""
    service, node = np.nonzero(np.isfinite(asked.value))
    services, resources = asked.demand.shape
    limits = np.concatenate([np.ones(services), asked.capacity.ravel()])
    height, count = resources + 1, len(service)
    rows = np.concatenate([service[:, None], services + node[:, None] * resources + np.arange(resources)], axis=1)
    amounts = np.concatenate([np.ones((count, 1)), asked.demand[service]], axis=1)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = count, len(limits)
    model.col_cost_, model.sense_ = asked.value[service, node], highspy.ObjSense.kMaximize
    model.col_lower_, model.col_upper_ = np.zeros(count), np.ones(count)
    model.row_lower_, model.row_upper_ = np.full(len(limits), -highspy.kHighsInf), limits
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = np.arange(count + 1) * height
    model.a_matrix_.index_, model.a_matrix_.value_ = rows.ravel(), amounts.ravel()
    model.integrality_ = [highspy.HighsVarType.kInteger] * count
    highs = highspy.Highs()  # type: ignore[no-untyped-call]
    highs.setOptionValue("output_flag", False)  # noqa: FBT003 - HiGHS takes any kind of value here
    highs.setOptionValue("time_limit", seconds)
    highs.setOptionValue("threads", 1)
    highs.passModel(model)
    highs.run()
    found = np.array(highs.getSolution().col_value)
    chosen = np.flatnonzero(found > 0.5) if len(found) else np.zeros(0, dtype=np.int64)  # noqa: PLR2004 - a half
    return float(asked.value[service[chosen], node[chosen]].sum()), len(chosen)


def planned(way: Callable[[Problem], Any], asked: Problem) -> tuple[float, int]:
    """Value and number of services that ``way`` places."""
    made = way(asked)
    return made.value, made.placed


def measure(asked: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Figures of each contestant, medians over the rounds."""
    ways: dict[str, Callable[[Problem], tuple[float, int]]] = {
        "joint": partial(planned, place),
        "no solver": partial(planned, partial(place, seconds=0.0)),
        "greedy": partial(planned, greedy),
        "solver alone": partial(solver_alone, seconds=asked.seconds),
    }
    figures: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number in range(asked.rounds):
        drawn = problem(asked.nodes, asked.services, asked.load, asked.reach, number)
        bound = place(drawn, seconds=60.0).bound
        for name, way in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            value, placed = way(drawn)
            row = figures[name]
            row["seconds"].append(time.perf_counter() - wall)
            row["cpuSeconds"].append(time.process_time() - cpu)
            row["gapPercent"].append(100.0 * (1.0 - value / bound))
            row["placedPercent"].append(100.0 * placed / asked.services)
    made = {name: {key: statistics.median(values) for key, values in row.items()} for name, row in figures.items()}
    for name, row in figures.items():
        made[name] |= {"highestGapPercent": max(row["gapPercent"]), "highestSeconds": max(row["seconds"])}
    return made


def table(figures: dict[str, dict[str, float]], title: str) -> Table:
    """The figures for people."""
    grid = Table("contestant", "gap %", "highest", "placed %", "seconds", "highest", "CPU s", title=title)
    for name, row in figures.items():
        keys = ("gapPercent", "highestGapPercent", "placedPercent", "seconds", "highestSeconds", "cpuSeconds")
        grid.add_row(name, *(f"{row[key]:.2f}" for key in keys))
    return grid


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, usual in (("--nodes", 100), ("--services", 800), ("--rounds", 5)):
        parser.add_argument(name, type=int, default=usual)
    for name, figure in (("--load", 0.85), ("--reach", 0.4), ("--seconds", 1.0)):
        parser.add_argument(name, type=float, default=figure)
    parser.add_argument("--output", choices=["table", "json"], default="table")
    asked = parser.parse_args()
    figures = measure(asked)
    if asked.output == "json":
        print(json.dumps({**vars(asked), "contestants": figures}, indent=2))
        return
    title = f"{asked.nodes} nodes, {asked.services} services, load {asked.load:g}, median of {asked.rounds} rounds"
    Console(width=110).print(table(figures, title))


if __name__ == "__main__":
    main()
