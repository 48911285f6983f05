"""Profiles are files that name the functions that took long."""

from __future__ import annotations

import pstats
from datetime import timedelta
from pathlib import Path

import pytest

from aif.errors import InvalidSetting
from aif.gateways.profiling import Profiler
from tests.builders import NOON


def toil(rounds: int) -> int:
    """Take some calls."""
    return sum(map(abs, range(rounds)))


def calls(path: Path) -> int:
    """Return how often a profile saw ``toil``."""
    stats: dict[tuple[str, int, str], tuple[int, ...]] = pstats.Stats(str(path)).stats  # type: ignore[attr-defined]
    return sum(counted[1] for (_, _, name), counted in stats.items() if name == "toil")


def test_each_profile_holds_all_since_the_start(tmp_path: Path) -> None:
    moments = iter([NOON, NOON + timedelta(seconds=1)])
    with Profiler(tmp_path / "new" / "profiles", lambda: next(moments)) as profiler:
        toil(10)
        first = profiler.write()
        toil(10)
        toil(10)
    assert first is not None
    _, second = sorted(first.parent.glob("*.prof"))
    assert (calls(first), calls(second)) == (1, 3)


def test_a_maintainer_can_read_it_without_a_program(tmp_path: Path) -> None:
    with Profiler(tmp_path):
        toil(10)
    (text,) = tmp_path.glob("*.txt")
    assert "(toil)" in text.read_text()
    assert "Ordered by: internal time" in text.read_text()
    assert "Ordered by: cumulative time" in text.read_text()


def test_nothing_is_counted_after_the_end(tmp_path: Path) -> None:
    with Profiler(tmp_path) as profiler:
        toil(10)
    toil(10)
    (path,) = tmp_path.glob("*.prof")
    assert calls(path) == 1
    assert profiler is not None


def test_a_folder_that_cannot_be_written_to_is_found_out_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidSetting, match=r"AIF_PROFILE: .*name a folder"), Profiler(tmp_path / "file" / "profiles"):
        pass


def test_a_folder_that_went_away_stops_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "profiles"
    with Profiler(folder) as profiler:
        folder.rmdir()
        assert profiler.write() is None
        toil(10)
