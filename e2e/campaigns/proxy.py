"""Stands between the operator and the API server, counts the operator's writes, and calls at the chosen ones.

It forwards the operator's own credential, so what the API server permits and logs is what it would be without it.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import aiohttp
import yaml
from aiohttp import web

from cluster import pki
from cluster.pki import Identity

_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_HOP_BY_HOP: Final = frozenset({"host", "connection", "transfer-encoding", "content-length", "keep-alive"})
_NOT_ADDED: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""Headers that must not appear where the operator sent none: the API server would refuse a body of such a type."""


class Moment(StrEnum):
    """When the proxy calls: before a write reaches the API server, or after it was carried out, unanswered."""

    BEFORE = "before"
    AFTER = "after"


class Proxy:
    """Forwards requests; at the writes of a plan, by their number, it calls `strike` and answers no more."""

    def __init__(self, folder: Path, kubeconfig: Path, plan: Mapping[int, Moment]) -> None:
        """Forward to the API server of `kubeconfig`, own certificates in `folder`, and strike by `plan`."""
        known: Any = yaml.safe_load(kubeconfig.read_text())
        self._target = known["clusters"][0]["cluster"]
        authority = pki.create_authority(folder)
        pair = authority.issue(Identity("proxy", hosts=("127.0.0.1",)), "proxy")
        self._own_ca = authority.file
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(pair.certificate, pair.key)
        self.writes = 0
        self._due = deque(sorted(plan.items()))
        self.is_alive: Callable[[], bool] = lambda: False
        self.strike: Callable[[], None] = lambda: None
        self.struck: list[tuple[int, Moment, str]] = []
        self.port = 0
        self._end: Callable[[], object] = lambda: None

    def redirect(self, kubeconfig: Path) -> None:
        """Have a kubeconfig lead here."""
        content: Any = yaml.safe_load(kubeconfig.read_text())
        cluster = content["clusters"][0]["cluster"]
        cluster.pop("certificate-authority-data", None)
        cluster |= {"server": f"https://127.0.0.1:{self.port}", "certificate-authority": str(self._own_ca)}
        kubeconfig.write_text(yaml.safe_dump(content))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve in a thread of its own."""
        ready = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)))
        thread.start()
        ready.wait()
        try:
            yield
        finally:
            self._end()
            thread.join()

    async def _serve(self, ready: threading.Event) -> None:
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        self._end = lambda: loop.call_soon_threadsafe(over.set)
        context = ssl.create_default_context(cadata=_authority(self._target))
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        forever = aiohttp.ClientTimeout(total=None, sock_read=None)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False, timeout=forever) as session:
            app = web.Application(client_max_size=2**24)
            app.router.add_route("*", "/{path:.*}", lambda request: self._forward(session, request))
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._tls)
            await site.start()
            self.port = runner.addresses[0][1]
            ready.set()
            await over.wait()
            await runner.cleanup()

    async def _forward(self, session: aiohttp.ClientSession, request: web.Request) -> web.StreamResponse:
        moment = self._moment(request)
        if moment is Moment.BEFORE:
            return self._cut(request, moment)
        url = f"{self._target['server']}{request.raw_path}"
        sent = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        body = await request.read() or None
        async with session.request(
            request.method, url, headers=sent, data=body, skip_auto_headers=_NOT_ADDED
        ) as answer:
            if moment is Moment.AFTER:
                await answer.read()
                return self._cut(request, moment)
            return await _relay(answer, request)

    def _moment(self, request: web.Request) -> Moment | None:
        """Count a write; return whether it is one of those chosen.

        What a killed operator had sent still arrives; it strikes nobody, so the next write of a living one is taken.
        """
        if request.method not in _WRITES or "/leases" in request.path:
            return None
        self.writes += 1
        if not self._due or self.writes < self._due[0][0] or not self.is_alive():
            return None
        return self._due.popleft()[1]

    def _cut(self, request: web.Request, moment: Moment) -> web.StreamResponse:
        """Strike, and break the connection off."""
        self.struck.append((self.writes, moment, f"{request.method} {request.path}"))
        self.strike()
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=502)


async def _relay(answer: aiohttp.ClientResponse, request: web.Request) -> web.StreamResponse:
    """Hand an answer on as it comes, a watch line by line."""
    headers = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
    response = web.StreamResponse(status=answer.status, headers=headers)
    with suppress(ConnectionError, aiohttp.ClientError):
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    return response


def _authority(target: Mapping[str, str]) -> str:
    """Return the certificate of the API server's authority."""
    if "certificate-authority-data" in target:
        return base64.b64decode(target["certificate-authority-data"]).decode()
    return Path(target["certificate-authority"]).read_text()
