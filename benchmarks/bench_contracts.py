"""Contracts kept, as a share of what no placement can exceed: the operator beside other policies, in one run.

Usage: ``python benchmarks/bench_contracts.py [--sites FOLDER] [--trace FOLDER] [--services N] [--seeds N]
[--policies "NAME; NAME"] [--output table|json]``

The sites and users of Melbourne (``sites.csv``, ``users.csv``) become a network of radio sites, metro edges, a core and
a cloud; services of five kinds are asked for by users drawn from it, with requests cut out of a trace of a language
service (Azure, 2023). Every policy places the same services; then every request is replayed through queues that know
nothing of what the planner predicted, and a contract is kept where its target held. `melbourne.replay` and
`melbourne.bound` say how. Without the folders both are drawn at random.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from melbourne.bound import certificate
from melbourne.network import network
from melbourne.policies import ALL_AT_ONCE, CORE_ONLY, POLICIES, Table, place, together
from melbourne.replay import NOWHERE, Replay
from melbourne.services import services
from melbourne.signalling import mean, strategy
from melbourne.traces import BadData, City, Requests, city, requests
from rich.console import Console
from rich.progress import track
from rich.table import Table as Grid

from aif.domain.policy import RAN_FIRST

FIRST_SEED: Final = 1
STRATEGIES: Final = {
    "RAN first, decided at the site": (RAN_FIRST, True),
    "all nodes, decided in the core": (ALL_AT_ONCE, False),
    "core only": (CORE_ONLY, False),
}


def scenario(seed: int, count: int, town: City, trace: Requests) -> Table:
    """Return network and services of one seed."""
    draw = np.random.default_rng([FIRST_SEED, seed])
    stage = network(town, draw)
    return Table(Replay(stage, services(count, town, trace, draw), draw))


def measure(asked: argparse.Namespace, town: City, trace: Requests) -> dict[str, Any]:
    """Return the result as it is printed."""
    figures: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in (*asked.policies, "oracle")}
    bounds: dict[str, list[int]] = {"most": [], "possible": []}
    signalling: dict[str, list[dict[str, float]]] = defaultdict(list)
    seeds = range(FIRST_SEED, FIRST_SEED + asked.seeds)
    for seed in track(seeds, "seeds", console=Console(stderr=True), disable=not sys.stderr.isatty()):
        table = scenario(seed, asked.services, town, trace)
        bound = certificate(table)
        bounds["most"].append(bound.most)
        bounds["possible"].append(bound.possible)
        for name, row in figures.items():
            started = time.perf_counter()
            draw = np.random.default_rng(seed)
            placement = bound.oracle if name == "oracle" else place(name, table, draw)
            row["seconds"].append(time.perf_counter() - started)
            seen = table.replay.seen(placement)
            kept = sum(one is not None and one.kept for one in seen)
            row["placed"].append(sum(node != NOWHERE for node in placement.node))
            row["kept"].append(kept)
            row["shareOfBoundPercent"].append(100.0 * kept / bound.most)
        for name, (ladder, at_site) in STRATEGIES.items():
            placement = together(table, np.random.default_rng(seed), ladder)
            signalling[name].append(strategy(table.replay, placement, at_site=at_site))
    return {
        "sites": town.source,
        "trace": trace.source,
        "services": asked.services,
        "seeds": list(seeds),
        "bound": bounds,
        "policies": {name: _summary(row) for name, row in figures.items()},
        "strategies": {name: mean(rows) for name, rows in signalling.items()},
    }


def _summary(row: dict[str, list[float]]) -> dict[str, Any]:
    share = row["shareOfBoundPercent"]
    return {
        "shareOfBoundPercent": round(statistics.fmean(share), 2),
        "lowest": round(min(share), 2),
        "highest": round(max(share), 2),
        "kept": row["kept"],
        "placed": row["placed"],
        "seconds": round(statistics.median(row["seconds"]), 3),
    }


def tables(result: dict[str, Any]) -> list[Grid]:
    """Return the result for people."""
    bound = result["bound"]["most"]
    title = (
        f"{result['services']} services, sites {result['sites']}, trace {result['trace']}; seeds {result['seeds']}; "
        f"no placement keeps more than {bound} contracts"
    )
    contracts = Grid("policy", "kept / bound %", "lowest", "highest", "kept", "placed", "seconds", title=title)
    for name, row in sorted(result["policies"].items(), key=lambda item: -float(item[1]["shareOfBoundPercent"])):
        shares = [f"{row[key]:.1f}" for key in ("shareOfBoundPercent", "lowest", "highest")]
        means = [f"{statistics.fmean(row[key]):.0f}" for key in ("kept", "placed")]
        contracts.add_row(name, *shares, *means, f"{row['seconds']:.2f}")
    heads = ("strategy", "median ms", "p99 ms", "messages", "kB", "messages", "kB", "kept")
    title = "latency; link crossings per request, and per service placed"
    compared = Grid(*heads, title=title)
    for name, row in result["strategies"].items():
        latency = [f"{row[key]:.1f}" for key in ("medianMilliseconds", "p99Milliseconds")]
        plane = [f"{row['requestMessages']:.2f}", f"{row['requestBytes'] / 1e3:.0f}"]
        control = [f"{row['controlMessages']:.2f}", f"{row['controlBytes'] / 1e3:.2f}"]
        compared.add_row(name, *latency, *plane, *control, f"{row['kept']:.0f}")
    return [contracts, compared]


def _policies(text: str) -> list[str]:
    names = [name.strip() for name in text.split(";") if name.strip()]
    if not names or (unknown := [name for name in names if name not in POLICIES]):
        raise argparse.ArgumentTypeError(f"{unknown[0] if names else 'none'} is not one of {'; '.join(POLICIES)}")
    return names


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sites", type=Path, help="folder with sites.csv and users.csv")
    parser.add_argument("--trace", type=Path, help="folder with a trace as .csv or .csv.gz")
    parser.add_argument("--services", type=int, default=420)
    parser.add_argument("--seeds", type=int, default=5, choices=range(1, 101), metavar="N")
    parser.add_argument("--policies", type=_policies, default=list(POLICIES), help=f"out of {'; '.join(POLICIES)}")
    parser.add_argument("--output", choices=["table", "json"], default="table")
    asked = parser.parse_args()
    try:
        result = measure(asked, city(asked.sites), requests(asked.trace))
    except (BadData, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if asked.output == "json":
        print(json.dumps(result, indent=2))
    else:
        for grid in tables(result):
            Console(width=130).print(grid)
    return 0


if __name__ == "__main__":
    sys.exit(main())
