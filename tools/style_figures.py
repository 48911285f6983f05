"""Prints figures of style of the project's own source, each beside its goal; exits with 1 where a hard goal is missed.

Usage: ``python tools/style_figures.py [--root FOLDER]``

How it counts:

* function lines: from the first statement after the docstring to the last one, so without decorators and signature;
* typed: functions of which every parameter and the result are annotated;
* import circles: groups of modules that import each other, imports inside functions and for types only included;
* public docstrings: of modules, classes, functions and methods of which no name on the way begins with an underscore;
* test to source: lines of all tests by lines of the packages below ``operator/``.

A goal in brackets is soft: missing it is shown, and fails nothing.
"""

from __future__ import annotations

import argparse
import ast
import math
import statistics
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

FUNCTION_LINES = 40
FILE_LINES = 300
RATIO = (1.2, 2.0)

AREAS = {
    "operator": ("operator/aif", "operator/aif_runtime"),
    "around it": ("benchmarks", "docs", "e2e", "tools"),
    "tests": ("operator/tests", "e2e/tests"),
}

CAPTION = "functions: median / 90th percentile / longest; files: median / longest; ! misses the goal, (a soft one)"

Function = ast.FunctionDef | ast.AsyncFunctionDef
Named = Function | ast.ClassDef


@dataclass(frozen=True)
class Source:
    """A file of Python, with its place below the root."""

    place: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The file as a syntax tree."""
        return ast.parse(self.text)

    @property
    def lines(self) -> int:
        """How many lines the file has."""
        return len(self.text.splitlines())

    @property
    def module(self) -> str:
        """The dotted name under which the file is imported; the source roots are `operator` and `e2e`."""
        parts = self.place.removesuffix(".py").removesuffix("/__init__").split("/")
        return ".".join(parts[1:] if parts[0] in {"e2e", "operator"} else parts)

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """Every function in the file, nested ones and methods included."""
        return tuple(node for node in ast.walk(self.tree) if isinstance(node, Function))


@dataclass(frozen=True, slots=True)
class Figure:
    """What was counted; `culprits` are the places that miss a hard goal."""

    name: str
    goal: str
    shown: str
    met: bool
    culprits: tuple[str, ...] = ()

    @property
    def cell(self) -> Text:
        """The figure as a cell of the table, marked where the goal is missed."""
        if self.met:
            return Text(self.shown, style="green")
        return Text(f"{self.shown} !", style="bold red" if self.culprits else "yellow")


def read(root: Path, folders: Iterable[str], *, without: Iterable[str] = ()) -> tuple[Source, ...]:
    """Every file of Python below `folders`, those below `without` left out."""
    barred = tuple(f"{folder}/" for folder in without)
    paths = (path for folder in folders for path in sorted((root / folder).rglob("*.py")))
    sources = (Source(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")) for path in paths)
    return tuple(source for source in sources if not source.place.startswith(barred))


def statements(body: Sequence[ast.stmt]) -> Sequence[ast.stmt]:
    """A body without its docstring."""
    first = body[0]
    documented = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return body[1:] if documented else body


def length(function: Function) -> int:
    """Lines of a function from its first statement to its last, the docstring left out."""
    body = statements(function.body)
    return (function.end_lineno or function.lineno) - body[0].lineno + 1 if body else 0


def is_typed(function: Function) -> bool:
    """Whether the result and all parameters, `self` and `cls` aside, are annotated."""
    spec = function.args
    given = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, spec.vararg, spec.kwarg]
    named = [argument for argument in given if argument is not None and argument.arg not in {"self", "cls"}]
    return function.returns is not None and all(argument.annotation is not None for argument in named)


def share(part: int, whole: int) -> str:
    """A share in per cent, rounded down so that only all is 100."""
    return f"{100 * part // whole if whole else 100} %"


def function_figure(sources: Sequence[Source]) -> Figure:
    """Median, 90th percentile and maximum of the functions' lengths."""
    sizes = sorted(
        (length(node), f"{source.place}:{node.lineno} {node.name}") for source in sources for node in source.functions
    )
    lines = [size for size, _ in sizes] or [0]
    median, p90 = statistics.median_low(lines), lines[math.ceil(0.9 * len(lines)) - 1]
    return Figure(
        "function lines",
        f"<= (6) / (20) / {FUNCTION_LINES}",
        f"{median} / {p90} / {lines[-1]}",
        met=median <= 6 and p90 <= 20 and lines[-1] <= FUNCTION_LINES,  # noqa: PLR2004 - the goal, as the text above
        culprits=tuple(f"{where}: {size} lines" for size, where in sizes if size > FUNCTION_LINES),
    )


def file_figure(sources: Sequence[Source]) -> Figure:
    """Median and maximum of the files' lengths."""
    lines = [source.lines for source in sources] or [0]
    median = statistics.median_low(lines)
    return Figure(
        "file lines",
        f"<= (120) / {FILE_LINES}",
        f"{median} / {max(lines)}",
        met=median <= 120 and max(lines) <= FILE_LINES,  # noqa: PLR2004 - the goal, as the text above
        culprits=tuple(f"{source.place}: {source.lines} lines" for source in sources if source.lines > FILE_LINES),
    )


def typed_figure(sources: Sequence[Source]) -> Figure:
    """The share of functions with all annotations."""
    functions = [(source, node) for source in sources for node in source.functions]
    bare = [f"{source.place}:{node.lineno} {node.name}: not typed" for source, node in functions if not is_typed(node)]
    shown = share(len(functions) - len(bare), len(functions))
    return Figure("functions typed", "100 %", shown, met=not bare, culprits=tuple(bare))


def imported(source: Source) -> Iterator[str]:
    """Dotted names that a file imports; for ``from a import b`` both ``a.b`` and ``a``, the likelier module first."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def import_graph(sources: Sequence[Source]) -> dict[str, set[str]]:
    """Which of these modules imports which."""
    known = {source.module for source in sources}

    def resolve(name: str) -> str:
        return name if name in known else name.rpartition(".")[0]

    return {
        source.module: ({resolve(name) for name in imported(source)} & known) - {source.module} for source in sources
    }


def reach(graph: dict[str, set[str]], start: str) -> set[str]:
    """Modules that `start` imports, directly or through others."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        fresh = graph[waiting.pop()] - seen
        seen |= fresh
        waiting.extend(fresh)
    return seen


def circle_figure(sources: Sequence[Source]) -> Figure:
    """How many groups of modules import each other."""
    graph = import_graph(sources)
    reached = {module: reach(graph, module) for module in graph}
    groups = {frozenset(other for other in ahead if module in reached[other]) for module, ahead in reached.items()}
    circles = sorted(" <-> ".join(sorted(group)) for group in groups if group)
    return Figure("import circles", "0", str(len(circles)), met=not circles, culprits=tuple(circles))


def decorators(node: Named) -> Iterator[str]:
    """Last names of the decorators, such as ``overload`` or ``setter``."""
    called = (item.func if isinstance(item, ast.Call) else item for item in node.decorator_list)
    yield from (
        item.attr if isinstance(item, ast.Attribute) else item.id
        for item in called
        if isinstance(item, ast.Name | ast.Attribute)
    )


def public(body: Sequence[ast.stmt]) -> Iterator[Named]:
    """Public classes, functions and methods; what repeats another's contract (an override, an overload) is not one."""
    for node in body:
        if (
            isinstance(node, Named)
            and not node.name.startswith("_")
            and {"overload", "override", "setter"}.isdisjoint(decorators(node))
        ):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


def docstring_figure(sources: Sequence[Source]) -> Figure:
    """The share of what is public that has a docstring."""
    found: list[tuple[str, bool]] = []
    for source in sources:
        found.append((f"{source.place}:1 the module", ast.get_docstring(source.tree) is not None))
        found += [
            (f"{source.place}:{node.lineno} {node.name}", ast.get_docstring(node) is not None)
            for node in public(source.tree.body)
        ]
    bare = tuple(f"{where}: no docstring" for where, documented in found if not documented)
    return Figure("public docstrings", "100 %", share(len(found) - len(bare), len(found)), met=not bare, culprits=bare)


def ratio_figure(tests: Sequence[Source], sources: Sequence[Source]) -> Figure:
    """Lines of tests by lines of source."""
    ratio = sum(test.lines for test in tests) / max(1, sum(source.lines for source in sources))
    low, high = RATIO
    return Figure("test to source lines", f"({low} to {high:.0f})", f"{ratio:.1f}", met=low <= ratio <= high)


def measure(root: Path) -> dict[str, list[Figure]]:
    """Figures per area; docstrings are not asked of tests, whose names are sentences."""
    areas = {
        area: read(root, folders, without=() if area == "tests" else AREAS["tests"]) for area, folders in AREAS.items()
    }
    counts = (function_figure, file_figure, typed_figure, circle_figure, docstring_figure)
    figures = {area: [count(sources) for count in counts] for area, sources in areas.items() if sources}
    if "tests" in figures:
        figures["tests"] = [figure for figure in figures["tests"] if figure.name != "public docstrings"]
    if "operator" in figures:
        figures["operator"].append(ratio_figure(areas.get("tests", ()), areas["operator"]))
    return figures


def table(figures: dict[str, list[Figure]]) -> Table:
    """A row per figure, a column per area."""
    result = Table("figure", "goal", *figures, title="Style", caption=CAPTION)
    rows = {(figure.name, figure.goal): None for column in figures.values() for figure in column}
    for name, goal in rows:
        cells = [next((figure.cell for figure in column if figure.name == name), Text()) for column in figures.values()]
        result.add_row(name, goal, *cells)
    return result


def main() -> int:
    """Print the table and the places that miss a hard goal."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).parent.parent, help="folder of the project")
    figures = measure(parser.parse_args().root.resolve())
    console = Console()
    console.print(table(figures))
    culprits = [culprit for column in figures.values() for figure in column for culprit in figure.culprits]
    for culprit in culprits:
        console.print(Text(f"over the goal: {culprit}", style="red"), soft_wrap=True)
    return 1 if culprits else 0


if __name__ == "__main__":
    sys.exit(main())
