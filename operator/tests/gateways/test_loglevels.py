"""Log levels follow a file."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from aif.errors import InvalidInput
from aif.gateways import logs
from aif.gateways.loglevels import LogLevels, parse

NAMES = ("", "aif", "aif.scheduling", "aif.handlers", "kopf", "asyncio")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Give all loggers back as they were."""
    root = logging.getLogger()
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in NAMES}
    yield
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def stream() -> io.StringIO:
    """Return where the logs go, at level info."""
    made = io.StringIO()
    logs.configure("info", "json", made)
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file that is not there yet."""
    return tmp_path / "mounted" / "log-levels"


def write(file: Path, text: str) -> None:
    """Put ``text`` into the file."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")


def speaks(name: str, level: int = logging.DEBUG) -> bool:
    """Tell whether a logger speaks at a level."""
    return logging.getLogger(name).isEnabledFor(level)


def test_a_line_names_a_logger_and_its_level() -> None:
    text = "# more of this\naif.scheduling = DEBUG\n\nkopf=error  # less of that\nroot=warning\n"
    assert parse(text) == {"aif.scheduling": "debug", "kopf": "error", "root": "warning"}


@pytest.mark.parametrize("line", ["aif.scheduling", "aif=loud", "=debug", "a b=debug", "aif=debug info", "critical"])
def test_a_line_that_is_none_is_named(line: str) -> None:
    with pytest.raises(InvalidInput, match=r"line 2: .*as in aif=debug"):
        parse(f"aif=info\n{line}\n")


@pytest.mark.usefixtures("stream")
def test_only_the_loggers_of_the_file_change(file: Path) -> None:
    levels = LogLevels(file, "info")
    write(file, "aif.scheduling=debug\nkopf=info\n")
    levels.refresh()
    assert speaks("aif.scheduling.batch")
    assert speaks("kopf", logging.INFO)
    assert not speaks("aif.handlers")
    assert not speaks("asyncio", logging.INFO)


@pytest.mark.usefixtures("stream")
@pytest.mark.parametrize("after", ["", "aif.handlers=info\n", None], ids=["emptied", "another", "deleted"])
def test_what_leaves_the_file_is_as_it_was_configured(file: Path, after: str | None) -> None:
    levels = LogLevels(file, "info")
    write(file, "root=debug\naif.scheduling=error\nkopf=debug\n")
    levels.refresh()
    assert speaks("aif.handlers")
    assert not speaks("aif.scheduling", logging.WARNING)
    if after is None:
        file.unlink()
    else:
        write(file, after)
    levels.refresh()
    assert (speaks("", logging.INFO), speaks("")) == (True, False)
    assert (speaks("aif.scheduling", logging.INFO), speaks("aif.scheduling")) == (True, False)
    assert (speaks("kopf", logging.WARNING), speaks("kopf", logging.INFO)) == (True, False)


def test_a_file_with_a_mistake_changes_nothing_and_is_told_once(file: Path, stream: io.StringIO) -> None:
    levels = LogLevels(file, "info")
    write(file, "aif.scheduling=debug\n")
    levels.refresh()
    write(file, "aif.scheduling=loud\n")
    levels.refresh()
    levels.refresh()
    assert speaks("aif.scheduling")
    assert stream.getvalue().count("Ignored log levels") == 1
    assert "aif.scheduling=loud" in stream.getvalue()


def test_a_change_is_told_even_where_little_is_logged(file: Path, stream: io.StringIO) -> None:
    levels = LogLevels(file, "info")
    write(file, "root=warning\n")
    levels.refresh()
    assert "Changed log levels" in stream.getvalue()


def test_without_a_file_nothing_is_said(file: Path, stream: io.StringIO) -> None:
    LogLevels(file, "info").refresh()
    assert stream.getvalue() == ""


@pytest.mark.usefixtures("stream")
def test_what_cannot_be_read_changes_nothing(file: Path) -> None:
    levels = LogLevels(file, "info")
    write(file, "aif.scheduling=debug\n")
    levels.refresh()
    file.write_bytes(b"\xff\xfe")
    levels.refresh()
    assert speaks("aif.scheduling")
