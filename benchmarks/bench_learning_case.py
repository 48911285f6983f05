"""Three groups with a cut each beside flat federated learning, on data unlike from terminal to terminal ([NET4AI]).

Usage: ``python benchmarks/bench_learning_case.py [--rounds N] [--alpha A] [--output table|json] [--plot FILE.svg]``

Nine terminals have a part of the digits each; classes are spread over them by a Dirichlet distribution. In the one job
three terminals send what they measured (cut at Input), three send activations (cut at relu1), three learn the whole
model (cut at Output). In the other all nine do. Both learn the same model from the same first numbers, with as many
passes over their data a round, over real streams. Bytes are all that the aggregator and the forwarding plane took in
or gave out, on either side. Each job runs once a seed; told are means over the seeds, and the spread of the last round.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import track
from rich.table import Table
from tests.aif_runtime.jobs import Job, a_job
from tests.aif_runtime.twolevel.parts import Parts

SEEDS: Final = (1, 2, 3)
EACH: Final = 3
GROUPS: Final = {"bottom": "Input", "middle": "relu1", "top": "Output"}
TERMINALS: Final = EACH * len(GROUPS)
TARGET: Final = 0.9
SHOWN: Final = (1, 2, 3, 5, 10, 15, 20)
LONGEST_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Point:
    """What a job has reached after a round.

    Attributes:
        round: Its number.
        accuracy: Share of the test set that is right.
        megabytes: All that went through the aggregator and the forwarding plane until then.
    """

    round: int
    accuracy: float
    megabytes: float


async def hybrid(job: Job, rounds: int) -> list[Point]:
    """Run three groups with a cut each."""
    parts = Parts(job, GROUPS, each=EACH, k=EACH, rounds=rounds)
    found = noted(job, parts)
    for index in range(TERMINALS):
        job.terminal(index, rawInputAllowed=True)
    await job.ended(seconds=LONGEST_S)
    return found


async def flat(job: Job, rounds: int) -> list[Point]:
    """Run one federation of all."""
    job.aggregator({"rounds": rounds, "clients": TERMINALS, "quorum": TERMINALS, "evaluators": 1})
    found = noted(job)
    job.evaluator()
    for index in range(TERMINALS):
        job.client(index)
    await job.ended(seconds=LONGEST_S)
    return found


def noted(job: Job, parts: Parts | None = None) -> list[Point]:
    """Return a list that a point is added to after every round."""
    found: list[Point] = []
    (aggregator,) = job.aggregators
    counted = [aggregator.traffic] + ([parts.plane.traffic, parts.plane.outer] if parts else [])

    def note() -> None:
        through = sum(traffic.sent + traffic.received for traffic in counted)
        found.append(Point(aggregator.progress.round, aggregator.progress.metrics["accuracy"], through / 1e6))

    aggregator.rounds.changed = note
    return found


async def one(kind: str, seed: int, rounds: int, alpha: float) -> list[Point]:
    """Run one job; return a point per round."""
    data = {"source": "Digits", "clients": TERMINALS, "alpha": alpha}
    async with a_job(learning={"data": data, "plan": {"localEpochs": 2}}) as job:
        job.shared["seed"] = seed
        return await (hybrid if kind == "three groups" else flat)(job, rounds)


def mean(runs: Sequence[Sequence[Point]]) -> list[Point]:
    """Return the mean of several runs, round by round."""
    return [
        Point(
            points[0].round,
            statistics.fmean(point.accuracy for point in points),
            statistics.fmean(point.megabytes for point in points),
        )
        for points in zip(*runs, strict=True)
    ]


def reached(points: Sequence[Point]) -> Point | None:
    """Return the first point at which the target is reached; None where it never is."""
    return next((point for point in points if point.accuracy >= TARGET), None)


def plot(found: dict[str, list[Point]], path: Path) -> None:
    """Draw accuracy against rounds, and against bytes."""
    import matplotlib as mpl  # noqa: PLC0415 - only whoever draws waits for it

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "case"
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
    for kind, points in found.items():
        for axis, name in zip(axes, ("round", "megabytes"), strict=True):
            axis.plot([getattr(point, name) for point in points], [point.accuracy for point in points], label=kind)
            axis.set_xlabel(name)
            axis.grid(alpha=0.3)
    axes[0].set_ylabel("accuracy")
    axes[0].legend()
    figure.savefig(path, metadata={"Date": None})


def table(found: dict[str, list[Point]], spread: dict[str, float], alpha: float) -> Table:
    """Return accuracy and bytes after some rounds, and what the target took."""
    seeds = ", ".join(map(str, SEEDS))
    title = f"{TERMINALS} terminals, Dirichlet alpha {alpha:g}, means over the seeds {seeds}"
    told = Table(
        "", *(f"round {turn}" for turn in SHOWN if turn <= len(found["flat"])), f"to {TARGET:.0%}", title=title
    )
    for kind, points in found.items():
        cells = [
            f"{points[turn - 1].accuracy:.3f}\n{points[turn - 1].megabytes:.1f} MB"
            for turn in SHOWN[: len(told.columns) - 2]
        ]
        first = reached(points)
        cells.append(f"round {first.round}\n{first.megabytes:.1f} MB" if first else "never")
        told.add_row(f"{kind}\n± {spread[kind]:.3f}", *cells)
    return told


def main() -> int:
    """Measure, print, and draw; 1 where three groups are not better than the flat federation."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--alpha", type=float, default=0.1, help="the smaller, the less alike terminals are")
    parser.add_argument("--output", choices=["table", "json"], default="table")
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()
    console = Console(width=120)
    work = [(kind, seed) for kind in ("three groups", "flat") for seed in SEEDS]
    runs: dict[str, list[list[Point]]] = {}
    for kind, seed in track(work, "learning", console=Console(stderr=True), transient=True):
        runs.setdefault(kind, []).append(asyncio.run(one(kind, seed, asked.rounds, asked.alpha)))
    found = {kind: mean(points) for kind, points in runs.items()}
    spread = {kind: statistics.pstdev(run[-1].accuracy for run in points) for kind, points in runs.items()}
    if asked.output == "json":
        told: dict[str, Any] = {kind: [asdict(point) for point in points] for kind, points in found.items()}
        print(json.dumps({"seeds": SEEDS, "alpha": asked.alpha, "points": told}, indent=2))
    else:
        console.print(table(found, spread, asked.alpha))
    if asked.plot:
        plot(found, asked.plot)
    return int(found["three groups"][-1].accuracy < found["flat"][-1].accuracy)


if __name__ == "__main__":
    sys.exit(main())
