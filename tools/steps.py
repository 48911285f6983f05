"""Runs the steps behind a verb of the Makefile, and says of each how it went and how long it took.

Usage: ``python tools/steps.py lint|verify|unit|e2e|test|bench``

On a terminal a bar shows the step at work and how long it took the last time; elsewhere each step is a line. All steps
run even where one fails, so that one run shows all there is to mend; only the end-to-end tests wait for the rest.
These mostly wait for what a cluster does, so three parts of them run side by side, each with clusters of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
RUNNING: set[subprocess.Popen[str]] = set()
TIMES = ROOT / ".steps.json"
PURE = ("api", "contract", "domain", "planning", "reconcile", "scheduling")


class Show(Enum):
    """When the output of a step is shown."""

    ON_FAILURE = auto()
    AT_THE_END = auto()
    LIVE = auto()


@dataclass(frozen=True, slots=True)
class Step:
    """A command with a name; one that `waits` does not start once another step has failed.

    A step with `beside` runs at the same time as the step before it, and its lines begin with that mark.
    """

    name: str
    command: tuple[str, ...]
    show: Show = Show.ON_FAILURE
    waits: bool = False
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended; without an exit status it did not run."""

    step: Step
    status: int | None
    seconds: float = 0.0

    @property
    def line(self) -> Text:
        """The outcome in a line, coloured on a terminal."""
        if self.status is None:
            return Text(f"skipped  {self.step.name}, as a step before it failed", style="yellow")
        mark, style = ("ok      ", "green") if self.status == 0 else ("FAILED  ", "bold red")
        return Text(f"{mark} {self.step.name}  {readable(self.seconds)}", style=style)


def tool(name: str, *arguments: str) -> tuple[str, ...]:
    """A command of the virtual environment that this program runs in."""
    return (str(BIN / name), *arguments)


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """A module run by the Python of this program."""
    return (sys.executable, "-m", name, *arguments)


LINT = (
    Step("formatting", tool("ruff", "format", "--check", ".")),
    Step("rules of ruff", tool("ruff", "check", ".")),
    Step("types", tool("mypy")),
    Step("contracts of the architecture", tool("lint-imports")),
    Step("figures of style", (sys.executable, str(ROOT / "tools" / "style_figures.py")), Show.AT_THE_END),
)
VERIFY = (
    Step("generated files", module("aif.cli.generate", "--check")),
    Step("the model of the server", (sys.executable, str(ROOT / "tools" / "plates_model.py"), "--check")),
)
RUNTIME = "operator/tests/aif_runtime"
QUICK = ("-o", "faulthandler_timeout=300")
UNIT = (
    Step(
        "unit and property tests, coverage of the pure packages",
        module("pytest", *QUICK, "operator/tests", "--ignore", RUNTIME, *(f"--cov=aif.{name}" for name in PURE)),
        Show.LIVE,
    ),
    # In a process of their own: what threads of gRPC do there harms no other test.
    Step("tests of the runtime", module("pytest", *QUICK, RUNTIME), Show.LIVE, beside="runtime | "),
)
TESTS = ROOT / "e2e" / "tests"
AUDITS = Path(tempfile.gettempdir()) / f"aif-audits-{os.getpid()}"
AUDIT = "test_zz_audit.py"
PATIENCE_S = 2700
"""Longest time of a step, that of a machine on which all has still to be built: one that hangs is ended, and told."""

WITH_THE_OPERATOR = ("operators", "losses", "jobs")


def end_to_end() -> tuple[Step, ...]:
    """The end-to-end tests in three parts side by side, and what the audit logs of all tell."""
    folders = (path.name for path in TESTS.iterdir() if any(path.glob("test_*.py")))
    stray = (path.name for path in TESTS.glob("test_*.py"))
    others = sorted({*folders, *stray} - {*WITH_THE_OPERATOR, "moves", AUDIT})

    def tests(cluster: str, *names: str) -> tuple[str, ...]:
        paths = (str((TESTS / name).relative_to(ROOT)) for name in names)
        return module("pytest", *paths, "--cluster", cluster, "--audits", str(AUDITS))

    return (
        Step("end-to-end tests with the operator", tests("e2e", *WITH_THE_OPERATOR), Show.LIVE, waits=True),
        Step("end-to-end tests of moves", tests("e2e-moves", "moves"), Show.LIVE, waits=True, beside="moves | "),
        Step("other end-to-end tests", tests("e2e-others", *others), Show.LIVE, waits=True, beside="others | "),
        Step("audit of the operator's rights", tests("e2e", AUDIT), Show.LIVE, waits=True),
    )


def benchmarks() -> tuple[Step, ...]:
    """A step per benchmark; each prints the figures that the documents quote."""
    found = sorted((ROOT / "benchmarks").glob("bench_*.py"))
    return tuple(Step(path.stem, (sys.executable, str(path)), Show.LIVE) for path in found)


VERBS = {
    "lint": LINT,
    "verify": VERIFY,
    "unit": UNIT,
    "e2e": end_to_end(),
    "test": LINT + VERIFY + UNIT + end_to_end(),
    "bench": benchmarks(),
}


def readable(seconds: float) -> str:
    """A time for people: tenths below a minute, minutes and seconds above."""
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"  # noqa: PLR2004 - a minute


def times_before() -> dict[str, float]:
    """Seconds that each step took when it last went well; empty on the first run."""
    with contextlib.suppress(OSError, ValueError):
        return {str(name): float(seconds) for name, seconds in json.loads(TIMES.read_text(encoding="utf-8")).items()}
    return {}


def clock(seconds: float) -> str:
    """A time since the beginning of a step, such as 12:07."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02}:{rest:02}"


def start(step: Step, console: Console) -> subprocess.Popen[str]:
    """Start a step; its output goes through a pipe, yet may have the colours and the width of the terminal.

    It leads a group of its own, so that whatever it started can be ended with it.
    """
    colours = {"PY_COLORS": "1", "COLUMNS": str(console.width)} if console.is_terminal else {}
    return subprocess.Popen(
        step.command,
        cwd=ROOT,
        env={**os.environ, **colours},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def tell(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> None:
    """Send a signal to a step and to whatever it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


@contextlib.contextmanager
def ended_in_time(process: subprocess.Popen[str]) -> Iterator[None]:
    """Run a block beside a step that is told to end after `PATIENCE_S`; in the end nothing of the step is left."""
    timer = threading.Timer(PATIENCE_S, tell, (process,))
    timer.daemon = True
    timer.start()
    RUNNING.add(process)
    try:
        yield
    finally:
        timer.cancel()
        RUNNING.discard(process)
        tell(process)


def pass_on(number: int, _: object) -> None:
    """Pass a signal on to the steps at work, and end."""
    for process in tuple(RUNNING):
        tell(process, number)
    raise KeyboardInterrupt


def run(step: Step, console: Console) -> Outcome:
    """Run a step, and print what of its output is to be seen."""
    began = time.monotonic()
    kept: list[str] = []
    with start(step, console) as process, ended_in_time(process):
        for line in process.stdout or ():
            if step.show is Show.LIVE:
                mark = step.beside if console.is_terminal else f"{clock(time.monotonic() - began)} {step.beside}"
                console.print(Text(mark, style="dim") + Text.from_ansi(line.rstrip("\n")), soft_wrap=True)
            else:
                kept.append(line)
    if process.returncode or step.show is Show.AT_THE_END:
        console.print(Text.from_ansi("".join(kept)), soft_wrap=True)
    return Outcome(step, process.returncode, time.monotonic() - began)


@contextlib.contextmanager
def bar(console: Console, steps: int) -> Iterator[tuple[Progress, TaskID]]:
    """A bar over all steps; without a terminal it stays unseen."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        yield progress, progress.add_task("", total=steps)


def side_by_side(steps: Sequence[Step]) -> list[list[Step]]:
    """The steps in their order, those together that run at the same time."""
    groups: list[list[Step]] = []
    for step in steps:
        if not (step.beside and groups):
            groups.append([])
        groups[-1].append(step)
    return groups


def run_together(steps: Sequence[Step], console: Console, *, failed: bool) -> list[Outcome]:
    """Run steps at the same time, a line for each as it ends."""

    def attempt(step: Step) -> Outcome:
        outcome = Outcome(step, None) if step.waits and failed else run(step, console)
        console.print(outcome.line, soft_wrap=True)
        return outcome

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(attempt, steps))


def run_all(steps: Sequence[Step], console: Console) -> list[Outcome]:
    """Run the steps in their order, a line for each as it ends."""
    before = times_before()
    outcomes: list[Outcome] = []
    with bar(console, len(steps)) as (progress, task):
        for together in side_by_side(steps):
            last = [f"{s.name} (took {readable(before[s.name])} last time)" for s in together if s.name in before]
            progress.update(task, description=", ".join(last or [step.name for step in together]))
            failed = any(outcome.status for outcome in outcomes)
            outcomes += run_together(together, console, failed=failed)
            progress.advance(task, len(together))
    shutil.rmtree(AUDITS, ignore_errors=True)
    took = {outcome.step.name: round(outcome.seconds, 1) for outcome in outcomes if outcome.status == 0}
    TIMES.write_text(json.dumps(before | took, indent=2) + "\n", encoding="utf-8")
    return outcomes


def main() -> int:
    """Run the verb that was named; 1 where a step failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("verb", choices=VERBS)
    verb = parser.parse_args().verb
    console = Console()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    outcomes = run_all(VERBS[verb], console)
    failed = [outcome.step.name for outcome in outcomes if outcome.status]
    total = readable(sum(outcome.seconds for outcome in outcomes))
    said = f"failed: {', '.join(failed)}" if failed else f"{len(outcomes)} steps ok in {total}"
    console.print(f"{verb}: {said}", soft_wrap=True)
    return 1 if failed else 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
