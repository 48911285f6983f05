"""How every role starts and ends: its file, its log, its exit status."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

from aif_runtime.learning.errors import InvalidRole, JobFailed, PeerLost
from aif_runtime.roles.settings import Role, load

DONE: Final = 0
FAILED: Final = 1
INVALID: Final = 2
LOST: Final = 75
ENDED: Final = 143
_PLAIN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

log = logging.getLogger(__name__)
R = TypeVar("R", bound=Role)


class JsonLines(logging.Formatter):
    """A line of JSON per event."""

    def format(self, record: logging.LogRecord) -> str:
        """Return an event with what was told along with it."""
        more = {name: value for name, value in vars(record).items() if name not in _PLAIN}
        line = {"level": record.levelname, "logger": record.name, "message": record.getMessage(), **more}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def main(kind: type[R], run: Callable[[R], Awaitable[None]]) -> int:
    """Run a role to its end; return 0 where it is done, 1 where the job failed, 2 where its file breaks a rule.

    75 where it lost those that it learns together with, 143 after SIGTERM: what was done is kept, and the role can be
    started again.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=os.environ.get("AIF_LOG_LEVEL", "INFO"), handlers=[handler])
    role: R | None = None
    try:
        role = load(kind, sys.argv[1:], os.environ)
        return asyncio.run(_until_done(run(role)))
    except InvalidRole as error:
        said, status = str(error), INVALID
    except JobFailed as error:
        said, status = f"{error.reason}: {error}", FAILED
    except PeerLost as error:
        said, status = str(error), LOST
    print(said, file=sys.stderr)  # noqa: T201 - for people; the log says it as JSON
    if role and role.termination_path and status == INVALID:
        # Trying again changes nothing, so whoever watches the job is told that it has failed.
        last_message(role.termination_path, json.dumps({"phase": "Failed", "reason": "InvalidSpec", "message": said}))
    return status


async def _until_done(work: Awaitable[None]) -> int:
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        log.info("Ended by a signal")
        return ENDED
    return DONE


def last_message(path: Path, text: str) -> None:
    """Write the container's last message; where there is no such file, nobody wanted it."""
    with contextlib.suppress(OSError):
        path.write_text(text, encoding="utf-8")
