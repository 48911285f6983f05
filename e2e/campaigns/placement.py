"""Hundreds of services in random order on nodes that are lost and come back: all are decided, no node is overbooked.

Usage: `python -m campaigns.placement --services 300 --nodes 50 --losses 20 --seed 1`

The operator records its decisions; in the end `aif simulate` makes each of them again, and none may be another one.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import typer
from replaying import Replayed, replayed
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

_REST_S: Final = 600.0


def main(
    count: Annotated[int, typer.Option("--services", help="AIServices.")] = 300,
    nodes: Annotated[int, typer.Option(help="Simulated nodes.")] = 50,
    losses: Annotated[int, typer.Option(help="Losses and returns of nodes.")] = 20,
    over: Annotated[float, typer.Option(help="Seconds over which services come and nodes are lost.")] = 60.0,
    every: Annotated[float, typer.Option(help="Seconds between two samples.")] = 0.5,
    seed: Annotated[int, typer.Option(help="From which all of it is drawn.")] = 1,
    record: Annotated[
        Path | None, typer.Option(help="Folder to keep the recording in, empty or new; by default it is removed.")
    ] = None,
    output: Annotated[Output, typer.Option(help="How the result is printed.")] = Output.TABLE,
) -> None:
    """Place services while nodes are lost and come back."""
    drawn = places(nodes, seed, SCARCE)
    scenario = Scenario(services(count, seed), faults(drawn, losses, over, AWAY_S, seed), over)
    with ExitStack() as stack:
        steps = stack.enter_context(Steps(Console(stderr=True)))
        folder = (record or Path(stack.enter_context(tempfile.TemporaryDirectory()))).resolve()
        here = stack.enter_context(field("campaign-placement", drawn, NODE_GRACE_S, steps))
        began = time.monotonic()
        end, samples = _run(here, scenario, every, folder, steps)
        seconds = time.monotonic() - began
        with steps.run("Make every decision again"):
            again = replayed(folder)
        figures = [*_figures(end, samples, scenario, seconds), *_recording(again, count)]
    tell(f"{count} services on {nodes} nodes, {losses} losses, seed {seed}", figures, output)


def _run(here: Field, scenario: Scenario, every_s: float, folder: Path, steps: Steps) -> tuple[End, Samples]:
    replica = here.operators.start_leading("--record", str(folder))
    with Sampler(here.rest, every_s, lambda: replica).running() as samples:
        with steps.run("Apply services, lose and return nodes") as running:
            play(scenario, here, running)
        with steps.run("Wait until all are decided and nothing changes") as running:
            end = await_rest(here.rest, _REST_S, running.advance)
    replica.end()
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


def _recording(again: Replayed, count: int) -> list[Figure]:
    return [
        Figure("decisions recorded", again.total, again.total >= count, f"{again.size / 2**20:.1f} MiB on the disk"),
        Figure("services in the recording", again.services, again.services == count),
        Figure("decisions of services planned anew", again.single),
        Figure("same node and score when made again", again.same, again.same == again.total, again.first_difference),
    ]


def _first(found: set[str] | frozenset[str]) -> str:
    return min(found, default="")


if __name__ == "__main__":
    typer.run(main)
