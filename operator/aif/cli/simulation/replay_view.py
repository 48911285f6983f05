"""What became of a recording: a row per service and decision, recorded beside replayed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from aif.cli.figures import ABSENT, plural
from aif.cli.output import errors, grid
from aif.cli.simulation.replay import Verdict, Wanted, replay
from aif.handlers.frames import Json

_SECONDS: Final = len("2026-01-01T00:00:00")


def replayed(paths: Sequence[Path], wanted: Wanted) -> list[Verdict]:
    """Return what becomes of every decision in ``paths``, with a bar meanwhile where the standard error is a terminal.

    Raises:
        InvalidInput: A file cannot be read.
    """
    screen = errors()
    if not screen.is_terminal:
        return [verdict for *_, verdicts in replay(_announced(paths, screen), wanted) for verdict in verdicts]
    sizes = {path: path.stat().st_size for path in paths}
    columns = (TextColumn("Replay"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task("", total=sum(sizes.values()))
        verdicts: list[Verdict] = []
        for path, done, found in replay(paths, wanted):
            before = sum(sizes[other] for other in paths[: paths.index(path)])
            bar.update(task, completed=before + done)
            verdicts += found
    return verdicts


def _announced(paths: Sequence[Path], screen: Console) -> Iterator[Path]:
    for number, path in enumerate(paths, start=1):
        screen.print(f"[{number}/{len(paths)}] {path}", soft_wrap=True)
        yield path


def report(verdicts: Sequence[Verdict]) -> Json:
    """Return the comparison as a structure."""
    return {
        "decisions": [
            {
                "time": verdict.at,
                "kind": verdict.kind,
                "service": verdict.service,
                "same": verdict.same,
                "recorded": verdict.recorded,
                "replayed": verdict.replayed,
            }
            for verdict in verdicts
        ],
        "total": len(verdicts),
        "same": sum(verdict.same for verdict in verdicts),
        "different": sum(not verdict.same for verdict in verdicts),
        "services": len({verdict.service for verdict in verdicts}),
    }


def view(structure: Json, _screen: Console) -> RenderableType:
    """Return the comparison as a table, and below it what is different and how much is the same."""
    table = grid("TIME", "KIND", "SERVICE", "RECORDED", "SCORE", "REPLAYED", "SCORE", "SAME")
    for decision in structure["decisions"]:
        recorded, now = decision["recorded"], decision["replayed"]
        table.add_row(
            decision["time"][:_SECONDS],
            decision["kind"],
            Text(decision["service"], style="bold"),
            *_place(recorded),
            *_place(now),
            Text("yes", style="green") if decision["same"] else Text("no", style="red"),
        )
    return Group(table, Text(), *_differences(structure["decisions"]), Text(tally(structure)))


def _place(result: Json) -> tuple[str, str]:
    places = result["places"]
    if not places:
        return result["reason"], ABSENT
    return "\n".join(map(_where, places)), "\n".join(str(place["score"]) for place in places)


def _where(place: Json) -> str:
    replicas = "" if place["replicas"] == 1 else f" x{place['replicas']}"
    role = f"{place['role']}: " if "role" in place else ""
    return f"{role}{place['node']} ({place['variant']}){replicas}"


def _differences(decisions: Iterable[Json]) -> Iterator[Text]:
    """Yield, for each decision that is another one now, both sentences that say why."""
    for decision in decisions:
        if not decision["same"]:
            yield Text.assemble((decision["service"], "bold"), f" at {decision['time']}")
            yield Text(f"  recorded: {decision['recorded']['message']}")
            yield Text(f"  replayed: {decision['replayed']['message']}")
            yield Text()


def tally(structure: Json) -> str:
    """Return in one line how many decisions are the same."""
    total, same = structure["total"], structure["same"]
    kinds = {decision["kind"] == "Job" for decision in structure["decisions"]}
    noun = "object" if len(kinds) > 1 else "training job" if True in kinds else "service"
    services = plural(structure["services"], noun)
    if total == same:
        return f"all {plural(total, 'decision')} about {services} are the same"
    return f"{structure['different']} of {plural(total, 'decision')} about {services} are different"
