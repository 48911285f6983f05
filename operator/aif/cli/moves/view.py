"""Moves on a screen: the one under way phase by phase, and a row for each that is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from aif.api.migration_status import MigrationFigure, MigrationRecord, MigrationStatus, Phase
from aif.cli.figures import ABSENT, in_unit
from aif.cli.moves.moves import PHASES, End, Pursuit, moment, nodes, seconds, spans
from aif.cli.output import grid

Json = dict[str, Any]

_RESULTS: Final[Mapping[str, str]] = {"Completed": "green", "RolledBack": "red"}
_ENDS: Final[Mapping[End | None, str]] = {
    End.COMPLETED: "green",
    End.ROLLED_BACK: "red",
    End.REFUSED: "red",
    End.AWAITING_APPROVAL: "yellow",
}


def progress(pursuit: Pursuit, now: datetime) -> RenderableType:
    """Return a row per phase with what happens in it, and how long it took or has been taking until ``now``."""
    if pursuit.move is None:
        return Text("Waiting for the operator to answer" if pursuit.end is None else "", style="dim")
    table = grid("", "PHASE", "TIME", "WHAT HAPPENS")
    times, current = spans(pursuit), pursuit.move.phase
    for phase, told in PHASES.items():
        begun, took = times.get(phase, (None, None))
        if begun is not None and took is None and pursuit.end is None:
            took = max(0, round((now - begun).total_seconds()))
        table.add_row(_mark(phase, current, pursuit.end), phase.value, _time(took), _told(phase, told, pursuit.move))
    return Group(heading(pursuit.move), table, *figures(pursuit.move.figures))


def _mark(phase: Phase, current: Phase, end: End | None) -> Text:
    order = list(PHASES)
    if end is End.COMPLETED or order.index(phase) < order.index(current):
        return Text("done", style="green")
    if phase is not current:
        return Text("")
    return Text("now", style="bold yellow") if end is None else Text("back", style="red")


def _told(phase: Phase, told: str, move: MigrationStatus) -> str:
    return f"{told}, by {move.verified_by}" if phase is Phase.CONTRACT_VERIFIED and move.verified_by else told


def _time(took: int | None) -> str:
    return ABSENT if took is None else f"{took} s"


def heading(move: MigrationStatus) -> Text:
    """Return which move it is, and why."""
    source, target = nodes(each.node for each in move.sources), nodes(each.node for each in move.targets)
    return Text.assemble(f"Move {move.id} from ", (source, "bold"), " to ", (target, "bold"), f", {move.trigger}")


def figures(known: Sequence[MigrationFigure]) -> Iterator[RenderableType]:
    """Yield what was measured of both copies; nothing where nothing was."""
    if not known:
        return
    table = grid("DIMENSION", "PROMISED", "OLD COPY", "NEW COPY")
    for one in known:
        cells = (in_unit(one.dimension, value) for value in (one.promised, one.source, one.target))
        table.add_row(one.dimension, *cells)
    yield Text()
    yield table


def line(pursuit: Pursuit) -> str:
    """Return the phase that the move has come to, in a line for a log; empty where there is no move."""
    if pursuit.move is None:
        return ""
    move = pursuit.move
    figures = "".join(
        f"; {one.dimension} {in_unit(one.dimension, one.source)} -> {in_unit(one.dimension, one.target)}"
        for one in move.figures
        if one.target is not None
    )
    return f"{moment(move.phase_since):%H:%M:%S} {move.phase}: {_told(move.phase, PHASES[move.phase], move)}{figures}"


def end(pursuit: Pursuit, name: str, advice: str) -> Text:
    """Return how a request about the service ``name`` ended, and what to do next."""
    record, message = pursuit.record, f": {pursuit.message}" if pursuit.message else ""
    if pursuit.end is End.COMPLETED and record is not None:
        told = f"{name} serves on {record.to}{_after(record)}"
    elif pursuit.end is End.ROLLED_BACK and record is not None:
        told = f"{name} serves on {record.source} as before{_after(record)}{message}"
    elif pursuit.end is not None:
        told = f"{name} stays where it is{message}"
    else:
        told = f"{name} goes on moving by itself" if pursuit.number is not None else f"{name} was asked to move"
    result = (pursuit.end or End.UNDER_WAY).value
    return Text.assemble((result, _ENDS.get(pursuit.end, "")), f": {told}", f"\n{advice}" if advice else "")


def _after(record: MigrationRecord) -> str:
    took = seconds(record)
    return "" if took is None else f", after {took} s"


def table(moves: Sequence[Json], current: Json | None = None) -> Table | None:
    """Return a row per move of ``over`` and one for the ``current`` of ``under_way``; None where there was none."""
    if not moves and current is None:
        return None
    rows = grid("MOVE", "STARTED (UTC)", "TRIGGER", "FROM", "TO", "RESULT", "TOOK", "VERIFIED BY", "MEASURED")
    for move in [*moves, *([current] if current else [])]:
        rows.add_row(*_row(move))
    return rows


def _row(move: Json) -> tuple[str | Text, ...]:
    result = move.get("result") or move["phase"]
    reason = f" ({move['reason']})" if move.get("reason") else ""
    started = f"{moment(move['startedAt']):%Y-%m-%d %H:%M:%S}" if move.get("startedAt") else ABSENT
    told = Text(f"{result}{reason}", style=_RESULTS.get(result, "yellow"))
    took, by = _time(move.get("seconds")), move.get("verifiedBy", ABSENT)
    return (str(move["id"]), started, move["trigger"], move["from"], move["to"], told, took, by, measured(move))


def measured(move: Json) -> str:
    """Return what was measured of both copies, a line per dimension; a dash where nothing was."""
    lines = (
        f"{one['dimension']} {in_unit(one['dimension'], one.get('source'))} -> "
        f"{in_unit(one['dimension'], one.get('target'))} of {in_unit(one['dimension'], one['promised'])}"
        for one in move.get("figures", ())
    )
    return "\n".join(lines) or ABSENT
