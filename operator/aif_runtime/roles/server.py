"""The inference server: `python -m aif_runtime.roles.server`, with its settings in the environment.

Ends with 0 after SIGTERM or SIGINT once it has drained, with 2 where a setting is wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator

import uvicorn
import uvloop

from aif_runtime.serving import app, engine
from aif_runtime.serving.draining import Ending
from aif_runtime.serving.engine import Engine
from aif_runtime.serving.metrics import Exposition
from aif_runtime.serving.settings import InvalidSetting, Settings

_WRONG_SETTING = 2


class DrainingServer(uvicorn.Server):
    """uvicorn, which on its own would close the door at the signal: here it stays open until `ending` is drained."""

    def __init__(self, config: uvicorn.Config, ending: Ending) -> None:
        super().__init__(config)
        self._ending = ending

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let the first signal begin the end, in place of uvicorn's handlers."""
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGTERM, signal.SIGINT)
        for number in numbers:
            loop.add_signal_handler(number, self._ending.begin)
        closing = loop.create_task(self._close())
        try:
            yield
        finally:
            closing.cancel()
            for number in numbers:
                loop.remove_signal_handler(number)

    async def _close(self) -> None:
        await self._ending.drained()
        self.should_exit = True


async def serve(settings: Settings) -> None:
    """Serve until a signal comes and all is drained."""
    model, metrics = engine.load(settings.model), Exposition(settings.watts_per_core)
    running = Engine(
        model,
        repeat=settings.repeat,
        concurrency=settings.concurrency,
        queue=settings.queue,
        flops_per_run=settings.flops_per_run or model.flops,
        tell=metrics.compute.observe,
    )
    running.warm_up()
    ending = Ending(settings.drain_seconds, settings.grace_seconds)
    config = uvicorn.Config(
        app.build(running, metrics, ending),
        host=settings.host,
        port=settings.port,
        backlog=4096,
        log_level="warning",
        access_log=False,
        lifespan="off",
        # Longer than clients keep idle connections: so it is they who close them, and none is closed under a request.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(1, round(settings.grace_seconds - settings.drain_seconds)),
    )
    await DrainingServer(config, ending).serve()
    running.close()


def main() -> int:
    """Run the server; the exit status."""
    try:
        settings = Settings.from_environ(os.environ)
        print(f"Serving on port {settings.port}; ONNX Runtime {engine.version()}", flush=True)  # noqa: T201
        uvloop.run(serve(settings))
    except InvalidSetting as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - read by whoever starts it
        return _WRONG_SETTING
    return 0


if __name__ == "__main__":
    sys.exit(main())
