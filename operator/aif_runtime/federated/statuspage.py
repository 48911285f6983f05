"""The status of a job over HTTP: `GET /status` as JSON, `GET /healthz`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

from aif_runtime.learning.errors import InvalidRole

log = logging.getLogger(__name__)
_SECONDS = 5.0


@contextlib.asynccontextmanager
async def serve_status(address: str, status: Callable[[], dict[str, Any]]) -> AsyncIterator[int]:
    """Serve ``status()``, asked for in this event loop, at HOST:PORT; yields the port."""
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()

    async def asked() -> dict[str, Any]:
        return status()

    class Page(BaseHTTPRequestHandler):
        """Answers one connection."""

        timeout: ClassVar[float] = _SECONDS

        def do_GET(self) -> None:
            """Answer a GET."""
            found = {
                "/healthz": dict,
                "/status": lambda: asyncio.run_coroutine_threadsafe(asked(), loop).result(_SECONDS),
            }.get(self.path)
            body = json.dumps(found() if found else {"message": "see /status"}).encode()
            self.send_response(HTTPStatus.OK if found else HTTPStatus.NOT_FOUND)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as in the base class
            """Say nothing: each look of the operator would be a line."""

    try:
        server = ThreadingHTTPServer((host, int(port)), Page)
    except (OSError, ValueError, OverflowError) as error:
        raise InvalidRole(f"statusListen: {address} cannot be listened on: {error}") from error
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    log.info("Serving the status", extra={"port": server.server_port})
    try:
        yield server.server_port
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()
