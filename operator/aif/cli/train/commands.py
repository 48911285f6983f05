"""What `aif train status` and `plot` do: they show how far a job is, now, until its end, or as a curve."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from aif.api.trainingjob import TrainingJob
from aif.cli.inputs import load
from aif.cli.output import Output, console, errors, show
from aif.cli.plots import draw
from aif.cli.train import chart, view
from aif.cli.train.pods import Seen
from aif.cli.train.report import FAILED, history, metric, over, report, state
from aif.errors import InvalidInput

if TYPE_CHECKING:
    from aif.gateways.kubernetes.client import Api

Json = dict[str, Any]

DONE, ENDED_BADLY, INTERRUPTED = 0, 1, 130

ACCURACY: Final = "accuracy"
"""The metric that the status of a job holds; its leading pod knows more."""

LOOK_SECONDS = 2.0
"""Between two looks at a job that is watched."""

Access = tuple[str, str, str]


def status(
    name: str, files: Sequence[str], access: Access, output: Output, *, live: bool = False, watch: bool = False
) -> int:
    """Print how far the job ``name`` is; ``watch`` shows it until its end. Return the exit status.

    Raises:
        AifError: It is not there, or cannot be read.
    """
    if watch:
        return _watch(name, access, output, live=live)
    structure = report(_seen(name, files, access, live=live))
    show(structure, output, lambda screen: view.view(structure, screen))
    return DONE


def plot(name: str, files: Sequence[str], access: Access, drawn: tuple[str, str], output: Output) -> None:
    """Print the curve of a metric over the rounds; ``drawn`` names the metric, and a file for a picture or none.

    Raises:
        AifError: The job is not there, or there is nothing to draw yet.
    """
    wanted, path = drawn
    seen = _seen(name, files, access, live=wanted != ACCURACY)
    curve = _curve(seen, wanted)
    draw(path, chart.painted(curve))
    structure = {
        "job": {"namespace": seen.job.metadata.namespace, "name": name},
        "metric": wanted,
        "rounds": curve.last,
        "target": curve.target,
        "points": [{"round": turn, "value": value} for turn, value in curve.points],
    }
    show(structure, output, lambda screen: chart.plotted(curve, screen))


def _curve(seen: Seen, wanted: str) -> chart.Curve:
    job, points = seen.job, history(seen)
    values = metric(points, wanted)
    if not values:
        raise InvalidInput(_nothing(seen, points, wanted))
    last = max(report(seen)["rounds"], values[-1][0])
    percent = wanted == ACCURACY
    target = job.spec.stop.target_accuracy_basis_points if percent else None
    label = "accuracy (%)" if percent else wanted
    reached = None if target is None else target / 100
    return chart.Curve(f"{job.metadata.name}: {label} by round", label, values, last, reached)


def _nothing(seen: Seen, points: Sequence[Json], wanted: str) -> str:
    name = seen.job.metadata.name
    known = sorted({key for point in points for key in point["metrics"]} - {"clients"})
    if known:
        return f"--metric: {name} tells no {wanted}; there are {', '.join(known)}"
    if points and wanted != ACCURACY:
        told = "".join(f"; {note}" for note in seen.notes)
        return f"--metric {wanted}: a status holds accuracy only, others are told by the pod itself while it runs{told}"
    why = "".join(f"; {note}" for note in seen.notes)
    return f"{name} is {state(seen.job)}, and no round of it has been judged yet: `aif train status {name}`{why}"


def _seen(name: str, files: Sequence[str], access: Access, *, live: bool) -> Seen:
    if files:
        return Seen(_named(load(files).jobs, name, access[2]), datetime.now(UTC))
    from aif.cli.live import Access as Where  # noqa: PLC0415 - the client for Kubernetes loads slowly
    from aif.cli.train import cluster  # noqa: PLC0415 - and files need none

    return cluster.seen(Where(*access), name, datetime.now(UTC), live=live)


def _named(jobs: Sequence[TrainingJob], name: str, namespace: str) -> TrainingJob:
    found = [one for one in jobs if one.metadata.name == name and namespace in ("", one.metadata.namespace)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidInput(f"{name} stands in several namespaces: name one of them with --namespace")
    known = ", ".join(one.metadata.name for one in jobs) or "none"
    raise InvalidInput(f"no TrainingJob {name} in these files; there are: {known}")


def _watch(name: str, access: Access, output: Output, *, live: bool) -> int:
    from aif.cli.live import Access as Where  # noqa: PLC0415 - as above
    from aif.cli.live import ask, namespace_of  # noqa: PLC0415
    from aif.cli.train import cluster  # noqa: PLC0415

    where = Where(*access)
    namespace = where.namespace or namespace_of(where)
    watcher = Watcher(console() if output is Output.TABLE else errors())

    async def follow(api: Api) -> None:
        async def look() -> bool:
            seen = await cluster.look(api, namespace, name, datetime.now(UTC), live=live)
            watcher.tell(seen)
            return over(seen.job)

        await cluster.until(look, LOOK_SECONDS)

    interrupted = False
    try:
        with watcher.screen():
            ask(where, follow)
    except KeyboardInterrupt:
        interrupted = True
    if (told := watcher.told) is not None and (output is not Output.TABLE or not watcher.moves):
        show(told, output, lambda screen: view.view(told, screen))
    if interrupted:
        return INTERRUPTED
    return ENDED_BADLY if told is not None and told["state"] == FAILED else DONE


class Watcher:
    """Shows a job until its end: a screen that moves on a terminal, else a line for each change.

    Attributes:
        told: What was told last.
    """

    def __init__(self, screen: Console) -> None:
        self.told: Json | None = None
        self._screen = screen
        self._line = ""

    @property
    def moves(self) -> bool:
        """Return whether what was told last stays on the screen."""
        return self._screen.is_terminal

    def screen(self) -> Live | nullcontext[None]:
        """Return what to look within."""
        return Live(console=self._screen, get_renderable=self._shown) if self.moves else nullcontext()

    def _shown(self) -> RenderableType:
        return Text("Looking", style="dim") if self.told is None else view.view(self.told, self._screen)

    def tell(self, seen: Seen) -> None:
        """Show what was seen."""
        self.told = report(seen)
        line = view.line(self.told)
        # What remains gets less all the time, and is no news.
        news = line.partition(", about ")[0]
        if not self.moves and news != self._line:
            self._screen.print(f"{seen.at:%H:%M:%S} {line}", soft_wrap=True)
        self._line = news
