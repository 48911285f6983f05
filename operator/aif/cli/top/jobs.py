"""How far the training jobs are, a row each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.text import Text

from aif.api.trainingjob import TrainingJob
from aif.cli.figures import ABSENT, accuracy, optional
from aif.cli.output import grid
from aif.cli.si import si
from aif.cli.train.report import state
from aif.cli.train.view import STATES, span
from aif.errors import InvalidInput

Json = dict[str, Any]


def report(jobs: Iterable[TrainingJob], sort_by: str) -> Json:
    """Return all jobs with their progress.

    Raises:
        InvalidInput: Nothing is called ``sort_by``.
    """
    if sort_by not in _KEYS:
        raise InvalidInput(f"--sort-by: nothing is called {sort_by}; known are {', '.join(_KEYS)}")
    by_name = sorted(map(_job, jobs), key=lambda row: (row["namespace"], row["name"]))
    return {"jobs": sorted(by_name, key=_KEYS[sort_by])}


def _job(job: TrainingJob) -> Json:
    progress = job.status.progress
    told = progress.to_dict() if progress is not None else {}
    shown = ("accuracyBasisPoints", "remainingSeconds", "transferredBytes", "millijoules")
    places = job.status.placements
    return {
        "namespace": job.metadata.namespace,
        "name": job.metadata.name,
        "mode": job.spec.mode.value,
        "state": state(job),
        "round": told.get("round", 0),
        "rounds": told.get("rounds", job.spec.rounds.max),
        "live": told.get("live", 0),
        "clients": job.client_count,
        **{name: told.get(name) for name in shown},
        "nodes": list(dict.fromkeys(place.node for place in places)),
    }


def _left(row: Json) -> float:
    return float("inf") if row["remainingSeconds"] is None else row["remainingSeconds"]


_KEYS: Final[Mapping[str, Callable[[Json], Any]]] = {
    "name": lambda row: (row["namespace"], row["name"]),
    "state": lambda row: row["state"],
    "remaining": _left,
    "traffic": lambda row: -(row["transferredBytes"] or 0),
    "energy": lambda row: -(row["millijoules"] or 0),
}
"""By what jobs are sorted: the most first, but the shortest time."""


def view(structure: Json, _screen: Console) -> RenderableType:
    """Return a row per job."""
    jobs = structure["jobs"]
    if not jobs:
        return Group(Text("There is no TrainingJob here; --all-namespaces looks in all of them."))
    several = len({job["namespace"] for job in jobs}) > 1
    headings = ("JOB", "MODE", "STATE", "ROUND", "CLIENTS", "ACCURACY", "LEFT", "TRAFFIC", "ENERGY", "NODES")
    table = grid(*(["NAMESPACE"] if several else []), *headings)
    for job in jobs:
        table.add_row(*([job["namespace"]] if several else []), *_cells(job))
    return table


def _cells(job: Json) -> list[RenderableType]:
    learns = job["mode"] != "Compression"
    nodes = job["nodes"]
    return [
        Text(job["name"], style="bold"),
        job["mode"],
        Text(job["state"], style=STATES.get(job["state"], "yellow")),
        f"{job['round']}/{job['rounds']}" if learns else ABSENT,
        f"{job['live']}/{job['clients']}" if job["clients"] else ABSENT,
        optional(job["accuracyBasisPoints"], accuracy),
        optional(job["remainingSeconds"], span),
        optional(job["transferredBytes"], lambda value: si(value, "B")),
        optional(job["millijoules"], lambda value: si(value / 1000, "J")),
        ABSENT if not nodes else nodes[0] if len(nodes) == 1 else f"{nodes[0]} and {len(nodes) - 1} more",
    ]
