"""From a broken contract to a contract that is kept again: how long the alarm and each phase of the move take.

Usage: ``python benchmarks/bench_breach.py [--rounds N] [--simulated-rounds N] [--output table|json]``

Two parts, each with a real Prometheus and the operator as it is installed:

* real (root on Linux): a service on real nodes under open-loop load, well within its contract. Its node is slowed to a
  little less CPU than the load takes. The operator raises the alarm, moves the service, and the contract is kept again;
  then the node gets its CPUs back. Requests sent and failed are counted all the while.
* simulated: services on simulated nodes, whose requests turn slow at times of their own. Only the alarm is measured.

The breach is the first sample at which the windowed rule holds, found afterwards by asking Prometheus at the time of
every sample. The alarm and the phases are the times when the API server told of them. The timers are printed beside.
"""

from __future__ import annotations

import json
import os
import statistics
from dataclasses import asdict
from typing import Annotated, Any

import typer
from moving import alarms, rescue
from moving.rescue import Round
from moving.telling import Output, machine
from moving.testbed import leave_out_where_unfit
from moving.timers import Timers
from rich.console import Console
from rich.table import Table

from cluster.errors import ClusterError
from cluster.progress import Steps


def main(
    rounds: Annotated[int, typer.Option(min=0, help="Rounds on real nodes; 0 leaves them out.")] = 3,
    simulated_services: Annotated[int, typer.Option(min=1, help="Services on simulated nodes.")] = 20,
    simulated_rounds: Annotated[int, typer.Option(min=0, help="Rounds of them; 0 leaves them out.")] = 5,
    rate: Annotated[float, typer.Option(min=25, help="Requests per second on real nodes.")] = 40.0,
    name: Annotated[str, typer.Option(help="A cluster of this name with real nodes that runs already is used.")] = "",
    output: Annotated[Output, typer.Option("--output", "-o", help="How the result is printed.")] = Output.TABLE,
) -> None:
    """Measure and print."""
    if rounds:
        leave_out_where_unfit()
    timers = Timers()
    try:
        with Steps(Console(stderr=True)) as steps:
            simulated = alarms.measure(simulated_services, simulated_rounds, timers, steps) if simulated_rounds else []
            real = rescue.measure(name or f"bench-breach-{os.getpid()}", rounds, rate, timers, steps) if rounds else []
    except ClusterError as error:
        Console(stderr=True, soft_wrap=True).print(f"error: {error}", markup=False)
        raise typer.Exit(1) from None
    if output is Output.JSON:
        told = {
            "timers": asdict(timers),
            "simulatedAlarmSeconds": summary(simulated, timers),
            "rounds": [each.told() for each in real],
        }
        print(json.dumps({"machine": machine(), **told}))
        return
    console = Console(width=150)
    console.print(f"Timers: {timers.words()}")
    if simulated:
        console.print(alarm_table(summary(simulated, timers)))
    if real:
        console.print(table(real))


def summary(seconds: list[float], timers: Timers) -> dict[str, Any]:
    """Return what is told of the seconds from the breach to the alarm, less the time that a breach must last."""
    if not seconds:
        return {}
    after = sorted(each - timers.for_seconds for each in seconds)
    return {
        "n": len(after),
        "median": round(statistics.median(after), 2),
        "longest": round(after[-1], 2),
        "allowed": timers.alarm_within,
        "within": sum(each <= timers.alarm_within for each in after),
    }


def alarm_table(told: dict[str, Any]) -> Table:
    """Return the alarms of the simulated part for people."""
    grid = Table("", "seconds", title="Simulated: from the time when an alarm is due to the alarm")
    for name, value in told.items():
        grid.add_row(name, str(value))
    return grid


def table(rounds: list[Round]) -> Table:
    """Return the rounds on real nodes for people: seconds from the breach."""
    names = list(rounds[0].marks)
    grid = Table(
        "",
        *(f"round {number}" for number, _ in enumerate(rounds, 1)),
        title="Real nodes: seconds from the breach",
        caption=machine(),
    )
    for name in names:
        grid.add_row(name, *("-" if (at := each.since_breach(name)) is None else f"{at:.1f}" for each in rounds))
    for name in ("node", "sent", "failed", "how", "cpusBefore", "cpusSlow", "p99Before"):
        grid.add_row(name, *(str(each.told()[name]) for each in rounds))
    return grid


if __name__ == "__main__":
    typer.run(main)
