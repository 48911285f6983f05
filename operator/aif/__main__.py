"""Runs the operator: ``python -m aif``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from aif.errors import AifError
from aif.gateways import logs
from aif.gateways.kubernetes.connection import connect
from aif.gateways.profiling import Profiler
from aif.handlers.lifecycle import Replica
from aif.settings import Settings

LINGER_SECONDS = 3.0
"""How long the interpreter may take to end, files of credentials removed; a thread may hang in a request."""


log = logging.getLogger("aif")


def options(arguments: Sequence[str]) -> Mapping[str, str]:
    """Return the variables that the options of the command line stand for."""
    parser = argparse.ArgumentParser("python -m aif", description="The operator; variables AIF_* set everything else.")
    parser.add_argument("--profile", metavar="DIR", help="write profiles to this folder, at the end and at SIGUSR1")
    parser.add_argument("--record", metavar="DIR", help="record every decision in this folder, for `aif simulate DIR`")
    given = vars(parser.parse_args(arguments))
    return {f"AIF_{name.upper()}": value for name, value in given.items() if value is not None}


async def run(settings: Settings, profiler: Profiler | None) -> int:
    """Return the exit code of one replica's life."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, profiler.write if profiler else _tell_how)
    connection = await connect(settings)
    return await Replica(settings, connection).run()


def _tell_how() -> None:
    log.warning("Wrote no profile: set AIF_PROFILE, or start with --profile")


def _run(settings: Settings) -> int:
    with ExitStack() as stack:
        profiler = stack.enter_context(Profiler(Path(settings.profile))) if settings.profile else None
        return asyncio.run(run(settings, profiler))


def main() -> None:
    """Run one replica, and end the process within seconds whatever its threads still do."""
    try:
        settings = Settings.from_environ({**os.environ, **options(sys.argv[1:])})
        logs.configure(settings.log_level, settings.log_format)
        code = _run(settings)
    except AifError as error:
        print(error.message, file=sys.stderr)  # noqa: T201 - logging may not be set up yet
        code = 2
    watchdog = threading.Timer(LINGER_SECONDS, os._exit, (code,))
    watchdog.daemon = True
    watchdog.start()
    sys.exit(code)


if __name__ == "__main__":
    main()
