"""What the services ask for, where they are, and how well that suits them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.text import Text

from aif.api.aiservice import AIService
from aif.api.aiservice_status import DimensionStatus
from aif.api.conditions import Condition
from aif.api.quantity import Quantity
from aif.cli.explain.explanation import unsettled, verdict
from aif.cli.figures import ABSENT, duration, in_unit, memory, rate
from aif.cli.moves import moves
from aif.cli.output import grid, share_bar
from aif.errors import InvalidInput

Json = dict[str, Any]

_TOLD_BY_VERDICTS: Final = frozenset({"QoSMet", "ThresholdAlarm"})
"""Conditions that say of the contract as a whole what verdicts and alarms say of each dimension."""

_ABOUT_QOS: Final = {"Met": "green", "Breached": "bold red"}


def report(services: Iterable[AIService], sort_by: str) -> Json:
    """Return all services with demands, places and verdicts.

    Raises:
        InvalidInput: Nothing is called ``sort_by``.
    """
    rows = [_service(service) for service in services]
    if sort_by not in _KEYS:
        raise InvalidInput(f"--sort-by: nothing is called {sort_by}; known are {', '.join(_KEYS)}")
    by_name = sorted(rows, key=lambda row: (row["namespace"], row["name"]))
    return {"services": sorted(by_name, key=_KEYS[sort_by])}


def _service(service: AIService) -> Json:
    status, placed = service.status.to_dict(), verdict(service)
    shown = ("node", "tier", "variant", "replicas", "score", "predictedLatencyMicroseconds")
    latency = service.spec.qos.latency
    return {
        "namespace": service.metadata.namespace,
        "name": service.metadata.name,
        "type": service.spec.service_type.value,
        "placed": placed is not None and placed.status == "True",
        "reason": placed.reason if placed is not None else "Pending",
        "placements": [{key: one[key] for key in shown if key in one} for one in status["placements"]],
        "demands": status.get("demands", {}),
        "targetLatencyMicroseconds": latency.max_p99_microseconds if latency else None,
        "verdicts": {one.dimension: one.verdict for one in service.status.qos},
        "measured": [_measured(one) for one in service.status.qos if one.measured is not None],
        "alarms": {one.dimension: one.alarm for one in service.status.qos if one.alarm is not None},
        "migration": moves.under_way(service.status.migration),
        "conditions": {one.type: one.reason for one in unsettled(service) if _tells(one)},
    }


def _measured(one: DimensionStatus) -> Json:
    return {"dimension": one.dimension, "measured": one.measured, "target": one.target, "measuredAt": one.measured_at}


def _tells(condition: Condition) -> bool:
    """Tell whether a condition adds to the verdicts: one that is Unknown for want of metrics does not."""
    return condition.status != "Unknown"


def _asked(row: Json, demand: str) -> float:
    return float(Quantity.parse(row["demands"].get(demand, "0")))


def _score(row: Json) -> int:
    """Return the lowest score of a place; above all others where there is none, so that it stands last."""
    return min((place["score"] for place in row["placements"]), default=101)


_KEYS: Final[Mapping[str, Callable[[Json], Any]]] = {
    "name": lambda row: (row["namespace"], row["name"]),
    "node": lambda row: ([place["node"] for place in row["placements"]] or ["~"], row["name"]),
    "score": _score,
    "cpu": lambda row: -_asked(row, "cpu"),
    "memory": lambda row: -_asked(row, "memory"),
    "compute": lambda row: -_asked(row, "flopsPerSecond"),
}
"""By what services are sorted: the largest demand first, but the lowest score, which is the one to look at."""


def view(structure: Json, screen: Console) -> RenderableType:
    """Return a row per service and place."""
    services: Sequence[Json] = structure["services"]
    if not services:
        return Group(Text("There is no AIService here; --all-namespaces looks in all of them."))
    several = len({service["namespace"] for service in services}) > 1
    headings = ("SERVICE", "NODE", "REPLICAS", "SCORE", "COMPUTE", "CPU", "MEMORY", "DEVICES", "LATENCY", "MEASURED")
    table = grid(*(["NAMESPACE"] if several else []), *headings, "VERDICT")
    for service in services:
        names = [Text(service["name"], style="bold")]
        head = [Text(service["namespace"]), *names] if several else names
        table.add_row(
            *head,
            *_places(service, screen),
            *_demands(service["demands"]),
            _latency(service),
            _promises(service),
            _word(service),
        )
    return table


def _places(service: Json, screen: Console) -> list[RenderableType]:
    places = service["placements"]
    if not places:
        return [ABSENT, ABSENT, ABSENT]
    scores = [share_bar(place["score"] / 100, screen, good_when_full=True) for place in places]
    nodes, replicas = ("\n".join(str(place[key]) for place in places) for key in ("node", "replicas"))
    return [nodes, replicas, Text("\n").join(scores)]


def _demands(demands: Json) -> list[str]:
    compute, asked = demands.get("flopsPerSecond"), demands.get("memory")
    return [
        rate(compute, "FLOP/s") if compute else ABSENT,
        demands.get("cpu", ABSENT),
        memory(asked) if asked else ABSENT,
        _devices(demands.get("accelerators", ABSENT)),
    ]


def _devices(asked: str) -> str:
    """Return accelerators without their vendor, such as ``2 gpu`` for ``2x nvidia.com/gpu``."""
    count, _, name = asked.partition("x ")
    return f"{count} {name.rpartition('/')[2]}" if name else asked


def _latency(service: Json) -> str:
    predicted = service["placements"][0].get("predictedLatencyMicroseconds") if service["placements"] else None
    target = service["targetLatencyMicroseconds"]
    if predicted is None:
        return f"{duration(target)} asked" if target else ABSENT
    return duration(predicted) + (f" of {duration(target)}" if target else "")


def _promises(service: Json) -> Text | str:
    """Return what was measured of what was promised, a line per dimension; a dash where nothing was."""
    lines = [_promise(one, service["verdicts"][one["dimension"]]) for one in service["measured"]]
    return Text("\n").join(lines) if lines else ABSENT


def _promise(one: Json, told: str) -> Text:
    name = one["dimension"]
    return Text(
        f"{name} {in_unit(name, one['measured'])} of {in_unit(name, one['target'])}", style=_ABOUT_QOS.get(told, "")
    )


def _word(service: Json) -> Text:
    """Return the contract's verdicts where there are any; else what is amiss, or that nothing is."""
    moving = [Text(_moving(service["migration"]), style="bold yellow")] if service["migration"] else []
    if not service["placed"]:
        return Text("\n").join([*moving, Text(service["reason"], style="red")])
    said = {"Ready", *_TOLD_BY_VERDICTS, *(["Migrating"] if moving else [])}
    amiss = [f"{kind}: {reason}" for kind, reason in service["conditions"].items() if kind not in said]
    judged = [_judged(name, told, service["alarms"]) for name, told in service["verdicts"].items() if told != "Unknown"]
    words = [*moving, *(Text(one, style="yellow") for one in amiss), *judged]
    return Text("\n").join(words) if words else Text(service["reason"], style="green")


def _judged(name: str, told: str, alarms: Json) -> Text:
    """Return a verdict, and the alarm where it has lasted or is about to."""
    alarm = f", alarm {alarms[name].lower()}" if name in alarms else ""
    return Text(f"{name} {told}{alarm}", style=_ABOUT_QOS.get(told, ""))


def _moving(move: Json) -> str:
    return f"move {move['id']}: {move['from']} -> {move['to']}, {move['phase']}"
