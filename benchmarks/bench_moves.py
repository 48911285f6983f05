"""Moves of services between real nodes under open-loop load: what each way of moving loses.

Usage: ``python benchmarks/bench_moves.py [--strategy NAME]... [--moves N] [--services N] [--rate N] [--output json]``

Runs add up: ``--record FILE`` appends what a run came to, and ``--sum FILE`` runs nothing and prints all of it.

Root on Linux; elsewhere it is left out, with the reason. Three nodes with kubelet, containerd and kube-proxy run pods
of the inference server; the load comes from where clients of Services are, by three kinds of clients, and is due at
given times whatever came back. All strategies run in one cluster, one after the other:

* `recreate`: the Deployment is deleted and created again for the other node.
* `rolling`: a rolling update to the other node; its server closes the door at SIGTERM, as most do.
* `rolling-prestop`: the same with a preStop of 3 s.
* `aif-alone`: the operator moves the AIService, asked by annotation; its server closes the door at SIGTERM too.
* `aif`: as before, and the server drains.

`late p99` is how late the generator began every hundredth request, in milliseconds. Where that is more than a second,
the machine had too much to do, and the run tells nothing of moves; `--sum` counts it apart.

Streams that the server ended in good order, as they were longer than its grace, are `cut` and not failed.
"""

from __future__ import annotations

import json
import os
import statistics
from pathlib import Path
from typing import Annotated, Any

import typer
from moving import ledger
from moving.course import Lap, Plan, run
from moving.loading import Load
from moving.strategies import Strategy
from moving.telling import Output, machine
from moving.testbed import leave_out_where_unfit, testbed
from rich.console import Console
from rich.table import Table

from cluster.errors import ClusterError
from cluster.progress import Steps


def main(  # noqa: PLR0913, PLR0917 - typer hands over options by name
    strategy: Annotated[list[Strategy] | None, typer.Option(help="Only these.")] = None,
    moves: Annotated[int, typer.Option(min=1, help="Moves with each strategy.")] = 12,
    services: Annotated[int, typer.Option(min=1, help="Services that move at once.")] = 2,
    rate: Annotated[float, typer.Option(min=1, help="Requests per second in all.")] = 100.0,
    streams: Annotated[float, typer.Option(min=0, help="Streams begun per second in all.")] = 2.0,
    chunks: Annotated[int, typer.Option(min=1, help="Chunks of a stream.")] = 10,
    interval: Annotated[float, typer.Option(min=0, help="Seconds between two chunks.")] = 0.2,
    pause: Annotated[float, typer.Option(min=0, help="Seconds between two moves of a service.")] = 1.0,
    requests: Annotated[int, typer.Option(min=0, help="Least requests with each strategy.")] = 0,
    name: Annotated[str, typer.Option(help="A cluster of this name that runs already is used.")] = "",
    failures: Annotated[Path | None, typer.Option(help="Write a JSON object per failure into this file.")] = None,
    record: Annotated[Path | None, typer.Option(help="Append what the run came to, in a line of JSON.")] = None,
    only_sum: Annotated[
        Path | None, typer.Option("--sum", exists=True, help="Run nothing; add this record up.")
    ] = None,
    output: Annotated[Output, typer.Option("--output", "-o", help="How the result is printed.")] = Output.TABLE,
) -> None:
    """Measure and print."""
    if only_sum is not None:
        add_up(only_sum, output)
        return
    leave_out_where_unfit()
    plan = Plan(moves, services, Load(rate, streams, chunks=chunks, interval=interval), pause, requests)
    try:
        with (
            Steps(Console(stderr=True)) as steps,
            testbed(name or f"bench-moves-{os.getpid()}", steps) as here,
            here.operator(),
        ):
            laps = [_recorded(run(here, each, plan, steps), plan, record) for each in strategy or list(Strategy)]
    except ClusterError as error:
        Console(stderr=True, soft_wrap=True).print(f"error: {error}", markup=False)
        raise typer.Exit(1) from None
    if failures is not None:
        told = [{"strategy": lap.strategy.value, **failure} for lap in laps for failure in lap.failures_around()]
        failures.write_text("".join(f"{json.dumps(each)}\n" for each in told))
    if output is Output.JSON:
        print(json.dumps(described(laps, plan)))
    else:
        Console(width=150).print(table(laps, plan))


def described(laps: list[Lap], plan: Plan) -> dict[str, Any]:
    """Return a run for JSON and for the record."""
    load = plan.load
    return {
        "machine": machine(),
        "services": plan.services,
        "load": {"rate": load.rate, "streams": load.streams, "chunks": load.chunks, "interval": load.interval},
        "strategies": [figures(lap) for lap in laps],
    }


def _recorded(lap: Lap, plan: Plan, record: Path | None) -> Lap:
    """Keep a lap as soon as it is over: a later one may fail."""
    if record is not None:
        ledger.write(record, described([lap], plan))
    return lap


def add_up(record: Path, output: Output) -> None:
    """Print the sums of all runs in a record."""
    runs = ledger.read(record)
    accounts = ledger.total(runs)
    if output is Output.JSON:
        print(json.dumps(ledger.told(accounts)))
    else:
        Console(width=150).print(ledger.table(accounts, (run["machine"] for run in runs)))


def figures(lap: Lap) -> dict[str, Any]:
    """Return what is told of a strategy in JSON."""
    seconds = [move.ended - move.begun for move in lap.moves]
    return {
        "strategy": lap.strategy.value,
        "moves": len(lap.moves),
        "moveSeconds": {"median": round(statistics.median(seconds), 2), "longest": round(max(seconds), 2)},
        **lap.told.result,
    }


_COLUMNS = (
    "strategy",
    "moves",
    "s per move",
    "clients",
    "sent",
    "failed",
    "how",
    "cut",
    "p99 ms",
    "max ms",
    "late p99",
)


def table(laps: list[Lap], plan: Plan) -> Table:
    """Return the figures for people: a row per strategy and kind of clients."""
    title = f"{plan.services} services at {plan.load.rate:g} requests/s and {plan.load.streams:g} streams/s in all"
    grid = Table(*_COLUMNS, title=title, caption=machine())
    for lap in laps:
        told = figures(lap)
        head = (lap.strategy.value, str(told["moves"]), f"{told['moveSeconds']['median']:.1f}")
        for client, tally in told["clients"].items():
            how = ", ".join(f"{count} {kind}" for kind, count in tally["failures"].items())
            times = tally["latencyMilliseconds"]
            shown = (f"{times[each]:.0f}" if each in times else "" for each in ("p99", "max"))
            late = f"{tally['lateMilliseconds'].get('p99', 0.0):.0f}"
            grid.add_row(*head, client, str(tally["sent"]), str(tally["failed"]), how, str(tally["cut"]), *shown, late)
            head = ("", "", "")
    return grid


if __name__ == "__main__":
    typer.run(main)
