"""What ``--profile`` costs: the same decisions with every call counted, and without.

Usage: ``python benchmarks/bench_profiling.py [--nodes N] [--decisions N] [--rounds N]``

Deciding is the work with the most calls of Python functions per second, so it is what profiling slows down most.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from aif.gateways.profiling import Profiler

sys.path.append(str(Path(__file__).parent))

from bench_decisions import contestants


def seconds(work: Callable[[], object]) -> float:
    """Return how long some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Print how many times as long decisions take while they are profiled."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nodes", type=int, default=500, help="ComputeNodes")
    parser.add_argument("--decisions", type=int, default=200, help="services that are decided in each round")
    parser.add_argument("--rounds", type=int, default=7, help="rounds, of which the median is told")
    asked = parser.parse_args()
    operator, _ = contestants(asked.nodes, asked.decisions)
    for name, work in (("one by one", operator.select), ("as a batch", operator.batch)):
        ratios = []
        for _ in range(asked.rounds):
            operator.empty()
            bare = seconds(lambda work=work: work(asked.decisions))  # type: ignore[misc]
            operator.empty()
            with tempfile.TemporaryDirectory() as folder, Profiler(Path(folder)):
                ratios.append(seconds(lambda work=work: work(asked.decisions)) / bare)  # type: ignore[misc]
        told = f"{statistics.median(ratios):.2f} times as long, {min(ratios):.2f} to {max(ratios):.2f}"
        print(f"{asked.decisions} services {name} on {asked.nodes} nodes, profiled: {told}")


if __name__ == "__main__":
    main()
