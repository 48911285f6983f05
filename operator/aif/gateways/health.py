"""The operator's own HTTP server: /healthz, /readyz and /metrics."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, TypeAlias

from aiohttp import web

from aif.gateways.exposition import CONTENT_TYPE, Exposition

Check: TypeAlias = Callable[[], str]
"""Says what is wrong; empty when nothing is."""

LAG_SECONDS: Final = 10.0
"""An event loop that is later than this serves nobody."""

_BEAT_SECONDS: Final = 1.0


class Health:
    """Checks by name: those that a restart mends (live), and those that say whether the caches are full (ready)."""

    def __init__(self, metrics: Exposition) -> None:
        self._metrics = metrics
        self._lag = 0.0
        self._live: dict[str, Check] = {"event loop": self._check_lag}
        self._ready: dict[str, Check] = {}

    def add_live(self, name: str, check: Check) -> None:
        """Have /healthz fail while ``check`` finds something wrong."""
        self._live[name] = check

    def add_ready(self, name: str, check: Check) -> None:
        """Have /readyz fail while ``check`` finds something wrong."""
        self._ready[name] = check

    def application(self) -> web.Application:
        """Return the web application."""
        application = web.Application()
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/metrics", self._render)
        return application

    async def serve(self, port: int, started: Callable[[int], None] | None = None) -> None:
        """Serve on all addresses until cancelled; ``started`` is told the port, a free one where ``port`` is 0."""
        runner = web.AppRunner(self.application(), access_log=None)
        await runner.setup()
        try:
            listener = _listen(port)
            await web.SockSite(runner, listener).start()
            if started is not None:
                started(listener.getsockname()[1])
            await self.watch_loop()
        finally:
            await runner.cleanup()

    async def watch_loop(self) -> None:
        """Measure how late the event loop is, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _BEAT_SECONDS
            await asyncio.sleep(_BEAT_SECONDS)
            self._lag = max(0.0, loop.time() - due)
            self._metrics.event_loop_lag_seconds.set(self._lag)

    def _check_lag(self) -> str:
        return f"{self._lag:.1f} s late" if self._lag > LAG_SECONDS else ""

    async def _healthz(self, _: web.Request) -> web.Response:
        return _answer(self._live)

    async def _readyz(self, _: web.Request) -> web.Response:
        return _answer(self._ready)

    async def _render(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics.render(), headers={"Content-Type": CONTENT_TYPE})


def idle(age: Callable[[], float], limit: float) -> Check:
    """Return a check that fails while ``age`` (seconds) exceeds ``limit``."""
    return lambda: f"idle for {seconds:.0f} s" if (seconds := age()) > limit else ""


def _listen(port: int) -> socket.socket:
    """Return one socket for IPv4 and IPv6 together, so that a free port is the same one for both."""
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", port))


def _answer(checks: dict[str, Check]) -> web.Response:
    findings = {name: check() for name, check in checks.items()}
    text = "".join(f"{name}: {finding or 'ok'}\n" for name, finding in findings.items())
    status = HTTPStatus.SERVICE_UNAVAILABLE if any(findings.values()) else HTTPStatus.OK
    return web.Response(text=text or "ok\n", status=status)
