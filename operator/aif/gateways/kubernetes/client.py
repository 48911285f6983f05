"""Requests to the API server, and what its answers mean."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import aiohttp
import orjson
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import BytesPayload

from aif.domain.cluster import ObjectReference
from aif.errors import Unavailable
from aif.gateways.exposition import Exposition
from aif.gateways.kubernetes.answers import error_of
from aif.gateways.kubernetes.resources import Resource, path_of

Json: TypeAlias = dict[str, Any]
Permit: TypeAlias = Callable[[], bool]
"""Whether what is about to be sent may still be sent."""

READ_SECONDS: Final = 30.0
PAGE: Final = 500
_CONNECT_SECONDS: Final = 5.0
_LOST: Final = (aiohttp.ClientError, TimeoutError, OSError)


class _Permitted(BytesPayload):
    """A body that asks for leave at the moment when it is sent, after all waiting for connections and turns."""

    def __init__(self, content: bytes, permit: Permit) -> None:
        super().__init__(content)
        self._permit = permit

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        if not self._permit():
            raise PermissionError("not sent: leave was withdrawn before the first byte")
        await super().write_with_length(writer, content_length)


class Api:
    """Reads, and the one function through which everything is sent.

    Nothing is tried again here: whoever asks knows whether that is safe.
    """

    def __init__(self, session: aiohttp.ClientSession, server: str, metrics: Exposition) -> None:
        self._session = session
        self._server = server.rstrip("/")
        self._metrics = metrics

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
        seconds: float = READ_SECONDS,
        permit: Permit | None = None,
    ) -> Json:
        """Send one request and return the answer; ``seconds`` bound it from end to end.

        ``permit`` is asked immediately before a body is sent: where it says no, nothing is.

        Raises:
            NotFound: The object or its kind is not there.
            Conflict: Somebody else wrote first, or the object is another one.
            Rejected: The request is at fault (`Forbidden` and `Denied` say by whose rule).
            Unavailable: There was no answer, or one that says later; a write may have been carried out.
            ApiError: The resourceVersion asked for is no longer kept (status 410).
        """
        bounds = aiohttp.ClientTimeout(total=seconds, sock_connect=_CONNECT_SECONDS)
        headers = {} if body is None else {"Content-Type": content_type}
        async with self._exchange(method, path, params, bounds, _encode(body, permit), headers) as answer:
            return _decode(await answer.read(), f"{method} {path}")

    async def get(self, reference: ObjectReference, *, cached: bool = False) -> Json:
        """Return the object as it is now, or as the API server's cache has it, which may lag by a moment.

        A look into the cache costs the API server a third, and the database nothing.

        Raises:
            ApiError: As `request`.
        """
        return await self.request("GET", path_of(reference), params={"resourceVersion": "0"} if cached else None)

    async def pages(
        self, resource: Resource, namespace: str = "", label_selector: str = "", limit: int = PAGE
    ) -> AsyncIterator[Json]:
        """Yield the pages of one consistent list; each holds ``items`` and ``metadata.resourceVersion``.

        Raises:
            ApiError: As `request`; with status 410 where the list took too long and must begin anew.
        """
        params = {"limit": str(limit)}
        if label_selector:
            params["labelSelector"] = label_selector
        while True:
            page = await self.request("GET", resource.path(namespace), params=params)
            yield page
            following = page.get("metadata", {}).get("continue")
            if not following:
                return
            params["continue"] = following

    @asynccontextmanager
    async def stream(
        self, path: str, params: Mapping[str, str], quiet_seconds: float
    ) -> AsyncIterator[aiohttp.StreamReader]:
        """Give the body of an answer that has no end, and read as it comes.

        Raises:
            ApiError: As `request`; Unavailable also where nothing came for ``quiet_seconds``.
        """
        bounds = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=quiet_seconds)
        async with self._exchange("GET", path, params, bounds) as answer:
            yield answer.content

    @asynccontextmanager
    async def _exchange(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        bounds: aiohttp.ClientTimeout,
        data: bytes | BytesPayload | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        url = f"{self._server}{path}"
        code = 0
        try:
            async with self._session.request(
                method, url, params=params, data=data, headers=headers, timeout=bounds, allow_redirects=False
            ) as answer:
                code = answer.status
                self._metrics.apiserver_requests_total.labels(method, str(code)).inc()
                if code >= HTTPStatus.MULTIPLE_CHOICES:
                    raise error_of(code, answer.headers, await answer.read(), f"{method} {path}")
                yield answer
        except _LOST as error:
            if not code:
                self._metrics.apiserver_requests_total.labels(method, "0").inc()
            raise Unavailable(f"{method} {path}: no answer from the API server ({_cause(error)})") from error


def _encode(body: object, permit: Permit | None) -> bytes | BytesPayload | None:
    if body is None:
        return None
    content = orjson.dumps(body)
    return content if permit is None else _Permitted(content, permit)


def _decode(content: bytes, request: str) -> Json:
    try:
        decoded: Json = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Unavailable(f"{request}: the answer of the API server is no JSON ({error})") from error
    return decoded


def _cause(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
