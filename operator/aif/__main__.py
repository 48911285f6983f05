"""Runs the operator: ``python -m aif``."""

from __future__ import annotations

import asyncio
import os
import sys

from aif.errors import AifError
from aif.gateways import logs
from aif.gateways.kubernetes.connection import connect
from aif.handlers.lifecycle import Replica
from aif.settings import Settings


async def run(settings: Settings) -> int:
    """Return the exit code of one replica's life."""
    connection = await connect(settings)
    return await Replica(settings, connection).run()


def main() -> None:
    """Run one replica, and end the process whatever its threads still do."""
    try:
        settings = Settings.from_environ(os.environ)
        logs.configure(settings.log_level, settings.log_format)
        code = asyncio.run(run(settings))
    except AifError as error:
        print(error.message, file=sys.stderr)  # noqa: T201 - logging may not be set up yet
        code = 2
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
