"""Keeps a cache equal to what the API server holds of one resource: list, watch, resume, list again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Final, Generic, TypeVar

import aiohttp
import orjson

from aif.errors import ApiError, NotFound, Unavailable
from aif.gateways.backoff import Backoff, jittered
from aif.gateways.cache import Cache, Key
from aif.gateways.exposition import Exposition
from aif.gateways.kubernetes.client import Api, Json
from aif.gateways.kubernetes.resources import Resource

T = TypeVar("T")

log = logging.getLogger(__name__)

QUIET_SECONDS: Final = 70.0
"""A stream without a word for longer is dead: the API server sends a bookmark about every minute."""

WATCH_SECONDS: Final = 600
FIRST_SECONDS: Final = 1.0
LAST_SECONDS: Final = 30.0
"""Bounds of the wait after a failure, which doubles from the first to the last."""

ABSENT_SECONDS: Final = 60.0
"""Time between two looks for an optional kind that is not installed."""


class Expired(ApiError):
    """The watch cannot go on from where it was: list again."""


class Reflector(Generic[T]):
    """Mirrors one resource, of one namespace or of all, into a cache.

    An object that cannot be read is logged, counted and left out; it stops no other. Where ``optional``, a kind that
    is not installed counts as one without objects.

    Attributes:
        synced: Set once the first list is in the cache.
    """

    def __init__(
        self,
        api: Api,
        resource: Resource,
        parse: Callable[[Json], T | None],
        cache: Cache[T],
        *,
        metrics: Exposition,
        namespace: str = "",
        label_selector: str = "",
        optional: bool = False,
    ) -> None:
        self.synced = asyncio.Event()
        self.resource = resource
        self._api = api
        self._parse = parse
        self._cache = cache
        self._metrics = metrics
        self._namespace = namespace
        self._label_selector = label_selector
        self._optional = optional
        self._version = ""
        self._backoff = Backoff(FIRST_SECONDS, LAST_SECONDS)
        self._clock = time.monotonic
        self._active = self._heard = self._clock()
        metrics.watch_age(resource.plural, lambda: self._clock() - self._heard)

    def idle_seconds(self) -> float:
        """Return the time since the reflector last did anything: heard, asked or failed."""
        return self._clock() - self._active

    async def run(self) -> None:
        """Mirror until cancelled."""
        while True:
            self._active = self._clock()
            delay = await self._turn()
            self._active = self._clock()
            await asyncio.sleep(delay)

    async def _turn(self) -> float:
        """List where nothing is known, watch otherwise; return the seconds to wait before the next turn."""
        try:
            if self._version:
                return await self._watch()
            await self._list()
        except NotFound as error:
            return self._absent(error)
        except Unavailable as error:
            return self._failed(error, error.retry_after or 0.0)
        except ApiError as error:
            self._version = ""
            return self._failed(error)
        except Exception as error:
            log.exception("Reflector failed", extra={"resource": self.resource.plural})
            self._version = ""
            return self._failed(error)
        self._backoff.reset()
        return 0.0

    async def _list(self) -> None:
        found: dict[Key, T] = {}
        version = ""
        async for page in self._api.pages(self.resource, self._namespace, self._label_selector):
            self._active = self._clock()
            version = page["metadata"]["resourceVersion"]
            for raw in page.get("items") or ():
                value = self._read(raw)
                if value is not None:
                    found[_key(raw)] = value
        self._cache.replace(found, self._namespace or None)
        self._metrics.relists_total.labels(self.resource.plural).inc()
        self._heard = self._clock()
        self._version = version
        self.synced.set()

    async def _watch(self) -> float:
        params = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(round(jittered(WATCH_SECONDS))),
        }
        if self._label_selector:
            params["labelSelector"] = self._label_selector
        opened = self._clock()
        async with self._api.stream(self.resource.path(self._namespace), params, QUIET_SECONDS) as body:
            async for line in _lines(body):
                self._take(_decode(line))
        # An end is no failure, but one that follows at once is no service either.
        return 0.0 if self._clock() - opened > self._backoff.first else self._backoff.next()

    def _take(self, event: Json) -> None:
        raw = event["object"]
        if event["type"] == "ERROR":
            raise Expired(f"watch of {self.resource.plural}: {raw.get('message', 'error')}", status=raw.get("code"))
        self._active = self._heard = self._clock()
        self._backoff.reset()
        if event["type"] == "DELETED":
            self._cache.put(_key(raw), None)
        elif event["type"] != "BOOKMARK":
            self._cache.put(_key(raw), self._read(raw))
        self._version = raw["metadata"]["resourceVersion"]

    def _read(self, raw: Json) -> T | None:
        raw.setdefault("apiVersion", self.resource.api_version)
        raw.setdefault("kind", self.resource.kind)
        try:
            return self._parse(raw)
        except Exception:
            self._metrics.unreadable_objects_total.labels(self.resource.plural).inc()
            log.exception("Left out an unreadable object", extra={"resource": self.resource.plural, "key": _key(raw)})
            return None

    def _absent(self, error: NotFound) -> float:
        self._version = ""
        if not self._optional:
            return self._failed(error)
        self._cache.replace({}, self._namespace or None)
        self._heard = self._clock()
        self.synced.set()
        return jittered(ABSENT_SECONDS)

    def _failed(self, error: Exception, at_least: float = 0.0) -> float:
        delay = max(at_least, self._backoff.next())
        level = logging.INFO if getattr(error, "status", None) == HTTPStatus.GONE else logging.WARNING
        details = {"resource": self.resource.plural, "error": str(error), "retry_seconds": round(delay, 1)}
        log.log(level, "Interrupted watch", extra=details)
        return delay


async def _lines(body: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Yield complete lines; what the stream breaks off is lost, and asked for again by resourceVersion."""
    rest = bytearray()
    async for chunk in body.iter_any():
        rest += chunk
        *lines, last = rest.split(b"\n")
        rest = last
        for line in lines:
            if line.strip():
                yield bytes(line)


def _decode(line: bytes) -> Json:
    try:
        event: Json = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise Unavailable(f"the watch sent what is no JSON ({error})") from error
    return event


def _key(raw: Json) -> Key:
    metadata = raw["metadata"]
    return metadata.get("namespace", ""), metadata["name"]
