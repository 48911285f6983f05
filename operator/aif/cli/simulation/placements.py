"""The result of a simulation: a row per service, and what is short for those that find no place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from aif.api.aiservice import AIService
from aif.cli.explain.explanation import verdict
from aif.cli.figures import ABSENT, duration, optional, plural
from aif.cli.output import grid
from aif.cli.simulation import jobs
from aif.cli.simulation.decisions import Simulation

Json = dict[str, Any]

WIDE: Final = 100
"""Columns from which on the table tells what weighed most."""


def placements(simulation: Simulation) -> Json:
    """Return the result as a structure; names are those of the status where it has them."""
    return {
        "services": [_service(service) for service in simulation.services],
        "jobs": [jobs.report(job) for job in simulation.jobs],
        "unplaced": [f"{service.metadata.namespace}/{service.metadata.name}" for service in simulation.unplaced],
        "unplacedJobs": [f"{job.metadata.namespace}/{job.metadata.name}" for job in simulation.unplaced_jobs],
        "notes": list(simulation.network.notes),
    }


def _service(service: AIService) -> Json:
    status, placed = service.status.to_dict(), verdict(service)
    latency = service.spec.qos.latency
    return {
        "namespace": service.metadata.namespace,
        "name": service.metadata.name,
        "type": service.spec.service_type.value,
        "placed": placed is not None and placed.status == "True",
        "placements": status["placements"],
        "targetLatencyMicroseconds": latency.max_p99_microseconds if latency else None,
        "reason": placed.reason if placed else "Pending",
        "message": why(service),
        "rejected": status["rejected"],
    }


def view(simulation: Simulation, screen: Console) -> RenderableType:
    """Return the result as a table, and below it what one should know."""
    notes = [Text(f"note: {note}", style="yellow") for note in simulation.network.notes]
    parts: list[RenderableType] = []
    told = [plural(len(simulation.network.compute_nodes), "node")]
    if simulation.jobs:
        wheres = (part for sentence in jobs.sentences(simulation.jobs) for part in (Text(), sentence))
        parts, told = [jobs.table(simulation.jobs), *wheres, Text()], [jobs.tally(simulation.jobs), *told]
    if simulation.services or not simulation.jobs:
        parts = [listing(simulation.services, screen.width), Text(), *parts]
        told = [tally(simulation.services), *told]
    return Group(*parts, Text("; ".join(told)), *notes)


def tally(services: Sequence[AIService]) -> str:
    """Return how many services are placed, and what became of the others, by reason."""
    reasons = Counter(placed.reason for service in services if (placed := verdict(service)) and placed.status != "True")
    others = "".join(f", {count} {reason}" for reason, count in reasons.items())
    return f"{len(services) - reasons.total()} of {plural(len(services), 'service')} placed{others}"


def listing(services: Sequence[AIService], width: int) -> RenderableType:
    """Return the table of services, and below it a sentence for each that is nowhere."""
    nowhere = [service for service in services if not service.status.placements]
    sentences = [Text.assemble((service.metadata.name, "bold"), f": {why(service)}") for service in nowhere]
    return Group(table(services, width), *(part for sentence in sentences for part in (Text(), sentence)))


def table(services: Iterable[AIService], width: int) -> Table:
    """Return a row per service: where it is, and what weighed most; or the reason why it is nowhere.

    The last column is left out where ``width`` has no room for it.
    """
    headings = ("SERVICE", "TYPE", "NODE", "TIER", "VARIANT", "SCORE", "PREDICTED", "TARGET", "WHY")
    shown = len(headings) if width >= WIDE else len(headings) - 1
    rows = grid(*headings[:shown])
    for column in rows.columns[:-1] if shown == len(headings) else rows.columns:
        column.no_wrap = True
    for service in services:
        rows.add_row(*_row(service)[:shown])
    return rows


def _row(service: AIService) -> list[str | Text]:
    latency = service.spec.qos.latency
    target = optional(latency.max_p99_microseconds if latency else None, duration)
    name, kind = Text(service.metadata.name, style="bold"), service.spec.service_type.value
    if not service.status.placements:
        placed = verdict(service)
        cell = Text(placed.reason if placed else "Pending", style=_style(service))
        return [name, kind, ABSENT, ABSENT, ABSENT, ABSENT, ABSENT, target, cell]
    best = service.status.placements[0]
    predicted = optional(best.predicted_latency_microseconds, duration)
    node = Text(best.node, style="green")
    return [name, kind, node, best.tier.value, best.variant, str(best.score), predicted, target, _terms(service)]


def _terms(service: AIService) -> str:
    """Return the two terms that weighed most in the choice, with their scores."""
    known = next((candidate.terms for candidate in service.status.candidates), [])
    heaviest = sorted(known, key=lambda term: -term.weight)[:2]
    return ", ".join(f"{term.name} {term.score}" for term in heaviest) or ABSENT


def _style(service: AIService) -> str:
    placed = verdict(service)
    return "" if placed is not None and placed.status == "True" else "red"


def why(service: AIService) -> str:
    """Return the sentence that tells why the service is where it is, or nowhere."""
    placed, plan = verdict(service), service.status.plan
    if service.status.placements and plan is not None and plan.reason:
        return plan.reason
    return placed.message if placed is not None else ""
