"""Log levels of a file that may change while the operator runs, as a mounted ConfigMap does."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aif.errors import InvalidInput
from aif.gateways.logs import LEVELS, configured

log = logging.getLogger(__name__)

ROOT: Final = "root"
"""Stands for all loggers that have no level of their own."""

_PAUSE_SECONDS: Final = 2.0
_LINE: Final = re.compile(r"([A-Za-z_][\w.]*)\s*=\s*(\w+)")


def parse(text: str) -> dict[str, str]:
    """Return the level of each logger that ``text`` names, a line such as ``aif.handlers=debug`` for each.

    Empty lines, and what follows a ``#``, say nothing.

    Raises:
        InvalidInput: A line is not of that form, or its level is unknown.
    """
    lines = {number: line.partition("#")[0].strip() for number, line in enumerate(text.splitlines(), 1)}
    return dict(_level(number, line) for number, line in lines.items() if line)


def _level(number: int, line: str) -> tuple[str, str]:
    found = _LINE.fullmatch(line)
    if found is None or found[2].lower() not in LEVELS:
        raise InvalidInput(f"line {number}: {line!r} is not a logger and one of {', '.join(LEVELS)}, as in aif=debug")
    return found[1], found[2].lower()


class LogLevels:
    """The levels in ``path``, over the configured ``level``; a file that is not there asks for nothing."""

    def __init__(self, path: Path, level: str) -> None:
        self._path = path
        self._configured = configured(level)
        self._text = ""
        self._set: Mapping[str, str] = {}

    async def follow(self) -> None:
        """Take over every change of the file, until cancelled."""
        while True:
            self.refresh()
            await asyncio.sleep(_PAUSE_SECONDS)

    def refresh(self) -> None:
        """Take over the file as it is now; one that cannot be read or understood leaves all as it is."""
        try:
            text = self._path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            text = ""
        except (OSError, UnicodeDecodeError) as error:
            text = self._text
            log.debug("Could not read log levels", extra={"file": str(self._path), "error": str(error)})
        if text != self._text:
            self._text = text
            self._take(text)

    def _take(self, text: str) -> None:
        try:
            wanted = parse(text)
        except InvalidInput as error:
            log.error("Ignored log levels: %s", error.message, extra={"file": str(self._path)})  # noqa: TRY400 - a typo
            return
        for name in self._set.keys() - wanted.keys():
            _logger(name).setLevel(self._configured.get(name, logging.NOTSET))
        for name, level in wanted.items():
            _logger(name).setLevel(level.upper())
        self._set = wanted
        log.warning("Changed log levels", extra={"levels": wanted})


def _logger(name: str) -> logging.Logger:
    return logging.getLogger() if name == ROOT else logging.getLogger(name)
