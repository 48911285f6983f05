"""Looking into a running operator: levels of its logs, and a profile."""

from __future__ import annotations

import pstats
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from network import a_service
from operator_process import Operators, Replica
from rest import eventually, stays
from services import Services


@pytest.fixture
def levels(tmp_path: Path) -> Path:
    """A file as the kubelet mounts it, that is not there yet."""
    return tmp_path / "log-levels"


@pytest.fixture
def replica(operators: Operators, levels: Path, tmp_path: Path) -> Iterator[Replica]:
    """A replica that leads, is profiled, and follows the file."""
    started = operators.start_leading(AIF_LOG_LEVELS_FILE=str(levels), AIF_PROFILE=str(tmp_path / "profiles"))
    yield started
    if started.alive:
        started.end()


def told(replica: Replica, text: str, level: str = "") -> int:
    """Return how many messages hold a text, at a level where one is named."""
    records = [record for record in replica.records() if level in ("", record.get("level"))]
    return sum(text in record["message"] for record in records)


def test_levels_of_loggers_change_while_it_runs_and_go_back(replica: Replica, levels: Path, services: Services) -> None:
    assert told(replica, "", "debug") == 0
    levels.write_text("kopf=debug\naif.handlers.controller=error\n")
    eventually(lambda: told(replica, "Changed log levels"), "the file is taken over")
    services.apply(a_service("plates"))
    services.await_ready("plates")
    assert told(replica, "", "debug") > 0
    assert told(replica, "Placed AIService") == 0
    levels.write_text("kopf=much\n")
    eventually(lambda: told(replica, "line 1: 'kopf=much'", "error"), "a mistake is told")
    levels.unlink()
    eventually(lambda: told(replica, "Changed log levels") == 2, "the levels are as they were")
    services.apply(a_service("trucks"))
    services.await_ready("trucks")
    eventually(lambda: told(replica, "Placed AIService") == 1, "what was hushed speaks again")


def test_a_signal_has_a_profile_written_and_the_operator_goes_on(
    replica: Replica, services: Services, tmp_path: Path
) -> None:
    services.apply(a_service("plates"))
    services.await_ready("plates")
    replica.send(signal.SIGUSR1)
    folder = tmp_path / "profiles"
    (path,) = eventually(lambda: list(folder.glob("*.prof")), "there is a profile")
    eventually(lambda: told(replica, "Wrote a profile"), "it is complete")
    stats: dict[tuple[str, int, str], object] = pstats.Stats(str(path)).stats  # type: ignore[attr-defined]
    assert {"_reconcile", "carry_out"} <= {name for file, _, name in stats if "/aif/" in file}
    assert replica.leads
    code, _ = replica.end()
    assert code == 0
    assert "cumulative time" in max(folder.glob("*.txt")).read_text()


def test_without_the_option_a_signal_does_no_harm(operators: Operators) -> None:
    replica = operators.start_leading()
    try:
        replica.send(signal.SIGUSR1)
        eventually(lambda: told(replica, "start with --profile"), "it says what to do")
        stays(lambda: replica.leads, "it leads on", 1)
    finally:
        replica.end()
