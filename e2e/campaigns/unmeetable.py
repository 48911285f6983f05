"""Contracts that no node can keep: nothing moves, what is short is named, and little is written about it.

Usage: `python -m campaigns.unmeetable --services 40 --nodes 8 --seconds 120`

Every node is a twentieth as fast as declared, which the operator learns from services that run there. Then users ask
of other services for a latency that only a node as fast as declared could keep. No cooldown and no budget holds a move
back, and what is measured goes up and down all the while.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import contract_moves
import hopeless
import operator_account
import typer
from audit import Audit
from contract_moves import Moves
from hopeless import Watch
from kubectl import Kubectl
from operator_process import Operators
from rest import Rest
from rich.console import Console
from services import Services

from campaigns.printing import Figure, Output, tell
from cluster import api
from cluster.choose import Asked
from cluster.progress import Steps
from cluster.record import Provider

_NAME: Final = "campaign-unmeetable"


def main(
    count: Annotated[int, typer.Option("--services", min=1, help="AIServices that ask for too much.")] = 40,
    nodes: Annotated[int, typer.Option(min=2, help="Simulated nodes.")] = 8,
    seconds: Annotated[float, typer.Option(min=1, help="For so long it is watched.")] = 120.0,
    output: Annotated[Output, typer.Option(help="How the result is printed.")] = Output.TABLE,
) -> None:
    """Ask of services what no node can keep."""
    with Steps(Console(stderr=True)) as steps, _field(nodes, steps) as (moves, audit):
        with steps.run(f"Place {count} services, and learn how slow {nodes} nodes are"):
            moves.start()
            names = hopeless.prepare(moves, count)
        with steps.run(f"Ask {count} services for {hopeless.HOPELESS_MS} ms, and wait for the alarms"):
            short = hopeless.despair(moves, names)
        with steps.run(f"Watch for {seconds:.0f} s"):
            seen = hopeless.watch(moves, audit, names, seconds)
        silent = [name for name in names if not hopeless.answers(moves, name)]
    figures = _figures(short, seen, silent)
    tell(f"{count} contracts that none of {nodes} nodes can keep, {seconds:.0f} s", figures, output)


@contextmanager
def _field(nodes: int, steps: Steps) -> Iterator[tuple[Moves, Audit]]:
    """Yield nodes, a Prometheus and requests on a cluster of its own, and its audit log."""
    with steps.run("Start the cluster"):
        cluster = api.up(_NAME, wish=Asked(provider=Provider.EMBEDDED))
    try:
        with tempfile.TemporaryDirectory(prefix=f"{_NAME}-") as folder:
            kubectl, rest = Kubectl(cluster), Rest.to(cluster)
            operator_account.install_kinds(kubectl)
            operator_account.install(kubectl)
            kubectl("create", "namespace", _NAME)
            operators, services = Operators(kubectl, Path(folder)), Services(rest, _NAME)
            assert cluster.audit_log is not None  # noqa: S101 - an embedded cluster keeps one
            with contract_moves.world(cluster, rest, operators, services, Path(folder), nodes) as moves:
                yield moves, Audit(cluster.audit_log)
    finally:
        api.down(_NAME)


def _figures(short: dict[str, str], seen: Watch, silent: list[str]) -> list[Figure]:
    named = sum("latency" in words.lower() for words in short.values())
    return [
        Figure("alarms raised", len(short)),
        Figure("services that name latency as short", named, named == len(short), min(short.values())),
        Figure("services that began a move", len(seen.begun), not seen.begun, ", ".join(seen.begun[:3])),
        Figure("services that do not serve on", len(silent), not silent, ", ".join(silent[:3])),
        Figure("objects", seen.objects),
        Figure("writes", len(seen.writes), None, seen.kinds),
        Figure("writes per object and minute", seen.per_minute, seen.per_minute <= hopeless.MOST_WRITES),
        Figure("writes per minute of the busiest object", seen.busiest),
    ]


if __name__ == "__main__":
    typer.run(main)
