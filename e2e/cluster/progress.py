"""Progress of long work: bars on a terminal, a line per step without one.

with Steps(console, [Step("Build etcd", usually="1 to 3 min"), Step("Start etcd")]) as steps:
    with steps.run("Build etcd") as running:
        running.advance(120, total=600)
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.text import Text


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, and how long it usually takes, such as "8 to 14 min"."""

    title: str
    usually: str = ""


class Running:
    """The step that is under way."""

    def __init__(self, progress: Progress | None, task: TaskID) -> None:
        """Report to `progress`; to nobody where there is none."""
        self._progress = progress
        self._task = task

    def advance(self, done: float, total: float | None = None) -> None:
        """So much of the step is done."""
        if self._progress is not None:
            self._progress.update(self._task, completed=done, total=total)

    def detail(self, text: str) -> None:
        """What the step is at."""
        if self._progress is not None:
            self._progress.update(self._task, detail=text)


class Steps:
    """A plan of steps that shows where it is. Leaving a step by an exception marks it as failed."""

    def __init__(self, console: Console, plan: Sequence[Step] = ()) -> None:
        """Show `plan` on `console`; bars where that is a terminal."""
        self.console = console
        self._plan: list[Step] = []
        self._begun = 0
        self._progress = _bars(console) if console.is_terminal else None
        self._tasks: dict[str, TaskID] = {}
        self.extend(plan)

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def extend(self, plan: Sequence[Step]) -> None:
        """Add steps to the plan; work that is learnt of on the way."""
        for step in plan:
            self._plan.append(step)
            if self._progress is not None:
                self._tasks[step.title] = self._progress.add_task(
                    step.title, start=False, total=None, usually=step.usually, detail="", state="waiting"
                )

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        console = self.console if self._progress is None else self._progress.console
        console.print(text, highlight=False, soft_wrap=True)

    @contextmanager
    def run(self, title: str) -> Iterator[Running]:
        """Carry out one step; a title that the plan does not have is added to it."""
        if all(step.title != title for step in self._plan):
            self.extend([Step(title)])
        self._begun += 1
        begun = time.monotonic()
        task = self._begin(title)
        try:
            yield Running(self._progress, task)
        except BaseException:
            self._finish(title, time.monotonic() - begun, failed=True)
            raise
        self._finish(title, time.monotonic() - begun, failed=False)

    def _begin(self, title: str) -> TaskID:
        if self._progress is not None:
            task = self._tasks[title]
            self._progress.start_task(task)
            self._progress.update(task, state="running")
            return task
        usually = next(step.usually for step in self._plan if step.title == title)
        hint = f" (usually {usually})" if usually else ""
        self.say(f"\\[{self._begun}/{len(self._plan)}] {title}{hint}")
        return TaskID(0)

    def _finish(self, title: str, seconds: float, *, failed: bool) -> None:
        if self._progress is not None:
            task = self._tasks[title]
            state = "failed" if failed else "done"
            completed = None if failed else 1
            self._progress.update(task, state=state, detail="", total=1, completed=completed)
            self._progress.stop_task(task)
        elif failed or seconds >= _WORTH_A_LINE_S:
            self.say(f"      {'failed' if failed else 'done'} after {duration(seconds)}")


_WORTH_A_LINE_S = 10.0


def duration(seconds: float) -> str:
    """Seconds for a reader: 7 s, 3 min 20 s."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


_MARKS = {"done": Text("✓", "green"), "failed": Text("✗", "red"), "waiting": Text(" ")}


class _Mark(SpinnerColumn):
    def render(self, task: Task) -> Text:
        mark = _MARKS.get(task.fields["state"])
        rendered = mark if mark is not None else super().render(task)
        return rendered if isinstance(rendered, Text) else Text("·")


class _Elapsed(ProgressColumn):
    def render(self, task: Task) -> Text:
        elapsed = task.elapsed
        return Text("" if elapsed is None else duration(elapsed), "cyan")


class _Usually(ProgressColumn):
    def render(self, task: Task) -> Text:
        usually = task.fields["usually"]
        told = usually and task.fields["state"] in {"waiting", "running"}
        return Text(f"usually {usually}" if told else "", "dim")


def _bars(console: Console) -> Progress:
    return Progress(
        _Mark(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        _Elapsed(),
        _Usually(),
        TextColumn("[dim]{task.fields[detail]}"),
        console=console,
    )
