"""Compressed lines in a folder of bounded size, written by a thread; whatever goes wrong with it stops nobody."""

from __future__ import annotations

import contextlib
import gzip
import logging
import queue
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

from aif.gateways.clock import utc_now
from aif.gateways.exposition import Exposition

log = logging.getLogger(__name__)

Entry = TypeVar("Entry")

SUFFIX: Final = ".jsonl.gz"
PART: Final = ".part"
"""Ends the name of a file that is being written, or whose writer was killed: its last line may be cut."""

PREFIX: Final = "decisions-"

_FILES: Final = 8
"""Into so many files the folder's size is parted: the oldest goes when it is full."""

_WAITING: Final = 256
_COMPLAINT_SECONDS: Final = 60.0
_CLOSE_SECONDS: Final = 5.0


class Journal(Generic[Entry]):
    """Appends entries to files in a folder; each file can be read without the others.

    `add` never waits. An entry that finds no room, on the disk or in the row of those that wait, is lost: that is
    counted, and logged once a minute.
    """

    def __init__(
        self,
        folder: Path,
        writer: str,
        most_bytes: int,
        encode: Callable[[Entry, bool], bytes],
        metrics: Exposition,
    ) -> None:
        """Write into `folder`.

        Args:
            folder: Made where it is missing.
            writer: Part of the names of files, so that two processes do not write the same.
            most_bytes: Compressed size of all files together; the oldest ones make way.
            encode: Returns the lines of an entry; the flag says that it is the first of a file.
            metrics: Counts what was recorded and what was lost.
        """
        self._folder = folder
        self._writer = writer
        self._most_bytes = most_bytes
        self._encode = encode
        self._outcomes = metrics.recorded_decisions_total
        self._entries: queue.Queue[Entry | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._file: gzip.GzipFile | None = None
        self._path = folder
        self._number = 0
        self._unflushed = 0
        self._complained = float("-inf")

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def add(self, entry: Entry) -> None:
        """Have ``entry`` written soon; it must not change any more."""
        try:
            self._entries.put_nowait(entry)
        except queue.Full:
            self._lose("the disk is too slow")

    def close(self) -> None:
        """Write what waits and finish the file, or give up after some seconds."""
        with contextlib.suppress(queue.Full):
            self._entries.put(None, timeout=_CLOSE_SECONDS)
        self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        while (entry := self._entries.get()) is not None:
            self._guard(entry)
        with contextlib.suppress(OSError):
            self._finish()

    def _guard(self, entry: Entry) -> None:
        try:
            self._write(entry)
        except OSError as error:
            self._abandon()
            self._lose(f"{error.strerror or error} ({error.filename or self._path})")
        except Exception:
            log.exception("Failed to record a decision")
            self._abandon()
            self._outcomes.labels("lost").inc()
        else:
            self._outcomes.labels("recorded").inc()

    def _write(self, entry: Entry) -> None:
        fresh = self._file is None
        lines = self._encode(entry, fresh)
        file = self._file = self._file or self._begin()
        file.write(lines)
        self._unflushed += len(lines)
        if self._entries.empty() or self._unflushed >= self._most_bytes // _FILES:
            # So that all of it can be read, whatever becomes of this process, and its size be seen
            file.flush(zlib.Z_SYNC_FLUSH)
            self._unflushed = 0
        if self._path.stat().st_size >= self._most_bytes // _FILES:
            self._finish()

    def _begin(self) -> gzip.GzipFile:
        self._folder.mkdir(parents=True, exist_ok=True)
        # A file grows a little beyond its part before it is finished.
        self._make_room(self._most_bytes - 2 * (self._most_bytes // _FILES))
        self._number += 1
        name = f"{PREFIX}{utc_now():%Y%m%dT%H%M%S}Z-{self._writer}-{self._number:05}{SUFFIX}{PART}"
        self._path = self._folder / name
        return gzip.open(self._path, "wb", compresslevel=6)

    def _finish(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            file.close()
            self._path.rename(self._path.with_name(self._path.name.removesuffix(PART)))
            self._make_room(self._most_bytes)

    def _abandon(self) -> None:
        """Leave the present file as it is; the next entry begins another one."""
        if self._file is not None:
            file, self._file = self._file, None
            with contextlib.suppress(OSError):
                file.close()

    def _make_room(self, most_bytes: int) -> None:
        """Remove the oldest files until all together are no larger than that."""
        sizes = {path: path.stat().st_size for path in files(self._folder)}
        while sizes and sum(sizes.values()) > most_bytes:
            oldest = next(iter(sizes))
            oldest.unlink(missing_ok=True)
            del sizes[oldest]

    def _lose(self, why: str) -> None:
        self._outcomes.labels("lost").inc()
        now = time.monotonic()
        if now - self._complained >= _COMPLAINT_SECONDS:
            self._complained = now
            log.warning("Lost a decision that was to be recorded: %s", why, extra={"folder": str(self._folder)})


def files(folder: Path) -> list[Path]:
    """Return the files of a journal in ``folder``, the oldest first."""
    found = [path for path in folder.glob(f"{PREFIX}*") if path.name.removesuffix(PART).endswith(SUFFIX)]
    return sorted(found, key=lambda path: path.name)
