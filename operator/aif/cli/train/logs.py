"""What `aif train logs` does: the lines of all pods of a job, each behind its role."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from aif.cli.live import Access, ask, namespace_of
from aif.cli.output import Output, console, errors, show
from aif.cli.train import cluster
from aif.cli.train.pods import RolePod
from aif.cli.train.report import over
from aif.errors import ApiError, Denied, Forbidden, InvalidInput, Rejected
from aif.gateways.kubernetes.client import Api

Json = dict[str, Any]

LOOK_SECONDS = 2.0
"""Between two looks for pods that are new."""

_COLOURS: Final = ("cyan", "green", "magenta", "yellow", "blue", "bright_cyan", "bright_green", "bright_magenta")
_LEVELS: Final = {"WARNING": "yellow", "ERROR": "bold red", "CRITICAL": "bold red"}
_SAID: Final = frozenset({"level", "logger", "message", "exception"})
_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log.

    Attributes:
        time: When it was written.
        role: Role of the pod.
        title: Role with the number of the pod.
        pod: Name of the pod.
        text: The line.
    """

    time: str
    role: str
    title: str
    pod: str
    text: str

    def to_dict(self) -> Json:
        """Return the line as a structure."""
        return {"time": self.time, "role": self.role, "name": self.title, "pod": self.pod, "text": self.text}


def logs(
    name: str, access: tuple[str, str, str], roles: Sequence[str], tail: int, output: Output, *, follow: bool = False
) -> None:
    """Print the logs of a job's pods, by their time; ``follow`` goes on until the job has come to its end.

    ``tail`` is the number of last lines of each pod; all where it is negative.

    Raises:
        AifError: The job or the role is not there, or the user may not read logs.
    """
    where = Access(*access)
    namespace = where.namespace or namespace_of(where)
    reader = Reader(namespace, name, roles, None if tail < 0 else tail)
    if follow:
        ask(where, reader.follow)
        return
    found, notes = ask(where, reader.read)
    structure = {
        "job": {"namespace": namespace, "name": name},
        "lines": [line.to_dict() for line in found],
        "notes": notes,
    }
    show(structure, output, lambda _: _view(found))
    if output is Output.TABLE:
        for note in notes:
            errors().print(f"note: {note}", soft_wrap=True)


def _view(found: Sequence[Line]) -> RenderableType:
    margin = max((len(line.title) for line in found), default=0)
    return Group(*(shown(line, margin) for line in found))


def shown(line: Line, margin: int) -> Text:
    """Return a line behind its role, in the colour of the role; of JSON, what it says to people."""
    prefix = (f"{line.title:<{margin}} | ", _COLOURS[sum(map(ord, line.role)) % len(_COLOURS)])
    try:
        event = json.loads(line.text)
    except ValueError:
        event = None
    if not isinstance(event, Mapping) or "message" not in event:
        return Text.assemble(prefix, line.text)
    more = " ".join(f"{name}={_figure(value)}" for name, value in event.items() if name not in _SAID)
    behind = f"\n{event['exception']}" if event.get("exception") else ""
    said = (f"{event['message']}{behind}", _LEVELS.get(str(event.get("level")), ""))
    return Text.assemble(prefix, (f"{line.time[11:19]} ", "dim"), said, (f"  {more}" if more else "", "dim"))


def _figure(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


class Reader:
    """Reads the logs of the pods of one job."""

    def __init__(self, namespace: str, name: str, roles: Sequence[str], tail: int | None) -> None:
        self._namespace, self._name = namespace, name
        self._roles, self._tail = frozenset(roles), tail
        self._margin = 0

    async def read(self, api: Api) -> tuple[list[Line], list[str]]:
        """Return the lines of all pods by their time, and what could not be read."""
        await cluster.one(api, self._namespace, self._name)
        pods = await self._pods(api)
        if not pods:
            raise InvalidInput(f"{self._name} has no pods: `aif train status {self._name}` says why")
        turns = asyncio.Semaphore(_AT_ONCE)
        found = await asyncio.gather(*(self._read(api, pod, turns) for pod in pods))
        lines = [line for each, _ in found for line in each]
        notes = [note for _, note in found if note]
        silent = [] if lines or notes else [f"the pods of {self._name} have said nothing yet"]
        return sorted(lines, key=lambda line: line.time), [*notes, *silent]

    async def _read(self, api: Api, pod: RolePod, turns: asyncio.Semaphore) -> tuple[list[Line], str]:
        async with turns:
            try:
                told = cluster.lines(api, self._namespace, pod.name, self._tail)
                return [_line(pod, text) async for text in told], ""
            except Rejected as error:
                return [], f"{pod.name}: {error.message}"

    async def _pods(self, api: Api) -> list[RolePod]:
        try:
            pods = await cluster.pods(api, self._namespace, self._name)
        except (Denied, Forbidden) as error:
            advice = "have the verbs get and list on pods and pods/log granted to you"
            raise InvalidInput(f"pods in namespace {self._namespace} may not be read by you: {advice}") from error
        self._margin = max([self._margin, *(len(pod.title) for pod in pods)])
        known = dict.fromkeys(pod.role for pod in pods)
        if unknown := sorted(self._roles - known.keys()):
            there = ", ".join(known) or "none yet"
            raise InvalidInput(f"--role: {self._name} has no pod of the role {unknown[0]}; there are: {there}")
        return [pod for pod in pods if not self._roles or pod.role in self._roles]

    async def follow(self, api: Api) -> None:
        """Print lines as they come, also those of pods that are made later, until the job has come to its end.

        Raises:
            AifError: The job or the role is not there, or is gone.
        """
        first = {pod.name for pod in await self._pods(api)}
        tasks: dict[str, asyncio.Task[None]] = {}

        async def look() -> bool:
            done = over(await cluster.one(api, self._namespace, self._name))
            for pod in await self._pods(api):
                if pod.name not in tasks and pod.phase != "Pending":
                    tail = self._tail if pod.name in first else None
                    tasks[pod.name] = asyncio.create_task(self._print(api, pod, tail))
            return done and all(task.done() for task in tasks.values())

        try:
            await cluster.until(look, LOOK_SECONDS)
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)

    async def _print(self, api: Api, pod: RolePod, tail: int | None) -> None:
        """Print the lines of a pod until its end; where the API server goes away, go on behind the last one."""
        screen, last = console(), ""

        async def look() -> bool:
            nonlocal last
            asked = cluster.lines(api, self._namespace, pod.name, None if last else tail, follow=True, since=last)
            async for text in asked:
                line = _line(pod, text)
                # The API server counts whole seconds, and tells some lines again.
                if line.time > last:
                    screen.print(shown(line, self._margin), soft_wrap=True)
                    last = line.time
            return True

        try:
            await cluster.until(look, LOOK_SECONDS)
        except ApiError as error:
            errors().print(f"note: {pod.name}: {error.message}", soft_wrap=True)


def _line(pod: RolePod, text: str) -> Line:
    time, _, said = text.partition(" ")
    return Line(time, pod.role, pod.title, pod.name, said)
