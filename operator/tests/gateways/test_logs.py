"""What log lines look like, and what they never hold."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator

import orjson
import pytest

from aif.gateways import logs

log = logging.getLogger("aif.test")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Give the root logger back as it was."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def test_a_line_is_one_json_object_with_the_extra_fields() -> None:
    stream = io.StringIO()
    logs.configure("info", "auto", stream)
    log.info("Placed %s", "AIService", extra={"service": "shop/plates", "node": "gnb-7", "score": 88})
    line = orjson.loads(stream.getvalue())
    assert line["message"] == "Placed AIService"
    assert (line["level"], line["logger"]) == ("info", "aif.test")
    assert (line["service"], line["node"], line["score"]) == ("shop/plates", "gnb-7", 88)
    assert line["time"].endswith("+00:00")


def test_a_message_with_a_newline_stays_one_line() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    log.info("Forged\n{}", extra={"why": "a\nb"})
    assert len(stream.getvalue().splitlines()) == 1


def test_an_exception_is_a_field() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    try:
        raise ValueError("a fault of the test")  # noqa: TRY301 - the very thing
    except ValueError:
        log.exception("Failed to reconcile")
    assert "a fault of the test" in orjson.loads(stream.getvalue())["exception"]


@pytest.mark.parametrize("extra", [{"object": object()}, {"when": {1: 2}}, {"keys": {("a", "b")}}])
def test_any_extra_field_can_be_written(extra: dict[str, object]) -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    log.info("Placed AIService", extra=extra)
    assert set(extra) <= orjson.loads(stream.getvalue()).keys()


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_secret_is_written(form: str) -> None:
    stream = io.StringIO()
    logs.configure("debug", form, stream)
    log.info("Sent Authorization: Bearer canary-1", extra={"token": "canary-2", "header": "Basic canary-3"})
    try:
        raise ValueError("Bearer canary-4")  # noqa: TRY301 - the very thing
    except ValueError:
        log.exception("Refused bearer canary-5")
    assert "canary" not in stream.getvalue()


def test_a_terminal_gets_text() -> None:
    stream = Terminal()
    logs.configure("info", "auto", stream)
    log.info("Placed AIService", extra={"node": "gnb-7"})
    assert "Placed AIService node=gnb-7" in re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())


def test_what_lies_below_the_level_is_left_out() -> None:
    stream = io.StringIO()
    logs.configure("warning", "json", stream)
    log.info("Placed AIService")
    assert stream.getvalue() == ""


@pytest.mark.parametrize(("level", "heard"), [("info", False), ("debug", True)])
def test_libraries_speak_up_only_when_asked_for_details(level: str, heard: bool) -> None:  # noqa: FBT001 - a table
    stream = io.StringIO()
    logs.configure(level, "json", stream)
    logging.getLogger("kopf.reactor").info("Resuming is in progress")
    assert bool(stream.getvalue()) is heard
