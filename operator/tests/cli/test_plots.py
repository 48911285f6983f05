"""Pictures are reproducible, and what is missing for one is told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from aif.cli.plots import draw
from aif.errors import InvalidInput


def a_line(figure: Figure) -> None:
    axes = figure.subplots()
    axes.plot([0, 1], [1, 2], label="line")
    axes.set_xlabel("time (s)")
    axes.legend()


@pytest.mark.parametrize("suffix", [".svg", ".png", ".SVG"])
def test_the_same_figures_give_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    draw(str(first), a_line)
    draw(str(second), a_line)
    assert first.read_bytes() == second.read_bytes()


def test_text_in_an_svg_stays_text(tmp_path: Path) -> None:
    draw(str(tmp_path / "a.svg"), a_line)
    assert "time (s)</text>" in (tmp_path / "a.svg").read_text(encoding="utf-8")


def test_without_a_name_nothing_is_drawn() -> None:
    draw("", lambda _: pytest.fail("drawn"))


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        pytest.param("a.pdf", "ends in .svg or .png", id="another suffix"),
        pytest.param("a", "ends in .svg or .png", id="no suffix"),
        pytest.param("absent/a.svg", "give a file in a folder that exists", id="no such folder"),
    ],
)
def test_a_name_that_cannot_be_written_is_told(tmp_path: Path, name: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        draw(str(tmp_path / name), a_line)


def test_without_matplotlib_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InvalidInput, match=r"pip install 'aif-operator\[plot\]'"):
        draw(str(tmp_path / "a.svg"), a_line)
