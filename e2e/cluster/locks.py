"""File locks between processes of one user."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def _nobody_waits() -> None:
    """Say nothing while another process holds the lock."""


@contextmanager
def exclusive(path: Path, on_wait: Callable[[], None] = _nobody_waits) -> Iterator[None]:
    """Hold the lock `path`; `on_wait` is called once where another process holds it.

    The kernel frees the lock of a process that died.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
