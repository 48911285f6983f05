"""How results are printed: a table for people, JSON and YAML for programs; colours only on a terminal."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from enum import StrEnum
from typing import Annotated, Any, Final

import typer
import yaml
from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

WIDTH_WITHOUT_TERMINAL: Final = 200
"""Wide enough that a table in a log or a pipe is not cut; a table takes only what it needs."""


AGAIN_SECONDS: Final = 2.0
"""Between two looks at what changes."""

Json = dict[str, Any]
View = Callable[[Json, Console], RenderableType]


class Output(StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="Print a table, JSON or YAML.")]


def console() -> Console:
    """Return the console of the standard output; rich itself honours NO_COLOR and looks for a terminal."""
    return _console(stderr=False)


def errors() -> Console:
    """Return the console of the standard error."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDTH_WITHOUT_TERMINAL
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


def show(structure: Any, output: Output, table: Callable[[Console], RenderableType]) -> None:  # noqa: ANN401 - JSON
    """Print ``structure`` as JSON or YAML, or what ``table`` makes for a console."""
    match output:
        case Output.JSON:
            sys.stdout.write(json.dumps(structure, indent=2, ensure_ascii=False) + "\n")
        case Output.YAML:
            yaml.safe_dump(structure, sys.stdout, sort_keys=False, allow_unicode=True, width=100)
        case Output.TABLE:
            screen = console()
            screen.print(table(screen))


def show_again(look: Callable[[], Json], view: View) -> None:
    """Print what ``look`` returns every two seconds, until a person has enough; without a terminal where it changed."""
    screen, shown = console(), None
    moving = Live(console=screen, auto_refresh=False, screen=True) if screen.is_terminal else None
    with moving or nullcontext():
        while True:
            found = look()
            if moving is not None:
                moving.update(view(found, screen), refresh=True)
            elif found != shown:
                screen.print(view(found, screen))
            shown = found
            time.sleep(AGAIN_SECONDS)


def grid(*headings: str) -> Table:
    """Return a table without lines, as kubectl prints one, on which long cells wrap."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


_BAR: Final = 10
_MUCH, _MOST = 0.7, 0.9


def share_bar(share: float | None, screen: Console, *, good_when_full: bool = False) -> Text:
    """Return a share in per cent, with a bar on a terminal; a score has no sign of per cent, and is good when full."""
    if share is None:
        return Text("-")
    figure = f"{share * 100:.0f}" if good_when_full else f"{share * 100:.0f} %"
    if not screen.is_terminal:
        return Text(figure)
    block = "█" if screen.encoding.lower().startswith("utf") else "#"
    filled = block * round(min(1.0, max(0.0, share)) * _BAR)
    worry = 1.0 - share if good_when_full else share
    style = "red" if worry >= _MOST else "yellow" if worry >= _MUCH else "green"
    return Text.assemble((f"{filled:<{_BAR}}", style), f" {figure:>5}")
