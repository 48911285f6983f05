"""A federated job of processes beside the same job under Flower's own engines.

Usage: ``python benchmarks/bench_flower.py [--rounds N] [--without-daemons] [--output table|json]``

All train the same model on the same parts of the digits, with the same seed, plan and order of batches, and judge every
round on the same test set; FedAvg is Flower's in each.

* ``processes``: an aggregator, clients and an evaluator over sockets, as in pods; each round is kept on disk as well.
* ``simulation``: Flower's, in one process with actors of Ray.
* ``daemons``: a SuperLink, a SuperNode for each client, and ``flwr run``.

Told are the seconds from the first process to the model of the first round (cold), and the median of the rounds after
it (warm). Flower gets an environment of its own in ~/.cache/aif-operator, with its simulation: 0.6 GB, made once. Where
that cannot be had, the benchmark says so, and ends with 0.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

from flower_engines import VERSION, Course, Unavailable, daemons, environment, simulation
from learning_processes import processes
from rich.console import Console
from rich.progress import track
from rich.table import Table

JOB: Final = {"clients": 3, "epochs": 3, "seed": 7}
TOLERANCE: Final = 0.01


def own(job: dict[str, Any]) -> Course:
    """Run the job as processes of the learning runtime."""
    clients = job["clients"]
    with processes(clients, plan={"localEpochs": job["epochs"]}) as running:
        running.shared["seed"] = job["seed"]
        began = time.time()
        running.aggregator({"rounds": job["rounds"], "clients": clients, "quorum": clients})
        for index in range(clients):
            running.start("client", f"client-{index}", {"index": index, "aggregator": running.at("agg")})
        times = []
        for turn in range(1, job["rounds"] + 1):
            running.until_round(turn)
            times.append(time.time())
        running.result()
        (kept,) = (running.folder / "state").glob(f"round-*{job['rounds']}.json")
        accuracy = json.loads(kept.read_text(encoding="utf-8"))["note"]["metrics"]["accuracy"]
        return Course(began, tuple(times), accuracy)


def row(course: Course, ours: Course) -> dict[str, float]:
    """Return what is told of one engine."""
    cold, warm = seconds(course)
    our_cold, our_warm = seconds(ours)
    figures = {"cold": cold, "warm": warm, "allRounds": course.rounds[-1] - course.began, "accuracy": course.accuracy}
    return {**figures, "coldRatio": cold / our_cold, "warmRatio": warm / our_warm}


def seconds(course: Course) -> tuple[float, float]:
    """Return the time to the first round, and the median time of a later one."""
    later = [after - before for before, after in pairwise(course.rounds)]
    return course.rounds[0] - course.began, statistics.median(later)


def shown(found: dict[str, dict[str, float]], rounds: int) -> Table:
    """Return the figures for people."""
    title = f"{JOB['clients']} clients, {rounds} rounds of {JOB['epochs']} passes over the digits; Flower {VERSION}"
    columns = ("", "first round, s", "later round, s", "all rounds, s", "accuracy", "first: x ours", "later: x ours")
    table = Table(*columns, title=title)
    for name, figures in found.items():
        ratios = [f"{figures[key]:.1f}" for key in ("coldRatio", "warmRatio")]
        times = [f"{figures['cold']:.1f}", f"{figures['warm']:.2f}", f"{figures['allRounds']:.1f}"]
        table.add_row(name, *times, f"{figures['accuracy']:.3f}", *ratios)
    return table


def main() -> int:
    """Measure and print; 1 where an engine learned something else."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--without-daemons", action="store_true", help="they take a minute or more")
    parser.add_argument("--output", choices=["table", "json"], default="table")
    asked = parser.parse_args()
    try:
        environment()
    except Unavailable as error:
        print(f"left out: {error}", file=sys.stderr)
        return 0
    engines: dict[str, Callable[[dict[str, Any]], Course]] = {"processes": own, "simulation": simulation}
    if not asked.without_daemons:
        engines["daemons"] = daemons
    bar = track(engines.items(), "learning", console=Console(stderr=True), transient=True)
    courses = {name: engine({**JOB, "rounds": asked.rounds}) for name, engine in bar}
    found = {name: row(course, courses["processes"]) for name, course in courses.items()}
    if asked.output == "json":
        print(json.dumps({"rounds": asked.rounds, **JOB, "engines": found}, indent=2))
    else:
        Console(width=110).print(shown(found, asked.rounds))
    best = max(course.accuracy for course in courses.values())
    return int(any(best - course.accuracy > TOLERANCE for course in courses.values()))


if __name__ == "__main__":
    sys.exit(main())
