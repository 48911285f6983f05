"""Progress with and without a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from cluster.progress import Step, Steps, duration


def a_console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    output = io.StringIO()
    return Console(file=output, force_terminal=terminal, width=120, color_system=None), output


def test_without_a_terminal_each_step_is_one_line_with_what_it_usually_takes() -> None:
    console, output = a_console(terminal=False)
    with Steps(console, [Step("Build it", usually="1 to 2 min"), Step("Start it")]) as steps:
        with steps.run("Build it") as running:
            running.advance(1, total=2)
            running.detail("package x")
        with steps.run("Start it"):
            pass
    assert output.getvalue().splitlines() == ["[1/2] Build it (usually 1 to 2 min)", "[2/2] Start it"]


def test_steps_that_are_learnt_of_on_the_way_are_counted() -> None:
    console, output = a_console(terminal=False)
    with Steps(console, [Step("One")]) as steps:
        with steps.run("One"):
            steps.extend([Step("Two")])
        with steps.run("Two"):
            pass
        with steps.run("Three"):
            pass
    assert output.getvalue().splitlines() == ["[1/1] One", "[2/2] Two", "[3/3] Three"]


@pytest.mark.parametrize("terminal", [pytest.param(True, id="terminal"), pytest.param(False, id="no terminal")])
def test_a_failed_step_is_marked_and_the_error_goes_on(*, terminal: bool) -> None:
    console, output = a_console(terminal=terminal)
    with pytest.raises(ValueError, match="broken"), Steps(console, [Step("One")]) as steps, steps.run("One"):
        raise ValueError("broken")
    assert ("✗" if terminal else "failed after 0 s") in output.getvalue()


def test_on_a_terminal_finished_steps_are_ticked_and_waiting_ones_say_how_long_they_usually_take() -> None:
    console, output = a_console(terminal=True)
    with Steps(console, [Step("One"), Step("Two", usually="1 to 2 min")]) as steps, steps.run("One") as running:
        running.advance(1, total=2)
    last = output.getvalue()
    assert "✓" in last
    assert "usually 1 to 2 min" in last


def test_a_line_above_the_bars_is_never_wrapped() -> None:
    console, output = a_console(terminal=False)
    with Steps(console) as steps:
        steps.say("x" * 300)
    assert output.getvalue() == "x" * 300 + "\n"


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (200, "3 min 20 s")])
def test_a_duration_reads_in_minutes_and_seconds(seconds: float, text: str) -> None:
    assert duration(seconds) == text
