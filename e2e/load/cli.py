"""The command line: python -m load --url http://10.96.1.2 --rate 200 --seconds 60 --clients new,keepalive,stream."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from load import running
from load.plan import Arrivals, Client, Plan, lanes
from load.running import Course

_REPORT_S = 10.0
_COLUMNS = ("clients", "sent", "succeeded", "cut by the server's end", "failed", "p50 ms", "p99 ms", "max ms")


class Output(StrEnum):
    """How the result is printed."""

    TABLE = "table"
    JSON = "json"


def load(  # noqa: PLR0913, PLR0917 - typer hands over options by name
    url: Annotated[list[str], typer.Option(help="Where the server is, such as http://10.96.1.2:80; several share.")],
    rate: Annotated[float, typer.Option(min=0, help="Requests per second, shared by the kinds of clients.")] = 100.0,
    seconds: Annotated[float, typer.Option(min=0, help="For so long; 0: until SIGINT or SIGTERM.")] = 10.0,
    clients: Annotated[str, typer.Option(help="Of new, keepalive and stream, between commas.")] = "new,keepalive",
    streams: Annotated[float, typer.Option(min=0, help="Streams begun per second.")] = 1.0,
    chunks: Annotated[int, typer.Option(min=1, help="Chunks of a stream.")] = 10,
    interval: Annotated[float, typer.Option(min=0, help="Seconds between two chunks.")] = 0.1,
    timeout: Annotated[float, typer.Option(min=0.001, help="Seconds until a request counts as failed.")] = 10.0,
    arrivals: Annotated[Arrivals, typer.Option(help="How they follow one another.")] = Arrivals.EVEN,
    pool: Annotated[int, typer.Option(min=1, help="Most connections of a pool.")] = 16,
    pool_idle: Annotated[float, typer.Option(min=0, help="Seconds until a pool drops an idle connection.")] = 4.0,
    failures: Annotated[Path | None, typer.Option(help="Write a JSON object per failure into this file.")] = None,
    output: Annotated[Output, typer.Option("--output", "-o", help="How the result is printed.")] = Output.TABLE,
) -> None:
    """Send requests at given times, whatever came back before; latencies count from when a request was due.

    Ends with 1 where a request failed.
    """
    kinds = _kinds(clients)
    plan = Plan(lanes(url, kinds, rate, streams), seconds or None, timeout, pool, pool_idle, chunks, interval)
    plan = replace(plan, arrivals=arrivals)
    course = Course(plan)
    uvloop.run(_run(course, Console(stderr=True)))
    if failures is not None:
        failures.write_text("".join(f"{json.dumps(record)}\n" for record in course.records))
    if output is Output.JSON:
        print(json.dumps(running.told(course)))
    else:
        table = Table(*_COLUMNS, title=f"{course.sent} requests in {course.seconds:.1f} s, {course.failed} failed")
        for row in running.rows(course):
            table.add_row(*row)
        Console().print(table)
    raise typer.Exit(1 if course.failed else 0)


def _kinds(text: str) -> list[Client]:
    try:
        return [Client(word) for word in dict.fromkeys(text.split(","))]
    except ValueError:
        raise typer.BadParameter(
            f"{text!r}: choose of {', '.join(Client)}, between commas", param_hint="--clients"
        ) from None


async def _run(course: Course, console: Console) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, course.stop)
    with console.status("Sending") as status:

        def say(words: str) -> None:
            if console.is_terminal:
                status.update(words)
            else:
                console.print(words)

        telling = asyncio.create_task(running.report(course, 1.0 if console.is_terminal else _REPORT_S, say))
        await course.run()
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling


def main() -> None:
    """Run the command line."""
    typer.run(load)
