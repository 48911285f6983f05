"""Speed of the split planner beside plain loops, SciPy's maximum flow and the goals; and where cuts inside models pay.

Usage: ``python benchmarks/bench_planner.py [--rounds N] [--output table|json]``

All contestants decide the same cases, drawn with a stated seed; they take turns round by round in one process.

* ``chain, table``: one case after the other with a prepared table of cuts; ``chain, batch``: all cases at once.
* ``chain, evidence``: one case after the other with every cost, limit and gain that `aif plan split` prints.
* ``chain, loop``: the same decision as a loop over cuts in plain Python.
* ``graph``: exact least cuts of ResNet-50 and GoogLeNet, everything built anew for each case.
* ``graph, scipy``: the same by one maximum flow of SciPy over the whole graph, capacities in whole nanoseconds.
* ``hops``: four sides in a row by dynamic programming.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from aif.planning.kpi.inference import Channel, Platform
from aif.planning.models.chain import Chain, Encoding, Hop, Limits, Side
from aif.planning.models.graph import ModelGraph
from aif.planning.models.tables import built_in
from aif.planning.split.chain import CutTable, best_cut
from aif.planning.split.graph import Case, Prices, best_graph_cut
from aif.planning.split.hops import best_hops

SEED: Final = 7
CASES: Final = 200
SPANS: Final = ((8.5, 11.5), (11.0, 13.0), (5.9, 9.4))
"""Powers of ten: FLOP/s of the user's side and of the network, bit/s of the link."""

RATES: Final = ([5e9, 20e9, 50e9], [2e6, 5e6, 10e6, 20e6, 50e6, 100e6, 200e6, 500e6])
"""The 24 cases of the findings: FLOP/s of the user's side, bit/s of the link; the network has 100 GFLOP/s."""

FRAME_BITS: Final = 1920 * 1080 * 3 * 32.0
CHAIN_GOAL, GRAPH_GOAL = 10e-6, 0.5e-3
FORBID: Final = Limits(forbid_raw_input=True)

Floats = NDArray[np.float64]


def drawn(count: int, seed: int = SEED) -> Floats:
    """Return the rates of so many cases, [count, 3]."""
    draw = np.random.default_rng(seed)
    return np.stack([10 ** draw.uniform(low, high, count) for low, high in SPANS], axis=-1)


def case(rates: Floats) -> Case:
    """Return a case for the planner of graphs."""
    user, network, link = rates.tolist()
    sides = Side("user", Platform(user, 4.0)), Side("network", Platform(network, 100.0))
    return Case(*sides, Hop(Channel(link, 1.0)), limits=FORBID)


def in_table(table: CutTable, prices: list[tuple[float, ...]]) -> None:
    """Decide case after case."""
    for one in prices:
        table.cuts(one)


def in_loop(chain: Chain, prices: list[tuple[float, ...]]) -> list[int]:
    """Decide case after case as one would write it down first."""
    flops, bits, total = chain.flops.tolist(), chain.bits.tolist(), chain.total
    places = range(1, len(flops))
    return [
        min(places, key=lambda cut: user * flops[cut] + network * (total - flops[cut]) + link * bits[cut])
        for user, network, link in prices
    ]


def with_evidence(chain: Chain, cases: list[Case]) -> None:
    """Decide case after case with all that is printed."""
    for one in cases:
        best_cut(chain, one.user, one.network, one.hop, one.objective, one.limits)


def of_graph(graph: ModelGraph, cases: list[Case]) -> list[float]:
    """Return the values of exact cuts."""
    return [best_graph_cut(graph, one).value for one in cases]


def by_scipy(graph: ModelGraph, cases: list[Case]) -> list[float]:
    """Return the values of one maximum flow each, built anew as the planner's own are."""
    return [_maximum_flow(graph, Prices.of(graph, one)) for one in cases]


def _maximum_flow(graph: ModelGraph, prices: Prices) -> float:
    from scipy.sparse import csr_array  # noqa: PLC0415 - a peer, which the planner does without
    from scipy.sparse.csgraph import maximum_flow  # noqa: PLC0415 - as above

    count = len(graph.layers)
    # SciPy adds capacities of 32 bits up: forbidden must stay well below.
    unit = sum(prices.user) / 2e8
    forbidden = 2**29
    edges: list[tuple[int, int, float]] = []
    for layer in range(count):
        edges.append((0, layer + 2, min(prices.network[layer] / unit, forbidden)))
        edges.append((layer + 2, 1, prices.user[layer] / unit))
        edges.append((layer + 2, count + layer + 2, min(prices.sending[layer] / unit, forbidden)))
        for reader in graph.readers[layer]:
            edges += ((count + layer + 2, reader + 2, forbidden), (reader + 2, layer + 2, forbidden))
    tails, heads, capacities = zip(*edges, strict=True)
    size = 2 * count + 2
    whole = np.rint(capacities).astype(np.int32)
    flow = maximum_flow(csr_array((whole, (tails, heads)), shape=(size, size)), 0, 1, method="dinic")
    return float(flow.flow_value) * unit


def over_hops(chain: Chain, cases: list[Case]) -> None:
    """Cut over four sides."""
    for one in cases:
        best_hops(chain, (one.user, one.user, one.network, one.network), (one.hop,) * 3, limits=FORBID)


def contestants() -> dict[str, tuple[Callable[[], Any], int, float | None]]:
    """Return what decides, how many cases at a call, and the goal in seconds a case."""
    rates = drawn(CASES)
    cases, prices = [case(one) for one in rates], [tuple((1.0 / one).tolist()) for one in rates]
    many = 1.0 / drawn(20_000)
    vgg16, resnet50, googlenet = (built_in(name) for name in ("vgg16", "resnet50", "googlenet"))
    chain = Chain.of(vgg16)
    table = CutTable(chain, FORBID)
    return {
        "chain, table": (partial(in_table, table, prices), CASES, CHAIN_GOAL),
        "chain, batch": (partial(table.cuts, many), len(many), CHAIN_GOAL),
        "chain, evidence": (partial(with_evidence, chain, cases), CASES, None),
        "chain, loop": (partial(in_loop, chain, prices), CASES, None),
        "graph, ResNet-50": (partial(of_graph, resnet50, cases), CASES, GRAPH_GOAL),
        "graph, ResNet-50, scipy": (partial(by_scipy, resnet50, cases[:40]), 40, None),
        "graph, GoogLeNet": (partial(of_graph, googlenet, cases), CASES, GRAPH_GOAL),
        "graph, GoogLeNet, scipy": (partial(by_scipy, googlenet, cases[:40]), 40, None),
        "hops, ResNet-50, 4 sides": (partial(over_hops, Chain.of(resnet50), cases[:40]), 40, None),
    }


def measure(rounds: int) -> dict[str, dict[str, float | None]]:
    """Return seconds a case of each contestant over interleaved rounds, after one that is not counted."""
    entrants = contestants()
    seconds: dict[str, list[float]] = {name: [] for name in entrants}
    for number in range(rounds + 1):
        for name, (decide, count, _) in entrants.items():
            began = time.perf_counter()
            decide()
            if number:
                seconds[name].append((time.perf_counter() - began) / count)
    return {
        name: {
            "seconds": statistics.median(seconds[name]),
            "lowest": min(seconds[name]),
            "highest": max(seconds[name]),
            "ofGoal": None if goal is None else statistics.median(seconds[name]) / goal,
        }
        for name, (_, _, goal) in entrants.items()
    }


def agreement() -> float:
    """Return the largest relative difference between the planner's least cuts and SciPy's, which rounds capacities."""
    cases = [case(one) for one in drawn(40)]
    pairs = [
        (own, other)
        for graph in (built_in("resnet50"), built_in("googlenet"))
        for own, other in zip(of_graph(graph, cases), by_scipy(graph, cases), strict=True)
    ]
    return max(abs(own - other) / own for own, other in pairs)


def inside(model: str, encoding: Encoding, limits: Limits) -> int:
    """Return in how many of 24 cases a cut inside the model is fastest."""
    chain = Chain.of(built_in(model), encoding)
    cuts = CutTable(chain, limits).cuts([(1 / user, 1e-11, 1 / link) for user, link in product(*RATES)])
    return int(((cuts > 0) & (cuts < len(chain.names) - 1)).sum())


def findings() -> dict[str, Any]:
    """Return where cuts inside models pay."""
    whole, short = Encoding(), Encoding(8.0)
    kinds = {
        "as it is": (whole, Limits()),
        "raw input forbidden": (whole, FORBID),
        "int8 activations": (short, Limits()),
        "both": (short, FORBID),
    }
    of_24 = {kind: {model: inside(model, *how) for model in ("vgg16", "resnet50")} for kind, how in kinds.items()}
    random = {}
    for name, encoding in (("224 x 224", whole), ("1080p frame", Encoding(input_bits=FRAME_BITS))):
        table = CutTable(Chain.of(built_in("vgg16"), encoding))
        values = table.values(1.0 / drawn(200_000, seed=0))
        cuts = values.argmin(axis=1)
        interior = (cuts > 0) & (cuts < values.shape[1] - 1)
        gains = np.minimum(values[:, 0], values[:, -1]) / values.min(axis=1)
        random[name] = {"interiorShare": float(interior.mean()), "meanGain": float(gains.mean())}
    return {"interiorOf24": of_24, "random": random, "largestDifferenceToSciPy": agreement()}


def speeds(figures: dict[str, dict[str, float | None]]) -> Table:
    """Return the speeds for people."""
    grid = Table("contestant", "us a case", "lowest", "highest", "of the goal")
    for name, row in figures.items():
        times = [f"{1e6 * (row[key] or 0.0):,.2f}" for key in ("seconds", "lowest", "highest")]
        grid.add_row(name, *times, "-" if row["ofGoal"] is None else f"{row['ofGoal']:.2f}")
    return grid


def told(found: dict[str, Any]) -> list[str]:
    """Return the findings for people."""
    lines = [
        f"Cuts inside that are fastest, of 24 cases, {kind}: VGG-16 {counts['vgg16']}, ResNet-50 {counts['resnet50']}"
        for kind, counts in found["interiorOf24"].items()
    ]
    lines += [
        f"VGG-16, {name}, 200,000 random cases: inside {row['interiorShare']:.1%}, mean gain {row['meanGain']:.3f}"
        for name, row in found["random"].items()
    ]
    return [*lines, f"Least cuts differ from SciPy's by {found['largestDifferenceToSciPy']:.1e} at most"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", choices=["table", "json"], default="table")
    asked = parser.parse_args()
    figures, found = measure(asked.rounds), findings()
    if asked.output == "json":
        print(json.dumps({**vars(asked), "contestants": figures, "findings": found}, indent=2))
        return
    console = Console(width=110)
    console.print(speeds(figures))
    for line in told(found):
        console.print(line, highlight=False)


if __name__ == "__main__":
    main()
