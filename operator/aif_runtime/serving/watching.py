"""The application with what is around every request: times, counters, and `Connection: close` while the server ends."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aif_runtime.serving.draining import Ending
from aif_runtime.serving.metrics import Exposition

_MEASURED = ("/v1/infer", "/v2/models/")
_STREAMED = "/v1/stream"
_CLOSE = (b"connection", b"close")


@dataclass(frozen=True, slots=True)
class Watched:
    """An ASGI application around another."""

    app: ASGIApp
    metrics: Exposition
    ending: Ending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        call = _Call(self, receive, send)
        begun, failed = time.perf_counter(), True
        try:
            await self.app(scope, call.receive, call.send)
            failed = call.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        finally:
            if scope["path"].startswith(_MEASURED) and scope["method"] == "POST":
                self.metrics.seconds.observe(time.perf_counter() - begun)
                self._count(call, failed=failed)
            elif scope["path"] == _STREAMED:
                self._count(call, failed=failed)

    def _count(self, call: _Call, *, failed: bool) -> None:
        self.metrics.received.inc(call.received)
        self.metrics.sent.inc(call.sent)
        if failed:
            self.metrics.failures.inc()
        elif call.status >= HTTPStatus.BAD_REQUEST:
            self.metrics.rejected.inc()


@dataclass(slots=True)
class _Call:
    """One request: what went in and out of it."""

    around: Watched
    _receive: Receive
    _send: Send
    status: int = 0
    received: int = field(default=0)
    sent: int = field(default=0)

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self.received += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.around.ending.begun:
                headers: Iterable[tuple[bytes, bytes]] = message.get("headers", ())
                message = {**message, "headers": [*headers, _CLOSE]}
        elif message["type"] == "http.response.body":
            self.sent += len(message.get("body", b""))
        await self._send(message)
