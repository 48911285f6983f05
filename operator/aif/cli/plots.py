"""Pictures of results: SVG or PNG, the same bytes for the same figures, drawn without a screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aif.errors import InvalidInput

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES: Final = (".svg", ".png")
INSTALL: Final = "pip install 'aif-operator[plot]'"

SETTINGS: Final[dict[Any, Any]] = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "aif",
}
"""Text stays text and identifiers are not random, so that a committed picture changes only with its figures."""


def draw(path: str, paint: Callable[[Figure], None], inches: tuple[float, float] = (7.0, 3.5)) -> None:
    """Write to ``path`` the picture that ``paint`` puts on an empty figure; nothing where ``path`` is empty.

    Raises:
        InvalidInput: The name has no suffix that is known, matplotlib is missing, or the file cannot be written.
    """
    if not path:
        return
    kind = Path(path).suffix.lower()
    if kind not in SUFFIXES:
        raise InvalidInput(f"--plot {path}: give a file that ends in {' or '.join(SUFFIXES)}")
    try:
        import matplotlib as mpl  # noqa: PLC0415 - an extra, and slow to load
        from matplotlib.figure import Figure  # noqa: PLC0415 - as above
    except ImportError as error:
        raise InvalidInput(f"--plot needs matplotlib; install it with: {INSTALL}") from error
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=inches, layout="constrained")
        paint(figure)
        _write(figure, path, kind)


def _write(figure: Figure, path: str, kind: str) -> None:
    dated = {"Date": None, "Creator": "aif"} if kind == ".svg" else {"Software": "aif"}
    try:
        figure.savefig(path, format=kind[1:], dpi=150, metadata=dated)
    except OSError as error:
        raise InvalidInput(f"--plot {path}: {error.strerror}; give a file in a folder that exists") from error
