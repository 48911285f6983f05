"""A fake API server over HTTP, with faults on demand: slow, lost, refused or false answers, expired watches."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.fake_store import Failure, Json, Store, Where

_PATH = re.compile(
    r"(?P<root>/api/v1|/apis/[^/]+/[^/]+)(?:/namespaces/(?P<ns>[^/]+))?/(?P<plural>[a-z]+)"
    r"(?:/(?P<name>[^/]+))?(?:/status)?"
)


@dataclass
class Fault:
    """What goes wrong with the next ``times`` requests whose method and path match."""

    method: str = ".*"
    path: str = ".*"
    times: int = 1
    status: int = 0
    """Answer with this status; 0 drops the connection."""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b'{"kind":"Status","message":"a fault of the test"}'
    carried_out: bool = False
    """Carry the request out before it fails: the answer is lost, not the request."""
    seconds: float = 0.0
    """Wait first."""
    fails: bool = True
    """Fail after waiting; otherwise the request is only slow."""
    fired: int = 0

    def takes(self, request: web.Request) -> bool:
        """Return whether this request is hit, and count it."""
        hit = (
            self.fired < self.times
            and re.fullmatch(self.method, request.method) is not None
            and re.search(self.path, request.path_qs) is not None
        )
        self.fired += hit
        return hit


@dataclass
class Sent:
    """A request as it arrived."""

    method: str
    path: str
    params: dict[str, str]
    body: Any
    authorization: str


class FakeApi:
    """Serves a `Store`; watches see every change, replayed from their resourceVersion."""

    def __init__(self) -> None:
        self.store = Store()
        self.faults: list[Fault] = []
        self.requests: list[Sent] = []
        self.absent: set[str] = set()
        """Plurals of kinds that are not installed."""
        self.tokens: set[str] = set()
        """Values of Authorization that are accepted; all when empty."""
        self.bookmark_seconds = 60.0
        self.silent = False
        """Open watches send nothing more, and stay open."""
        self.garbage = b""
        """Sent once on each open watch instead of the next line, which is lost; then the watch is cut."""
        self._changed = asyncio.Event()
        self._cuts = 0
        self.watches = 0
        """Watches that are open."""
        application = web.Application(client_max_size=4 * 2**20)
        application.router.add_route("*", "/{tail:.*}", self._serve)
        self._server = TestServer(application)

    @property
    def url(self) -> str:
        """Where the server listens."""
        return str(self._server.make_url("")).rstrip("/")

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut_watches()
        await self._server.close()

    def fail(self, **what: Any) -> Fault:
        """Add a fault (arguments of `Fault`), and return it."""
        fault = Fault(**what)
        self.faults.append(fault)
        return fault

    def put(self, path: str, body: Json, uid: str = "") -> Json:
        """Create or replace the object at ``path`` as a user would; a new one may be given its ``uid``."""
        where = _where(path)
        if where in self.store.objects:
            stored = self.store.replace(
                where, {**body, "metadata": {**self.store.get(where)["metadata"], **body.get("metadata", {})}}
            )
        else:
            stored = self.store.create(where, body, uid=uid)
        self.wake()
        return stored

    def remove(self, path: str) -> None:
        """Delete the object at ``path`` as a user would."""
        self.store.delete(_where(path))
        self.wake()

    def read(self, path: str) -> Json:
        """Return the object at ``path``."""
        return self.store.get(_where(path))

    def cut_watches(self) -> None:
        """End every open watch in the middle."""
        self._cuts += 1
        self.wake()

    def wake(self) -> None:
        """Have open watches look for news."""
        self._changed.set()
        self._changed = asyncio.Event()

    def sent(self, method: str, path: str = "") -> list[Sent]:
        """Return the requests so far with ``method``, whose path contains ``path``."""
        return [item for item in self.requests if item.method == method and path in item.path]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = orjson.loads(raw) if raw else None
        authorization = request.headers.get("Authorization", "")
        self.requests.append(Sent(request.method, request.path, dict(request.query), body, authorization))
        if self.tokens and authorization not in self.tokens:
            return _status(401, "Unauthorized")
        fault = next((fault for fault in self.faults if fault.takes(request)), None)
        if fault is not None:
            await asyncio.sleep(fault.seconds)
        if fault is None or not fault.fails:
            return await self._answer(request, body)
        if fault.carried_out:
            await self._answer(request, body)
        if not fault.status:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        return web.Response(status=fault.status, headers=fault.headers, body=fault.body)

    async def _answer(self, request: web.Request, body: Any) -> web.StreamResponse:  # noqa: ANN401 - any JSON
        try:
            where = self._find(request.path)
            if request.query.get("watch"):
                return await self._watch(request, where)
            if request.method == "GET" and not where[2]:
                return web.json_response(self._list(request, where))
            return web.json_response(self._carry_out(request, where, body))
        except Failure as failure:
            return _status(failure.status, failure.message)

    def _find(self, path: str) -> Where:
        where = _where(path)
        if where[0].rsplit("/", 1)[1] in self.absent:
            raise Failure(404, "the server could not find the requested resource")
        return where

    def _carry_out(self, request: web.Request, where: Where, body: Any) -> Json:  # noqa: ANN401
        manager = request.query.get("fieldManager", "test")
        try:
            if request.method == "PATCH":
                return self._patch(request, where, body, manager)
            match request.method:
                case "GET":
                    return self.store.get(where)
                case "POST":
                    return self.store.create((*where[:2], body["metadata"]["name"]), body, manager)
                case "PUT":
                    return self.store.replace(where, body, manager)
                case _:
                    self.store.delete(where, (body or {}).get("preconditions"))
                    return {"kind": "Status", "status": "Success"}
        finally:
            self.wake()

    def _patch(self, request: web.Request, where: Where, body: Any, manager: str) -> Json:  # noqa: ANN401 - any JSON
        match request.content_type:
            case "application/apply-patch+yaml":
                return self.store.apply(where, body, manager, force=request.query.get("force") == "true")
            case "application/merge-patch+json":
                return self.store.merge(where, body)
            case "application/json-patch+json":
                return self.store.patch(where, body)
            case kind:
                raise Failure(415, f"{kind} is not served")

    def _list(self, request: web.Request, where: Where) -> Json:
        start, _, version = request.query.get("continue", "").partition("@")
        if version and int(version) < self.store.compacted:
            raise Failure(410, "the provided continue parameter is too old")
        found = [item for key, item in sorted(self.store.objects.items()) if _selected(request, where, key, item)]
        begin, limit = int(start or 0), int(request.query.get("limit", 500))
        page = found[begin : begin + limit]
        metadata: Json = {"resourceVersion": version or str(self.store.version)}
        if begin + limit < len(found):
            metadata["continue"] = f"{begin + limit}@{metadata['resourceVersion']}"
        return {"kind": "List", "metadata": metadata, "items": page}

    async def _watch(self, request: web.Request, where: Where) -> web.StreamResponse:
        version = int(request.query["resourceVersion"])
        if version < self.store.compacted:
            raise Failure(410, "too old resource version")
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        with self._open(), contextlib.suppress(ConnectionError):
            async for line in self._events(request, where, version):
                await response.write(line)
        if request.transport is not None:
            request.transport.abort()
        return response

    @contextlib.contextmanager
    def _open(self) -> Iterator[None]:
        self.watches += 1
        try:
            yield
        finally:
            self.watches -= 1

    async def _events(self, request: web.Request, where: Where, version: int) -> AsyncIterator[bytes]:
        cuts = self._cuts
        while cuts == self._cuts:
            changed = self._changed
            if self.garbage and self._news(request, where, version):
                yield self.garbage
                return
            if not self.silent:
                news = self._news(request, where, version)
                version = news[-1][0] if news else version
                for _, line in news:
                    yield line
            try:
                async with asyncio.timeout(self.bookmark_seconds):
                    await changed.wait()
            except TimeoutError:
                if not self.silent:
                    yield _event("BOOKMARK", {"metadata": {"resourceVersion": str(self.store.version)}})

    def _news(self, request: web.Request, where: Where, version: int) -> list[tuple[int, bytes]]:
        if version < self.store.compacted:
            gone = {"kind": "Status", "code": 410, "message": "too old resource version"}
            return [(self.store.version, _event("ERROR", gone))]
        return [
            (at, _event(kind, item))
            for at, key, kind, item in self.store.history
            if at > version and _selected(request, where, key, item)
        ]


def _where(path: str) -> Where:
    found = _PATH.fullmatch(path)
    if found is None:
        raise Failure(404, f"{path} is not served")
    return f"{found['root']}/{found['plural']}", found["ns"] or "", found["name"] or ""


def _selected(request: web.Request, where: Where, key: Where, item: Json) -> bool:
    labels = item["metadata"].get("labels") or {}
    wanted = [pair.split("=") for pair in request.query.get("labelSelector", "").split(",") if pair]
    return key[0] == where[0] and where[1] in ("", key[1]) and all(labels.get(name) == value for name, value in wanted)


def _event(kind: str, item: Json) -> bytes:
    return orjson.dumps({"type": kind, "object": item}) + b"\n"


def _status(code: int, message: str) -> web.Response:
    return web.json_response({"kind": "Status", "code": code, "message": message}, status=code)
