"""Hundreds of services in random order on nodes that are lost and come back: all are decided, no node is overbooked.

Usage: `python -m campaigns.placement --services 300 --nodes 50 --losses 20 --seed 1`
"""

from __future__ import annotations

import time
from typing import Annotated, Final

import typer
from rich.console import Console

from campaigns.drawing import SCARCE, faults, places, services
from campaigns.field import Field, field
from campaigns.outcome import End, await_rest
from campaigns.printing import Figure, Output, tell
from campaigns.sampling import Sampler, Samples
from campaigns.scenario import Scenario, play
from cluster.progress import Steps

NODE_GRACE_S: Final = 8
AWAY_S: Final = 20.0
"""A node is away longer than it takes to be noticed, and than the operator's grace."""

_REST_S: Final = 300.0


def main(
    count: Annotated[int, typer.Option("--services", help="AIServices.")] = 300,
    nodes: Annotated[int, typer.Option(help="Simulated nodes.")] = 50,
    losses: Annotated[int, typer.Option(help="Losses and returns of nodes.")] = 20,
    over: Annotated[float, typer.Option(help="Seconds over which services come and nodes are lost.")] = 60.0,
    every: Annotated[float, typer.Option(help="Seconds between two samples.")] = 0.5,
    seed: Annotated[int, typer.Option(help="From which all of it is drawn.")] = 1,
    output: Annotated[Output, typer.Option(help="How the result is printed.")] = Output.TABLE,
) -> None:
    """Place services while nodes are lost and come back."""
    drawn = places(nodes, seed, SCARCE)
    scenario = Scenario(services(count, seed), faults(drawn, losses, over, AWAY_S, seed), over)
    console = Console(stderr=True)
    with Steps(console) as steps, field("campaign-placement", drawn, NODE_GRACE_S, steps) as here:
        began = time.monotonic()
        end, samples = _run(here, scenario, every, steps)
        figures = _figures(end, samples, scenario, time.monotonic() - began)
    tell(f"{count} services on {nodes} nodes, {losses} losses, seed {seed}", figures, output)


def _run(here: Field, scenario: Scenario, every_s: float, steps: Steps) -> tuple[End, Samples]:
    replica = here.operators.start_leading()
    with Sampler(here.rest, every_s, lambda: replica).running() as samples:
        with steps.run("Apply services, lose and return nodes") as running:
            play(scenario, here, running)
        with steps.run("Wait until all are decided and nothing changes") as running:
            end = await_rest(here.rest, _REST_S, running.advance)
    return end, samples


def _figures(end: End, samples: Samples, scenario: Scenario, seconds: float) -> list[Figure]:
    return [
        Figure("services decided", len(end.placed) + len(end.waiting) - len(end.undecided), not end.undecided),
        Figure("services placed", len(end.placed)),
        Figure("services that wait, and say why", len(end.waiting), all(end.waiting.values())),
        Figure("nodes lost and returned", len(scenario.faults)),
        Figure("samples", samples.looks),
        Figure("overbooked by bound pods", len(samples.bound), not samples.bound, _first(samples.bound)),
        Figure("overbooked by pods sent there", len(samples.sent), not samples.sent, _first(samples.sent)),
        Figure("pods where no placement is", len(end.misplaced), not end.misplaced, _first(end.misplaced)),
        Figure("duplicates", len(end.duplicates), not end.duplicates, _first(end.duplicates)),
        Figure("orphans", len(end.orphans), not end.orphans, _first(end.orphans)),
        Figure("memory of the operator, MiB at most", max(samples.mib)),
        Figure("seconds in all", seconds),
    ]


def _first(found: set[str] | frozenset[str]) -> str:
    return min(found, default="")


if __name__ == "__main__":
    typer.run(main)
