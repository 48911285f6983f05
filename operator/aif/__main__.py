"""Runs the operator: ``python -m aif``."""

from __future__ import annotations

import asyncio
import os
import sys
import threading

from aif.errors import AifError
from aif.gateways import logs
from aif.gateways.kubernetes.connection import connect
from aif.handlers.lifecycle import Replica
from aif.settings import Settings

LINGER_SECONDS = 3.0
"""How long the interpreter may take to end, files of credentials removed; a thread may hang in a request."""


async def run(settings: Settings) -> int:
    """Return the exit code of one replica's life."""
    connection = await connect(settings)
    return await Replica(settings, connection).run()


def main() -> None:
    """Run one replica, and end the process within seconds whatever its threads still do."""
    try:
        settings = Settings.from_environ(os.environ)
        logs.configure(settings.log_level, settings.log_format)
        code = asyncio.run(run(settings))
    except AifError as error:
        print(error.message, file=sys.stderr)  # noqa: T201 - logging may not be set up yet
        code = 2
    watchdog = threading.Timer(LINGER_SECONDS, os._exit, (code,))
    watchdog.daemon = True
    watchdog.start()
    sys.exit(code)


if __name__ == "__main__":
    main()
