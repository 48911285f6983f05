"""A fifth of the nodes is lost at once, then three fifths: the first is made good at a bounded rate, the second is not.

Usage: `python -m campaigns.mass_loss --services 1000 --nodes 200 --lost 40`
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

import numpy as np
import typer
from audit import Audit, Entry
from rest import Json
from rich.console import Console

from campaigns.drawing import AMPLE, Place, places, services
from campaigns.field import Field, each, field
from campaigns.outcome import await_rest
from campaigns.printing import Figure, Output, tell
from campaigns.sampling import Sampler, Samples
from cluster import nodes
from cluster.progress import Steps

PARTITION_SHARE: Final = 0.6
_REST_S: Final = 900.0
_WATCHED_S: Final = 15.0
"""How long a partition is watched once all its nodes are NotReady: three times the operator's grace."""

_NODE_PATIENCE_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Loss:
    """What the operator did about a loss: its writes, when the first node turned NotReady, what waits in the end."""

    writes: Sequence[Entry]
    began: datetime
    held: int
    waiting: int

    @property
    def made(self) -> list[Entry]:
        """The copies that were made."""
        return [
            entry for entry in self.writes if entry.kind == "deployments.apps" and entry.status == HTTPStatus.CREATED
        ]

    @property
    def until_last(self) -> float:
        """Seconds from the first NotReady to the last new copy."""
        return max(((_moment(entry) - self.began).total_seconds() for entry in self.made), default=0.0)

    @property
    def busiest(self) -> int:
        """Writes in the busiest second."""
        return max(Counter(entry.at[:19] for entry in self.writes).values(), default=0)


def main(
    count: Annotated[int, typer.Option("--services", help="AIServices.")] = 1000,
    node_count: Annotated[int, typer.Option("--nodes", help="Simulated nodes.")] = 200,
    lost: Annotated[int, typer.Option(help="Nodes that are lost at once.")] = 40,
    grace: Annotated[int, typer.Option(help="Seconds until a silent node is NotReady.")] = 16,
    every: Annotated[float, typer.Option(help="Seconds between two samples.")] = 1.0,
    seed: Annotated[int, typer.Option(help="From which all of it is drawn.")] = 1,
    output: Annotated[Output, typer.Option(help="How the result is printed.")] = Output.TABLE,
) -> None:
    """Lose many nodes at once."""
    drawn = places(node_count, seed, AMPLE)
    with Steps(Console(stderr=True)) as steps, field("campaign-mass-loss", drawn, grace, steps) as here:
        replica = here.operators.start_leading()
        _fill(here, services(count, seed), steps)
        with Sampler(here.rest, every, lambda: replica).running() as samples:
            loss = _lose(here, _chosen(drawn, lost, seed), steps)
            _return(here, _chosen(drawn, lost, seed), steps)
            moved = _partition(here, _parted(drawn), steps)
        figures = [
            *_figures(loss, samples),
            Figure("copies made or removed in a partition", len(moved), not moved, ", ".join(moved[:3])),
        ]
    tell(f"{count} services on {node_count} nodes, {lost} lost at once, seed {seed}", figures, output)


def _chosen(drawn: Sequence[Place], count: int, seed: int) -> list[str]:
    return [drawn[at].name for at in np.random.default_rng([seed, 4]).permutation(len(drawn))[:count]]


def _parted(drawn: Sequence[Place]) -> list[str]:
    """Return three fifths of the nodes of each tier."""
    tiers = {place.tier: [each.name for each in drawn if each.tier == place.tier] for place in drawn}
    return [name for names in tiers.values() for name in names[: math.ceil(len(names) * PARTITION_SHARE)]]


def _fill(here: Field, wanted: Sequence[tuple[str, Json]], steps: Steps) -> None:
    with steps.run(f"Apply {len(wanted)} services"):
        each(wanted, here.apply)
    with steps.run("Wait until all are decided and nothing changes") as running:
        await_rest(here.rest, _REST_S, running.advance)


def _lose(here: Field, names: Sequence[str], steps: Steps) -> Loss:
    """Lose these nodes at once, and wait until all that ran there is decided anew."""
    held = sum(_runs_on(service, set(names)) for service in here.rest.list("aiservices"))
    log = _log(here)
    with steps.run(f"Lose {len(names)} nodes at once"):
        _silence(here, names)
    with steps.run("Wait until all are decided and nothing changes") as running:
        time.sleep(_WATCHED_S)
        end = await_rest(here.rest, _REST_S, running.advance)
    return Loss(log.writes(), _first_not_ready(here, names), held, len(end.waiting))


def _silence(here: Field, names: Sequence[str]) -> None:
    each(names, lambda name: nodes.stop_heartbeat(here.cluster, name))
    nodes.await_ready(here.cluster, names, ready=False, patience_s=_NODE_PATIENCE_S)


def _return(here: Field, names: Sequence[str], steps: Steps) -> None:
    with steps.run(f"Bring {len(names)} nodes back") as running:
        each(names, lambda name: nodes.resume_heartbeat(here.cluster, name))
        nodes.await_ready(here.cluster, names, patience_s=_NODE_PATIENCE_S)
        await_rest(here.rest, _REST_S, running.advance)


def _partition(here: Field, names: Sequence[str], steps: Steps) -> list[str]:
    """Cut these nodes off for a while; return the copies that were made or removed until all is well again."""
    log = _log(here)
    with steps.run(f"Part {len(names)} of {len(here.places)} nodes from the rest"):
        _silence(here, names)
        time.sleep(_WATCHED_S)
    _return(here, names, steps)
    return [str(entry) for entry in log.writes() if entry.kind == "deployments.apps" and entry.succeeded]


def _log(here: Field) -> Audit:
    assert here.cluster.audit_log is not None  # noqa: S101 - an embedded cluster keeps one
    return Audit(here.cluster.audit_log).from_now()


def _runs_on(service: Json, names: set[str]) -> bool:
    return any(place["nodeName"] in names for place in service["status"].get("placements", ()))


def _first_not_ready(here: Field, names: Sequence[str]) -> datetime:
    """Return when the first of these nodes turned NotReady, to the second below."""
    found = [node for node in here.rest.list("nodes") if node["metadata"]["name"] in names]
    told = [c for node in found for c in node["status"]["conditions"] if c["type"] == "Ready"]
    return min(datetime.fromisoformat(c["lastTransitionTime"]) for c in told)


def _moment(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry.at)


def _share(loss: Loss, kind: str, moved: int) -> float:
    return sum(entry.kind == kind for entry in loss.writes) / moved


def _figures(loss: Loss, samples: Samples) -> list[Figure]:
    seconds = loss.until_last
    owners = {(entry.namespace, entry.name.rpartition("-")[0]) for entry in loss.made}
    moved = max(1, len(owners))
    kinds = Counter(f"{entry.verb} {entry.kind}" for entry in loss.writes).most_common()
    return [
        Figure("services that ran on lost nodes", loss.held),
        Figure("services that moved", len(owners)),
        Figure("services that wait", loss.waiting),
        Figure("seconds from the first NotReady to the last new copy", seconds),
        Figure("services moved per second", len(owners) / max(1.0, seconds)),
        Figure("writes", len(loss.writes), None, ", ".join(f"{count} {kind}" for kind, count in kinds)),
        Figure("writes per service that moved", len(loss.writes) / moved),
        Figure("of these, status of AIServices", _share(loss, "aiservices/status.net4ai.io", moved)),
        Figure("of these, copies made and removed", _share(loss, "deployments.apps", moved)),
        Figure("of these, events", _share(loss, "events.events.k8s.io", moved)),
        Figure("of these, status of ComputeNodes", _share(loss, "computenodes/status.net4ai.io", moved)),
        Figure("writes per second", len(loss.writes) / max(1.0, seconds)),
        Figure("writes in the busiest second", loss.busiest),
        Figure("samples", samples.looks),
        Figure("overbooked by bound pods", len(samples.bound), not samples.bound, min(samples.bound, default="")),
        Figure("overbooked by pods sent there", len(samples.sent), not samples.sent, min(samples.sent, default="")),
        Figure("memory of the operator before, MiB", samples.mib[0]),
        Figure("memory of the operator at most, MiB", max(samples.mib)),
        Figure("memory of the operator in the end, MiB", samples.mib[-1]),
    ]


if __name__ == "__main__":
    typer.run(main)
