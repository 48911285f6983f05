"""`aif train plot` draws how a job learned: in dots, in stars, as a picture."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from aif.cli.train.chart import ROWS, Curve, plotted, spark
from tests.cli.conftest import Aif, call
from tests.cli.train.learning import PAGE, SAMPLE, a_page, a_pod, put, put_pods
from tests.fake_api import FakeApi

WORDS = ("train", "plot", "digits", "-f", str(SAMPLE))


def drawn(curve: Curve, encoding: str = "utf-8", width: int = 60) -> list[str]:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    screen = Console(file=stream, width=width)
    with screen.capture() as captured:
        screen.print(plotted(curve, screen))
    return captured.get().splitlines()


def test_points_are_told_to_programs(aif: Aif) -> None:
    told = json.loads(aif(*WORDS, "-o", "json").out)
    assert (told["metric"], told["rounds"], told["target"]) == ("accuracy", 20, 98.0)
    assert told["points"][0] == {"round": 1, "value": 73.82}
    assert len(told["points"]) == 14


def test_a_terminal_gets_a_curve_between_labelled_axes(aif: Aif) -> None:
    lines = aif(*WORDS).out.splitlines()
    assert lines[0] == "digits: accuracy (%) by round"
    assert lines[1].startswith("100 │")
    assert lines[ROWS].startswith(" 70 │")
    assert lines[-1].split() == ["1", "round", "20"]


def test_a_rising_curve_rises() -> None:
    lines = drawn(Curve("t", "m", [(1, 0.0), (10, 1.0)], 10), "ascii")
    rows = [line.partition("|")[2] for line in lines[1 : ROWS + 1]]
    places = [row.index("*") for row in rows]
    assert places == sorted(places, reverse=True)
    assert places[0] > places[-1]


def test_a_terminal_without_unicode_gets_stars() -> None:
    assert all(line.isascii() for line in drawn(Curve("t", "m", [(1, 1.0), (2, 3.0)], 2), "ascii"))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=70), st.none() | st.floats(-1e6, 1e6))
def test_any_course_stays_within_its_axes(values: list[float], target: float | None) -> None:
    curve = Curve("t", "m", list(enumerate(values, 1)), len(values), target)
    low, high = curve.bounds
    assert low <= min(values) <= max(values) <= high
    assert low < high
    lines = drawn(curve)
    assert len(lines) == ROWS + 3
    assert max(map(len, lines)) <= 60


@pytest.mark.parametrize(
    ("values", "course"),
    [([], ""), ([1.0], ""), ([1.0, 2.0], "▁█"), ([3.0, 3.0, 3.0], "▁▁▁"), ([0.0, 7.0, 3.5], "▁█▅")],
)
def test_a_course_in_one_line_goes_from_its_lowest_to_its_highest(values: list[float], course: str) -> None:
    assert spark(values) == course


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_a_picture_is_the_same_for_the_same_figures(aif: Aif, tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    for path in (first, second):
        assert aif(*WORDS, "--plot", str(path)).status == 0
    assert first.read_bytes() == second.read_bytes()


async def test_another_metric_is_asked_of_the_pod(aif: Aif, fake: FakeApi, kubeconfig: str) -> None:
    put(fake)
    put_pods(fake, a_pod("aggregator"))
    fake.fail(path=PAGE, times=2, status=200, body=json.dumps(a_page()).encode())
    words = ("train", "plot", "digits", "--kubeconfig", kubeconfig, "-o", "json", "--metric")
    told = json.loads((await call(aif, *words, "loss")).out)
    assert told["points"] == [{"round": 1, "value": 1.0552}, {"round": 2, "value": 0.541}]
    unknown = await call(aif, *words, "charm")
    assert unknown.err == "error: --metric: digits tells no charm; there are accuracy, loss\n"


def test_a_status_holds_accuracy_only(aif: Aif) -> None:
    done = aif(*WORDS, "--metric", "loss")
    assert done.status == 1
    assert "--metric loss: a status holds accuracy only" in done.err


async def test_before_the_first_round_there_is_nothing_to_draw(aif: Aif, fake: FakeApi, kubeconfig: str) -> None:
    put(fake, progress=None, summary={"state": "Pending"})
    done = await call(aif, "train", "plot", "digits", "--kubeconfig", kubeconfig)
    assert (done.status, done.out) == (1, "")
    assert "digits is Pending, and no round of it has been judged yet: `aif train status digits`" in done.err
