"""The result of a simulation: a row per service, and what is short for those that find no place."""

from __future__ import annotations

from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from aif.api.aiservice import AIService
from aif.cli.explanation import verdict
from aif.cli.figures import ABSENT, duration, optional
from aif.cli.output import grid
from aif.cli.simulation import Simulation

Json = dict[str, Any]


def placements(simulation: Simulation) -> Json:
    """Return the result as a structure; names are those of the status where it has them."""
    return {
        "services": [_service(service) for service in simulation.services],
        "unplaced": [f"{service.metadata.namespace}/{service.metadata.name}" for service in simulation.unplaced],
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


def view(simulation: Simulation, _screen: Console) -> RenderableType:
    """Return the result as a table, and below it what one should know."""
    table = grid("SERVICE", "TYPE", "NODE", "TIER", "VARIANT", "SCORE", "PREDICTED", "TARGET", "WHY")
    table.columns[-1].overflow = "fold"
    table.columns[-1].ratio = 1
    for heading in table.columns[:-1]:
        heading.no_wrap = True
    for service in simulation.services:
        table.add_row(*_row(service))
    total, missing = len(simulation.services), len(simulation.unplaced)
    summary = f"{total - missing} of {total} services find a place on {len(simulation.network.compute_nodes)} nodes"
    notes = [Text(f"note: {note}", style="yellow") for note in simulation.network.notes]
    return Group(table, Text(), Text(summary, style="green" if not missing else "yellow"), *notes)


def _row(service: AIService) -> list[str | Text]:
    latency = service.spec.qos.latency
    target = optional(latency.max_p99_microseconds if latency else None, duration)
    name, kind = Text(service.metadata.name, style="bold"), service.spec.service_type.value
    if not service.status.placements:
        placed = verdict(service)
        cell = Text(f"{placed.reason if placed else 'Pending'}: {why(service)}", style=_style(service))
        return [name, kind, ABSENT, ABSENT, ABSENT, ABSENT, ABSENT, target, cell]
    best = service.status.placements[0]
    predicted = optional(best.predicted_latency_microseconds, duration)
    node = Text(best.node, style="green")
    return [name, kind, node, best.tier.value, best.variant, str(best.score), predicted, target, why(service)]


def _style(service: AIService) -> str:
    placed = verdict(service)
    return "" if placed is not None and placed.status == "True" else "red"


def why(service: AIService) -> str:
    """Return the sentence that tells why the service is where it is, or nowhere."""
    placed, plan = verdict(service), service.status.plan
    if service.status.placements and plan is not None and plan.reason:
        return plan.reason
    return placed.message if placed is not None else ""
