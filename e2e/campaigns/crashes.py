"""The operator is killed at writes drawn by chance; in the end all is as if it never had been.

Usage: `python -m campaigns.crashes --services 300 --nodes 50 --kills 20 --seed 1`

A proxy counts the operator's writes. One run without kills is the reference: the number of its writes bounds those at
which the second run kills, before or after the write reached the API server. Nodes are lost and come back in both.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from rich.console import Console

from campaigns.drawing import AMPLE, faults, places, services
from campaigns.field import Field, field
from campaigns.outcome import End, await_rest
from campaigns.placement import AWAY_S, NODE_GRACE_S
from campaigns.printing import Figure, Output, tell
from campaigns.proxy import Moment, Proxy
from campaigns.revival import Reviver
from campaigns.sampling import Sampler, Samples
from campaigns.scenario import Scenario, play
from cluster.progress import Steps

LEASE: Final = {
    "AIF_LEASE_DURATION_SECONDS": "4",
    "AIF_LEASE_RENEW_SECONDS": "3",
    "AIF_LEASE_RETRY_SECONDS": "0.5",
}
"""Short, so that who is started next takes over soon."""

_REST_S: Final = 600.0
_SHARE: Final = 0.67
"""Kills come among these first writes: a run with kills has fewer, as several changes end in one write."""


def main(
    count: Annotated[int, typer.Option("--services", help="AIServices.")] = 300,
    nodes: Annotated[int, typer.Option(help="Simulated nodes; with room for all services.")] = 50,
    losses: Annotated[int, typer.Option(help="Losses and returns of nodes.")] = 5,
    kills: Annotated[int, typer.Option(help="Kills of the operator.")] = 20,
    over: Annotated[float, typer.Option(help="Seconds over which services come.")] = 60.0,
    seed: Annotated[int, typer.Option(help="From which all of it is drawn.")] = 1,
    output: Annotated[Output, typer.Option(help="How the result is printed.")] = Output.TABLE,
) -> None:
    """Kill the operator before and after its writes."""
    drawn = places(nodes, seed, AMPLE)
    scenario = Scenario(services(count, seed), faults(drawn, losses, over, AWAY_S, seed), over)
    with Steps(Console(stderr=True)) as steps, field("campaign-crashes", drawn, NODE_GRACE_S, steps) as here:
        reference = _run(here, scenario, {}, steps)
        with steps.run("Remove all services"):
            here.clear()
        run = _run(here, scenario, plan(reference.writes, kills, seed), steps)
    tell(f"{count} services on {nodes} nodes, {kills} kills, seed {seed}", _figures(reference, run, kills), output)


def plan(writes: int, kills: int, seed: int) -> dict[int, Moment]:
    """Return at which writes to kill, before and after in turn; not in the last third, as runs differ in length."""
    rng = np.random.default_rng([seed, 5])
    chosen = sorted(rng.choice(np.arange(1, int(_SHARE * writes)), size=kills, replace=False).tolist())
    return {number: Moment.BEFORE if turn % 2 == 0 else Moment.AFTER for turn, number in enumerate(chosen)}


@dataclass(frozen=True, slots=True)
class Run:
    """How a run ended."""

    end: End
    samples: Samples
    writes: int
    struck: tuple[tuple[int, Moment, str], ...]


def _run(here: Field, scenario: Scenario, at: Mapping[int, Moment], steps: Steps) -> Run:
    kind = f"with {len(at)} kills" if at else "without a kill"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        proxy = Proxy(folder, Path(here.cluster.kubeconfig or ""), at)
        stack.enter_context(proxy.running())
        reviver = stack.enter_context(Reviver(here.operators, proxy, LEASE).running())
        samples = stack.enter_context(Sampler(here.rest, 1.0, lambda: reviver.replica).running())
        with steps.run(f"Apply services, lose and return nodes, {kind}") as running:
            play(scenario, here, running)
        with steps.run(f"Wait until all are decided and nothing changes, {kind}") as running:
            end = await_rest(here.rest, _REST_S, running.advance)
    return Run(end, samples, proxy.writes, tuple(proxy.struck))


def _figures(reference: Run, run: Run, kills: int) -> list[Figure]:
    odd = {
        name
        for name in {*reference.end.roles, *run.end.roles}
        if reference.end.roles.get(name) != run.end.roles.get(name)
    }
    unlike = reference.end.placed ^ run.end.placed
    before = sum(moment is Moment.BEFORE for _, moment, _ in run.struck)
    return [
        Figure("writes of the reference", reference.writes),
        Figure("writes of the run with kills", run.writes),
        Figure("kills before a write", before),
        Figure("kills after a write", len(run.struck) - before, len(run.struck) == kills, _last(run)),
        Figure("services placed", len(run.end.placed)),
        Figure("services placed in one run only", len(unlike), not unlike, min(unlike, default="")),
        Figure("children by role that differ", len(odd), not odd, " ".join(min(odd, default=()))),
        Figure("duplicates", len(run.end.duplicates), not run.end.duplicates, min(run.end.duplicates, default="")),
        Figure("orphans", len(run.end.orphans), not run.end.orphans, min(run.end.orphans, default="")),
        Figure(
            "pods where no placement is",
            len(run.end.misplaced),
            not run.end.misplaced,
            min(run.end.misplaced, default=""),
        ),
        Figure("samples", run.samples.looks),
        Figure(
            "overbooked by bound pods",
            len(run.samples.bound),
            not run.samples.bound,
            min(run.samples.bound, default=""),
        ),
        Figure(
            "overbooked by pods sent there",
            len(run.samples.sent),
            not run.samples.sent,
            min(run.samples.sent, default=""),
        ),
    ]


def _last(run: Run) -> str:
    return f"the last at write {run.struck[-1][0]}, {run.struck[-1][2]}" if run.struck else ""


if __name__ == "__main__":
    typer.run(main)
