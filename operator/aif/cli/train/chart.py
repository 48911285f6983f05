"""A curve: of dots in a terminal, or on a figure of matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor, isfinite, log10
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group, RenderableType
from rich.text import Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS: Final = 12
_WIDEST: Final = 100
_DOTS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a braille sign, by row and column of its dots."""

_BLANK: Final = 0x2800
_ACROSS, _DOWN = 2, 4
_SPARKS: Final = "▁▂▃▄▅▆▇█"
_LEAST: Final = 1e-6
_STEPS: Final = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Curve:
    """A metric of a job by round.

    Attributes:
        title: What is shown.
        label: Metric, with its unit.
        points: Rounds in their order, each with its value.
        last: Last round that there may be.
        target: Value at which the job is done; None for none.
    """

    title: str
    label: str
    points: Sequence[tuple[int, float]]
    last: int
    target: float | None = None

    @property
    def bounds(self) -> tuple[float, float]:
        """Return a range with round ends that holds every value, and the target."""
        values = [value for _, value in self.points] + ([self.target] if self.target is not None else [])
        low, high = min(values), max(values)
        # A course that is flat, but for what rounding leaves, still needs a range to stand in.
        flat = max(abs(low), abs(high), _LEAST) * _LEAST
        step = _step(max(high - low, flat))
        below, above = min(low, floor(low / step) * step), max(high, -floor(-high / step) * step)
        return below, above if above > below else below + step


def _step(spread: float) -> float:
    """Return a step of 1, 2 or 5 times a power of ten, about a quarter of ``spread``."""
    raw = spread / 4
    unit = 10.0 ** floor(log10(raw))
    return next(factor * unit for factor in _STEPS if factor * unit >= raw)


def spark(values: Sequence[float], width: int = 24) -> str:
    """Return values as a row of blocks, the last one at the right; empty where there are fewer than two."""
    shown = [value for value in values if isfinite(value)]
    if len(shown) < 2:  # noqa: PLR2004 - a single value has no course
        return ""
    picked = [
        shown[round(at * (len(shown) - 1) / (min(width, len(shown)) - 1))] for at in range(min(width, len(shown)))
    ]
    low, spread = min(picked), (max(picked) - min(picked)) or 1.0
    return "".join(_SPARKS[round((value - low) / spread * (len(_SPARKS) - 1))] for value in picked)


def plotted(curve: Curve, screen: Console) -> RenderableType:
    """Return the curve in dots, with its axes; a terminal without Unicode gets stars."""
    low, high = curve.bounds
    labels = [_figure(value, high - low) for value in (high, (low + high) / 2, low)]
    margin = max(map(len, labels))
    width = max(10, min(screen.width, _WIDEST) - margin - 3)
    plain = not screen.encoding.lower().startswith("utf")
    canvas = _Canvas(width, ROWS)
    if curve.target is not None:
        canvas.dotted((curve.target - low) / (high - low))
    canvas.curve([((turn - 1) / max(1, curve.last - 1), (value - low) / (high - low)) for turn, value in curve.points])
    named = {0: labels[0], ROWS // 2: labels[1], ROWS - 1: labels[2]}
    bar, corner, rule = ("|", "+", "-") if plain else ("│", "└", "─")
    lines = [f"{named.get(at, ''):>{margin}} {bar}{row}" for at, row in enumerate(canvas.rows(plain=plain))]
    ends = f"{'':>{margin}}  1{'round':^{max(1, width - 1 - len(str(curve.last)))}}{curve.last}"
    body = [Text(line.rstrip()) for line in lines]
    return Group(Text(curve.title, style="bold"), *body, Text(f"{'':>{margin}} {corner}{rule * width}"), Text(ends))


def _figure(value: float, spread: float) -> str:
    digits = max(0, 1 - floor(log10(spread)))
    return f"{value:.{digits}f}" if digits else f"{value:g}"


class _Canvas:
    """Dots, two across and four down for each sign."""

    def __init__(self, width: int, height: int) -> None:
        self._cells = [[0] * width for _ in range(height)]
        self._across, self._down = width * _ACROSS - 1, height * _DOWN - 1

    def curve(self, points: Sequence[tuple[float, float]]) -> None:
        """Join points, each a share of the width and of the height."""
        places = [(round(x * self._across), y) for x, y in points]
        for x, y in places:
            self._dot(x, y)
        for (x, y), (x2, y2) in pairwise(places):
            for step in range(1, x2 - x):
                self._dot(x + step, y + (y2 - y) * step / (x2 - x))

    def dotted(self, y: float) -> None:
        """Put every fourth dot across at a share of the height."""
        for x in range(0, self._across + 1, 4):
            self._dot(x, y)

    def _dot(self, x: int, y: float) -> None:
        down = self._down - round(min(1.0, max(0.0, y)) * self._down)
        x = min(self._across, max(0, x))
        self._cells[down // _DOWN][x // _ACROSS] |= _DOTS[down % _DOWN][x % _ACROSS]

    def rows(self, *, plain: bool) -> Iterator[str]:
        """Yield the rows, the uppermost first."""
        for row in self._cells:
            yield "".join(" " if not cell else "*" if plain else chr(_BLANK + cell) for cell in row)


def painted(curve: Curve) -> Callable[[Figure], None]:
    """Return what paints the curve on a figure."""

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        turns, values = [turn for turn, _ in curve.points], [value for _, value in curve.points]
        axes.plot(turns, values, marker="o", markersize=3, color="tab:green", label=curve.label)
        if curve.target is not None:
            axes.axhline(curve.target, color="tab:grey", linestyle="--", linewidth=1, label="target")
        axes.set_xlim(0.5, curve.last + 0.5)
        axes.set_xlabel("round")
        axes.set_ylabel(curve.label)
        axes.set_title(curve.title)
        axes.legend()

    return paint
