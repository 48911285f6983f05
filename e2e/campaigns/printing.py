"""How a campaign tells its result: a table for people, JSON for programs; what must not be is marked."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import psutil
import typer
from rich.console import Console
from rich.table import Table


class Output(StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Figure:
    """A line of the result. `holds` is None where nothing is demanded of the value."""

    name: str
    value: str | float
    holds: bool | None = None
    detail: str = ""


def tell(title: str, figures: Sequence[Figure], output: Output) -> None:
    """Print the figures, and leave with 1 where one does not hold."""
    if output is Output.JSON:
        lines = [{"name": f.name, "value": f.value, "holds": f.holds, "detail": f.detail} for f in figures]
        typer.echo(json.dumps({"campaign": title, "machine": machine(), "figures": lines}, indent=2))
    else:
        Console().print(_table(title, figures))
    if any(figure.holds is False for figure in figures):
        raise typer.Exit(1)


def machine() -> str:
    """Return what the figures were taken on."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


def _table(title: str, figures: Sequence[Figure]) -> Table:
    table = Table("", "value", "holds", "", title=title, caption=machine())
    words = {None: "", True: "[green]yes[/]", False: "[bold red]NO[/]"}
    for figure in figures:
        value = f"{figure.value:,.1f}" if isinstance(figure.value, float) else str(figure.value)
        table.add_row(figure.name, value, words[figure.holds], figure.detail)
    return table
