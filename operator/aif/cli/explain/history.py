"""What happened to a service: events, the last change of each condition, its moves and placements, newest last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.text import Text

from aif.api.aiservice import AIService
from aif.cli.figures import ABSENT, plural
from aif.cli.moves import moves
from aif.cli.moves import view as moves_view
from aif.cli.output import grid

Json = dict[str, Any]

KEPT: Final = timedelta(hours=1)
"""How long an API server keeps events unless it is told otherwise (--event-ttl)."""

_NEARLY: Final = timedelta(minutes=1)
_BURST: Final = 25
"""Events of one object that the operator writes at once; of more, some are left out."""

_STYLES: Final = {"Warning": "yellow", "Normal": "green"}


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened.

    Attributes:
        at: When, or when first.
        source: Event, Condition or Object.
        type: Normal, or Warning where something is amiss.
        reason: Word for programs.
        message: Sentence for people.
        count: How often, as far as it was counted.
        until: When last; None where it happened once.
    """

    at: datetime
    source: str
    type: str
    reason: str
    message: str
    count: int = 1
    until: datetime | None = None

    def to_dict(self) -> Json:
        """Return the entry as a structure."""
        return {
            "time": self.at.isoformat(),
            "source": self.source,
            "type": self.type,
            "reason": self.reason,
            "message": self.message,
            "count": self.count,
            "until": self.until.isoformat() if self.until else None,
        }


def report(service: AIService, events: Sequence[Json] | None, now: datetime) -> Json:
    """Return what happened to ``service``; without ``events`` they could not be read."""
    mine = [event for event in events or () if event.get("regarding", {}).get("uid") == service.metadata.uid]
    told = sorted(map(_event, mine), key=lambda entry: entry.at)
    entries = sorted([*_created(service), *told, *_conditions(service)], key=lambda entry: entry.at)
    return {
        "service": {"namespace": service.metadata.namespace, "name": service.metadata.name},
        "placements": service.status.to_dict()["placements"],
        "migration": moves.under_way(service.status.migration),
        "migrations": moves.over(service.status.migrations),
        "history": [entry.to_dict() for entry in entries],
        "notes": list(_notes(service, None if events is None else told, len(events or ()) - len(mine), now)),
    }


def _created(service: AIService) -> Iterator[Entry]:
    if service.metadata.creation_timestamp is not None:
        yield Entry(service.metadata.creation_timestamp, "Object", "Normal", "Created", "The AIService was created")


def _event(event: Json) -> Entry:
    """Return an event; those of other writers may lack what events.k8s.io/v1 asks for."""
    at = event.get("eventTime") or event.get("deprecatedFirstTimestamp") or event["metadata"]["creationTimestamp"]
    series = event.get("series") or {}
    last = series.get("lastObservedTime") or event.get("deprecatedLastTimestamp")
    count = int(series.get("count") or event.get("deprecatedCount") or 1)
    return Entry(
        _moment(at),
        "Event",
        event.get("type", "Normal"),
        event.get("reason", ""),
        event.get("note", ""),
        count,
        _moment(last) if last and count > 1 else None,
    )


def _conditions(service: AIService) -> Iterator[Entry]:
    for condition in service.status.conditions:
        fine = condition.reason == "AsExpected"
        message = f"{condition.type} is {condition.status} since then" + (
            f": {condition.message}" * bool(condition.message)
        )
        kind = "Normal" if fine or condition.status == "Unknown" else "Warning"
        yield Entry(_moment(condition.last_transition_time), "Condition", kind, condition.reason, message)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _notes(service: AIService, told: Sequence[Entry] | None, others: int, now: datetime) -> Iterator[str]:
    """Yield what one should know about what is shown, and about what is not."""
    if told is None:
        yield "Events could not be read: conditions tell their last change only. Ask for the right to list events."
        return
    repeated = [entry for entry in told if entry.count > 1]
    if repeated:
        more = sum(entry.count - 1 for entry in repeated)
        yield f"{plural(more, 'repetition')} of the same event are counted in one line (xN), with the last time"
    if len(told) >= _BURST:
        yield f"of more than {_BURST} events in a short time, one in five minutes is written: some may be missing"
    if others:
        yield f"{plural(others, 'event')} of an earlier AIService of this name are left out"
    created = service.metadata.creation_timestamp
    if created is not None and now - created > KEPT - _NEARLY:
        edge = f"before {told[0].at:%H:%M:%S} UTC" if told else "of this service"
        yield (
            f"events {edge} have expired if there were any: an API server keeps them for an hour unless told "
            "otherwise; of what is older, conditions tell the last change"
        )


def view(structure: Json, _screen: Console) -> RenderableType:
    """Return the history as a table, below it the moves, where the service is now, and what is not shown."""
    table = grid("TIME (UTC)", "SOURCE", "REASON", "TIMES", "MESSAGE")
    for entry in structure["history"]:
        style = _STYLES.get(entry["type"], "") if entry["source"] == "Event" or entry["type"] == "Warning" else ""
        cells = (_clock(entry["time"]), entry["source"], Text(entry["reason"], style=style), _times(entry))
        table.add_row(*cells, entry["message"])
    places = [f"{place['node']} (x{place['replicas']}, score {place['score']})" for place in structure["placements"]]
    where = Text.assemble("Now on ", (", ".join(places) or "no node", "bold"))
    known = moves_view.table(structure["migrations"], structure["migration"])
    told: list[RenderableType] = [Text(), Text("Moves", style="bold underline"), known] if known is not None else []
    return Group(table, *told, Text(), where, *_lines(structure["notes"]))


def _lines(notes: Iterable[str]) -> Iterator[Text]:
    return (Text(f"note: {note}", style="yellow") for note in notes)


def _clock(time: str) -> str:
    return f"{_moment(time):%Y-%m-%d %H:%M:%S}"


def _times(entry: Json) -> str:
    if entry["count"] == 1:
        return ABSENT
    until = f" until {_moment(entry['until']):%H:%M:%S}" if entry["until"] else ""
    return f"x{entry['count']}{until}"
