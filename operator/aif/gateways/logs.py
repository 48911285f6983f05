"""Structured logs: one JSON object per line, or coloured text on a terminal."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TextIO

import orjson
from rich.console import Console
from rich.logging import RichHandler

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRET_NAME: Final = re.compile(r"token|password|secret|authorization|credential", re.IGNORECASE)
_SECRET_TEXT: Final = re.compile(r"\b(Bearer|Basic)\s+\S+", re.IGNORECASE)
_MASK: Final = "[hidden]"
_QUIET: Final = ("kopf", "aiohttp", "asyncio", "kubernetes", "urllib3")
"""Libraries that tell at level info what only their own developers need."""

LEVELS: Final = ("debug", "info", "warning", "error")
"""From the most talkative to the least."""


def configure(level: str, form: str = "auto", stream: TextIO | None = None) -> None:
    """Send all logs to ``stream`` (standard error when None), from ``level`` up, as ``json``, ``text`` or ``auto``.

    ``auto`` means text on a terminal and JSON elsewhere. Handlers that were there before are replaced.
    """
    target = stream or sys.stderr
    text = form == "text" or (form == "auto" and target.isatty())
    root = logging.getLogger()
    root.handlers[:] = [_text_handler(target) if text else _json_handler(target)]
    for name, number in configured(level).items():
        logging.getLogger(None if name == "root" else name).setLevel(number)


def configured(level: str) -> dict[str, int]:
    """Return the levels of loggers that follow from ``level``, that of all others as ``root``."""
    quiet = logging.NOTSET if level == "debug" else logging.WARNING
    return {"root": logging.getLevelNamesMapping()[level.upper()], **dict.fromkeys(_QUIET, quiet)}


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message, then whatever was given as ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for ``record``, without secrets."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _hide(record.getMessage()),
            **extras(record),
        }
        if record.exc_info:
            line["exception"] = _hide(self.formatException(record.exc_info))
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class TextFormatter(logging.Formatter):
    """The message, then whatever was given as ``extra`` as ``name=value``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for ``record``, without secrets."""
        words = (f"{name}={value}" for name, value in extras(record).items())
        text = " ".join((_hide(record.getMessage()), *words))
        return f"{text}\n{_hide(self.formatException(record.exc_info))}" if record.exc_info else text


def extras(record: logging.LogRecord) -> Mapping[str, object]:
    """Return what was given as ``extra``, secrets hidden."""
    given = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    return {name: _MASK if _SECRET_NAME.search(name) else _masked(value) for name, value in given.items()}


def _masked(value: object) -> object:
    return _hide(value) if isinstance(value, str) else value


def _hide(text: str) -> str:
    return _SECRET_TEXT.sub(rf"\1 {_MASK}", text)


def _json_handler(stream: TextIO) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    return handler


def _text_handler(stream: TextIO) -> logging.Handler:
    handler = RichHandler(console=Console(file=stream), show_path=False)
    handler.setFormatter(TextFormatter())
    return handler
