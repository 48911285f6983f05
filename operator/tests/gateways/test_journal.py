"""Lines reach the disk in files of bounded size; what cannot be written is counted, and stops nobody."""

from __future__ import annotations

import gzip
import itertools
import logging
import os
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from aif.gateways.exposition import Exposition
from aif.gateways.journal import PART, SUFFIX, Journal, files


def as_lines(entry: str, fresh: bool) -> bytes:  # noqa: FBT001 - as the journal calls it
    return (b"begin\n" if fresh else b"") + entry.encode() + b"\n"


def a_journal(
    folder: Path, *, most_bytes: int = 2**20, encode: Callable[[str, bool], bytes] = as_lines
) -> tuple[Journal[str], Exposition]:
    metrics = Exposition()
    return Journal[str](folder, "replica-1", most_bytes, encode, metrics), metrics


def written(folder: Path, *entries: str, most_bytes: int = 2**20) -> Exposition:
    journal_, metrics = a_journal(folder, most_bytes=most_bytes)
    journal_.start()
    for entry in entries:
        journal_.add(entry)
    journal_.close()
    return metrics


def count(metrics: Exposition, outcome: str) -> float:
    return metrics.registry.get_sample_value("aif_recorded_decisions_total", {"outcome": outcome}) or 0.0


def content(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode().splitlines()


def test_entries_are_written_in_their_order(tmp_path: Path) -> None:
    metrics = written(tmp_path / "made", "a", "b")
    (path,) = files(tmp_path / "made")
    assert content(path) == ["begin", "a", "b"]
    assert (count(metrics, "recorded"), count(metrics, "lost")) == (2, 0)


def test_a_file_is_finished_before_it_bears_its_name(tmp_path: Path) -> None:
    seen = threading.Event()

    def encode(entry: str, fresh: bool) -> bytes:  # noqa: FBT001 - as the journal calls it
        if entry == "second":
            names.extend(path.name for path in files(tmp_path))
            seen.set()
        return as_lines(entry, fresh)

    names: list[str] = []
    journal_, _ = a_journal(tmp_path, encode=encode)
    journal_.start()
    journal_.add("first")
    journal_.add("second")
    assert seen.wait(10)
    journal_.close()
    assert [name.endswith(SUFFIX + PART) for name in names] == [True]
    assert [path.name.endswith(SUFFIX) for path in files(tmp_path)] == [True]


def test_the_folder_stays_below_its_size_and_keeps_the_newest(tmp_path: Path) -> None:
    most = 64 * 1024
    entries = [f"{number:04}" + os.urandom(2048).hex() for number in range(200)]
    written(tmp_path, *entries, most_bytes=most)
    kept = files(tmp_path)
    assert 1 < len(kept) <= 9
    assert sum(path.stat().st_size for path in kept) <= most
    assert all(content(path)[0] == "begin" for path in kept)
    lines = [line[:4] for path in kept for line in content(path) if line != "begin"]
    assert lines == [f"{number:04}" for number in range(200)][-len(lines) :]


def test_what_others_put_into_the_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x" * 100_000)
    written(tmp_path, *(os.urandom(2048).hex() for _ in range(50)), most_bytes=8 * 1024)
    assert (tmp_path / "notes.txt").exists()


def test_a_full_disk_loses_entries_and_the_next_one_begins_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, calls = gzip.open, itertools.count()

    def full_at_first(path: Path, mode: str, compresslevel: int) -> object:
        if next(calls) < 2:
            raise OSError(28, "No space left on device")
        return real(path, mode, compresslevel)

    monkeypatch.setattr(gzip, "open", full_at_first)
    with caplog.at_level(logging.WARNING):
        metrics = written(tmp_path, "a", "b", "c", "d")
    (path,) = files(tmp_path)
    assert content(path) == ["begin", "c", "d"]
    assert (count(metrics, "recorded"), count(metrics, "lost")) == (2, 2)
    assert caplog.text.count("No space left on device") == 1, "once a minute"


def test_an_entry_that_has_no_form_is_lost_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def encode(entry: str, fresh: bool) -> bytes:  # noqa: FBT001 - as the journal calls it
        if entry == "b":
            raise TypeError(entry)
        return as_lines(entry, fresh)

    journal_, metrics = a_journal(tmp_path, encode=encode)
    journal_.start()
    for entry in ("a", "b", "c"):
        journal_.add(entry)
    journal_.close()
    assert (count(metrics, "recorded"), count(metrics, "lost")) == (2, 1)
    assert "Failed to record a decision" in caplog.text


def test_adding_never_waits(tmp_path: Path) -> None:
    go_on = threading.Event()

    def slow(entry: str, fresh: bool) -> bytes:  # noqa: FBT001 - as the journal calls it
        go_on.wait(10)
        return as_lines(entry, fresh)

    journal_, metrics = a_journal(tmp_path, encode=slow)
    journal_.start()
    for number in range(1000):
        journal_.add(str(number))
    go_on.set()
    journal_.close()
    assert count(metrics, "lost") > 700
    assert count(metrics, "recorded") + count(metrics, "lost") == 1000


def test_what_was_written_can_be_read_although_the_writer_was_killed(tmp_path: Path) -> None:
    journal_, metrics = a_journal(tmp_path)
    journal_.start()
    journal_.add("a")
    deadline = time.monotonic() + 10
    while not count(metrics, "recorded") and time.monotonic() < deadline:
        time.sleep(0.01)
    (path,) = files(tmp_path)
    assert path.name.endswith(PART)
    assert zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(path.read_bytes()) == b"begin\na\n"
    journal_.close()
