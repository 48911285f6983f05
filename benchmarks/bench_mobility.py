"""Predictive against reactive migration, beside an oracle, for user groups that move between radio sites.

Usage: ``python benchmarks/bench_mobility.py [--data FOLDER] [--groups N] [--seeds N] [--history HOURS] [--hours HOURS]
[--hops N] [--move SECONDS] [--cost SECONDS] [--output table|json]``

FOLDER holds ``sites.csv`` (LATITUDE, LONGITUDE) and ``users.csv`` (Latitude, Longitude), such as the EUA data set of
Melbourne; it may also be given by ``EUA_MELBOURNE``. Without it sites and places are drawn on a plane of the same size.

A service stands on one node, and is in breach while the site that serves its group is more than ``--hops`` hops away.
A move takes ``--move`` seconds, the old copy serves until then. Each seed draws other groups; all contestants see the
same readings, of which 1 % are missing and 1 % wrong:

* ``reactive``: an alarm two steps after a breach begins, then a move to the nearest node.
* ``on handover``: the same at once, when a site in breach is read.
* ``random``: ahead, with every neighbour as likely to be next as any other.
* ``last site``: ahead, for where the group went the last time that it left this site.
* ``first order``: ahead, by the present site alone, without where the group came from.
* ``predictive``: ahead, by `aif.planning.mobility`, learned from ``--history`` hours of readings of the group.
* ``oracle``: knows the path; the least of breach and cost together.

A decision is right at a handover where the node that serves then keeps the contract at the new site, unless it was
moved to since the last handover and the node before would have kept it too. All groups of a seed are counted together.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from mobility_contestants import CONTESTANTS, NOBODY, Case, Rule
from mobility_scenario import STEP, Floats, Journey, Network, journeys, network, positions
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from aif.planning.mobility.moves import Terms

SEED: Final = 2026
HORIZON: Final = 240.0
"""Seconds that contestants look ahead."""


@dataclass(slots=True)
class Tally:
    """What came of a contestant."""

    breach_seconds: float = 0.0
    moves: int = 0
    handovers: int = 0
    right: int = 0


def serve(case: Case, rule: Rule) -> Tally:
    """Follow the group with the node that ``rule`` chooses."""
    tally, host, target, ready, late = Tally(), case.begin, NOBODY, NOBODY, 0
    before, chosen = case.journey.serving[0], host
    for step, site in enumerate(case.journey.serving.tolist()):
        if target != NOBODY and step >= ready:
            host, target = target, NOBODY
        if site != before:
            tally.handovers += 1
            needless = host != chosen and case.breach[site, chosen] == 0.0
            tally.right += bool(case.breach[site, host] == 0.0 and not needless)
            before, chosen = site, host
        late = late + 1 if case.breach[site, host] else 0
        tally.breach_seconds += STEP if late else 0.0
        if target == NOBODY and (asked := rule(step, host, late)) not in {NOBODY, host}:
            target, ready = asked, step + case.terms.move_steps
            tally.moves += 1
    return tally


def area(folder: str) -> tuple[Network, Floats, str]:
    """Sites, places to visit, and where they come from."""
    place = Path(folder)
    if folder and (place / "sites.csv").exists() and (place / "users.csv").exists():
        sites = positions(place / "sites.csv", "LATITUDE", "LONGITUDE")
        spots = positions(place / "users.csv", "Latitude", "Longitude")
        return network(sites), spots, "real sites"
    if folder:
        sys.exit(f"{folder}: sites.csv or users.csv is not there; name a folder that holds both, or leave --data away")
    draw = np.random.default_rng(SEED)
    return network(draw.uniform(0.0, 1500.0, (125, 2))), draw.uniform(0.0, 1500.0, (816, 2)), "drawn sites"


def case(net: Network, spots: Floats, asked: argparse.Namespace, draw: np.random.Generator) -> Case:
    """A group of the scenario; only nodes that keep the contract at some site it was at are in question."""
    before, after = (round(hours * 3600 / STEP) for hours in (asked.history, asked.hours))
    whole = journeys(net, spots, before + after, draw)
    journey = Journey(whole.serving[before:], whole.reading[before:])
    distance = net.hops[:, net.hosts]
    used = (distance[np.unique(whole.serving)] <= asked.hops).any(axis=0)
    distance = np.asarray(distance[:, used])
    seen = np.isin(np.arange(len(net.places)), whole.reading[:before])
    pairs = [(int(a), int(b)) for a, b in np.argwhere(net.near & seen[:, None])]
    terms = Terms(STEP, round(asked.move / STEP), asked.cost, round(HORIZON / STEP))
    begin = int(np.argmin(distance[journey.serving[0]]))
    return Case(whole.reading[:before], journey, (distance > asked.hops) * 1.0, distance, pairs, terms, begin)


def measure(net: Network, spots: Floats, asked: argparse.Namespace) -> dict[str, list[Tally]]:
    """The sum over the groups of each seed, by contestant."""
    tallies: dict[str, list[Tally]] = defaultdict(list)
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("groups", total=asked.seeds * asked.groups)
        for seed in range(asked.seeds):
            sums = {name: Tally() for name in CONTESTANTS}
            for group in range(asked.groups):
                drawn = case(net, spots, asked, np.random.default_rng([SEED, seed, group]))
                for name, contestant in CONTESTANTS.items():
                    add(sums[name], serve(drawn, contestant(drawn)))
                progress.advance(task)
            if progress.disable:
                print(f"seed {seed + 1} of {asked.seeds} done", file=sys.stderr, flush=True)
            for name, tally in sums.items():
                tallies[name].append(tally)
    return tallies


def add(total: Tally, one: Tally) -> None:
    """Count ``one`` in."""
    total.breach_seconds += one.breach_seconds
    total.moves += one.moves
    total.handovers += one.handovers
    total.right += one.right


def figures(tallies: dict[str, list[Tally]]) -> dict[str, dict[str, list[float]]]:
    """Figures of each contestant, the least, the median and the greatest over the seeds."""
    base = tallies["reactive"]
    columns: dict[str, Callable[[Tally, Tally], float]] = {
        "breachSeconds": lambda one, _: one.breach_seconds,
        "moves": lambda one, _: float(one.moves),
        "rightPercent": lambda one, _: 100.0 * one.right / one.handovers,
        "breachOfReactive": lambda one, other: one.breach_seconds / other.breach_seconds,
        "movesOfReactive": lambda one, other: one.moves / other.moves,
    }
    made = {}
    for name, row in tallies.items():
        values = {key: [way(*pair) for pair in zip(row, base, strict=True)] for key, way in columns.items()}
        made[name] = {key: [min(each), statistics.median(each), max(each)] for key, each in values.items()}
    return made


def table(found: dict[str, dict[str, list[float]]], title: str) -> Table:
    """The figures for people: the median, and the range over the seeds."""
    grid = Table("contestant", "in breach s", "÷ reactive", "moves", "÷ reactive ", "right %", title=title)
    shapes = ("breachSeconds", ".0f"), ("breachOfReactive", ".2f"), ("moves", ".0f"), ("movesOfReactive", ".2f")
    for name, row in found.items():
        cells = [
            f"{row[key][1]:{shape}} ({row[key][0]:{shape}} - {row[key][2]:{shape}})"
            for key, shape in (*shapes, ("rightPercent", ".1f"))
        ]
        grid.add_row(name, *cells)
    return grid


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default=os.environ.get("EUA_MELBOURNE", ""))
    for name, usual in (("--groups", 8), ("--seeds", 5), ("--hops", 2)):
        parser.add_argument(name, type=int, default=usual)
    for name, figure in (("--history", 6.0), ("--hours", 2.0), ("--move", 20.0), ("--cost", 10.0)):
        parser.add_argument(name, type=float, default=figure)
    parser.add_argument("--output", choices=["table", "json"], default="table")
    asked = parser.parse_args()
    net, spots, origin = area(asked.data)
    found = figures(measure(net, spots, asked))
    head = {key: value for key, value in vars(asked).items() if key not in {"data", "output"}}
    if asked.output == "json":
        print(json.dumps({**head, "sites": origin, "seed": SEED, "contestants": found}, indent=2))
        return
    title = (
        f"{len(net.places)} {origin}, {len(net.hosts)} nodes, {asked.groups} groups, {asked.hours:g} h after "
        f"{asked.history:g} h of history, {asked.seeds} seeds: median (range)"
    )
    Console(width=140).print(table(found, title))


if __name__ == "__main__":
    main()
