"""Throughput and latency of the operator on a real API server, beside a naive kopf operator and the limit of asyncio.

Usage: ``python benchmarks/bench_operator.py [--services N] [--nodes N] [--rounds N] [--output table|json]``

Contestants take turns, each in a namespace of its own, on one API server with etcd. Nodes are objects only; the
controllers of Kubernetes are paused, so that no Deployment gets pods: what is measured is the way from an AIService to
its written children.

* flat out: all AIServices are there when the contestant starts; from its first look at them to the last Deployment.
* paced: AIServices come at a steady rate; from the creation of each to that of its Deployment, as the API server's
  audit log has it.
* `aif`: the operator as installed; `aif-raised`: with a write budget that does not bind.
* `kopf`: a create handler that takes the next node in turn, and makes the same objects.
* `raw`: the operator's requests from 16 workers, nothing decided and nothing looked at.
* `kube-scheduler`: the real one, on as many pods with an accelerator each.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer
from contest.course import Course, Plan
from contest.entrants import ENTRANTS
from contest.objects import GPUS
from contest.stage import stage
from contest.telling import Output, tell
from rich.console import Console

from cluster.progress import Steps


def main(
    services: Annotated[int, typer.Option(help="AIServices of a round.")] = 2000,
    nodes: Annotated[int, typer.Option(help="Nodes, each with eight accelerators.")] = 500,
    rounds: Annotated[int, typer.Option(help="Rounds flat out.")] = 3,
    rate: Annotated[float, typer.Option(help="AIServices per second when paced.")] = 45.0,
    paced: Annotated[float, typer.Option(help="Seconds of the paced part.")] = 20.0,
    entrants: Annotated[list[str] | None, typer.Option("--entrant", help="Only these contestants.")] = None,
    output: Annotated[Output, typer.Option(help="How the result is printed.")] = Output.TABLE,
) -> None:
    """Measure and print."""
    if services > nodes * GPUS:
        raise typer.BadParameter(f"{services} services need {-(-services // GPUS)} nodes: --nodes")
    chosen = tuple(entrants or (*ENTRANTS, "kube-scheduler"))
    plan = Plan(services, nodes, rounds, rate, paced, chosen)
    with Steps(Console(stderr=True)) as steps, stage(f"bench-operator-{os.getpid()}", nodes, steps) as here:
        results = Course(here, plan, steps).run()
    tell(plan, results, output)


if __name__ == "__main__":
    typer.run(main)
