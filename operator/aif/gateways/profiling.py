"""A profile of the running operator: which functions took how long, in files that a maintainer can read."""

from __future__ import annotations

import cProfile
import logging
import os
import pstats
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from aif.errors import InvalidSetting
from aif.gateways.clock import utc_now

log = logging.getLogger(__name__)

_LINES: Final = 60


class Profiler:
    """Counts every call of the thread that enters it, which is that of the event loop.

    A profile is two files of the same name in ``folder``: ``.prof`` for ``python -m pstats`` and its like, and
    ``.txt`` with the functions that took longest. Each profile holds all since the start.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime] = utc_now) -> None:
        self._folder = folder
        self._now = now
        self._profile = cProfile.Profile()

    def __enter__(self) -> Self:
        """Begin.

        Raises:
            InvalidSetting: The folder cannot be made or written to; found out now and not hours later.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidSetting(
                "AIF_PROFILE", f"{self._folder}: {error.strerror}; name a folder to write to"
            ) from error
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise InvalidSetting("AIF_PROFILE", f"{self._folder} is not writable; name a folder to write to")
        self._profile.enable()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the last profile and end."""
        self.write()
        self._profile.disable()

    def write(self) -> Path | None:
        """Write the profile up to now and go on; return the file for pstats, None where it could not be written."""
        self._profile.disable()
        path = self._folder / f"aif-{self._now():%Y%m%dT%H%M%SZ}-{os.getpid()}.prof"
        try:
            self._profile.dump_stats(path)
            with path.with_suffix(".txt").open("w", encoding="utf-8") as text:
                stats = pstats.Stats(str(path), stream=text)
                stats.sort_stats("tottime").print_stats(_LINES)
                stats.sort_stats("cumulative").print_stats(_LINES)
        except OSError as error:
            log.warning("Could not write a profile", extra={"file": str(path), "error": str(error)})
            return None
        finally:
            self._profile.enable()
        log.info("Wrote a profile", extra={"file": str(path)})
        return path
