"""Many requests at a time, as the administrator: what a contest is furnished with and cleared by."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar

import aiohttp
import orjson
from kubernetes.client import Configuration
from rest import path_of

from cluster.api import Cluster
from cluster.kube import connect

Json = dict[str, Any]
Item = TypeVar("Item")

AT_ONCE: Final = 32
_PATIENCE: Final = aiohttp.ClientTimeout(total=120)
_WIPES: Final = 20


class Refused(Exception):
    """The API server said no."""


class Unfinished(Refused):
    """The API server gave up on a request after a while; what it had done by then is done."""


@dataclass(frozen=True, slots=True)
class Loader:
    """The administrator's access to a cluster, for thousands of objects."""

    server: str
    tls: ssl.SSLContext

    @classmethod
    def to(cls, cluster: Cluster) -> Loader:
        """Return a loader for `cluster`."""
        known: Configuration = connect(cluster.kubeconfig, cluster.context).configuration
        context = ssl.create_default_context(cafile=known.ssl_ca_cert)
        context.load_cert_chain(known.cert_file or "", known.key_file)
        return cls(known.host, context)

    def create(self, plural: str, bodies: Iterable[Json], namespace: str = "") -> None:
        """Create objects, as fast as the API server takes them."""
        path = path_of(plural, "", namespace)
        self.each(list(bodies), lambda session, body: send(session, "POST", path, body))

    def create_at(self, rate: float, plural: str, bodies: Sequence[Json], namespace: str) -> None:
        """Create objects at so many a second, whatever the answers take."""
        path = path_of(plural, "", namespace)

        async def pace() -> None:
            async with self._session() as session:
                began, sent = time.monotonic(), []
                for place, body in enumerate(bodies):
                    await asyncio.sleep(max(0.0, began + place / rate - time.monotonic()))
                    sent.append(asyncio.create_task(send(session, "POST", path, body)))
                await asyncio.gather(*sent)

        asyncio.run(pace())

    def untaint(self, names: Iterable[str]) -> None:
        """Take off Nodes the taint that they are created with, as the controller of node lifecycles would."""
        patch = {"spec": {"taints": None}}
        self.each(list(names), lambda session, name: send(session, "PATCH", path_of("nodes", name), patch))

    def clear(self, namespace: str, plurals: Sequence[str]) -> None:
        """Delete all objects of these kinds in a namespace at once, without grace."""
        options = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}

        async def wipe(session: aiohttp.ClientSession, plural: str) -> Json:
            for _ in range(_WIPES):
                with contextlib.suppress(Unfinished):  # thousands take longer than one request may
                    return await send(session, "DELETE", path_of(plural, "", namespace), options)
            raise Unfinished(f"{plural} in {namespace} are not gone after {_WIPES} requests")

        self.each(plurals, wipe)

    def remove(self, plural: str, names: Sequence[str], namespace: str) -> None:
        """Delete objects one by one, of a kind that is not deleted as a whole; one that is gone is no error."""
        options = {"propagationPolicy": "Background"}

        async def drop(session: aiohttp.ClientSession, name: str) -> Json:
            with contextlib.suppress(Refused):
                await send(session, "DELETE", path_of(plural, name, namespace), options)
            return {}

        self.each(names, drop)

    def count(self, plural: str, namespace: str, selector: str = "") -> int:
        """Return how many objects there are, without reading them."""
        query = f"?limit=1&labelSelector={selector}" if selector else "?limit=1"
        (page,) = self.each([path_of(plural, "", namespace) + query], lambda session, path: send(session, "GET", path))
        return len(page["items"]) + int(page["metadata"].get("remainingItemCount", 0))

    def each(
        self, items: Sequence[Item], action: Callable[[aiohttp.ClientSession, Item], Awaitable[Json]]
    ) -> list[Json]:
        """Return the answers for all items, some of them asked for at a time."""

        async def run() -> list[Json]:
            room = asyncio.Semaphore(AT_ONCE)

            async def one(item: Item) -> Json:
                async with room:
                    return await action(session, item)

            async with self._session() as session:
                return list(await asyncio.gather(*map(one, items)))

        return asyncio.run(run())

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=AT_ONCE, ssl=self.tls)
        return aiohttp.ClientSession(self.server, connector=connector, timeout=_PATIENCE)


async def send(session: aiohttp.ClientSession, method: str, path: str, body: Json | None = None) -> Json:
    """Return the answer to a request.

    Raises:
        Refused: The status is an error.
        Unfinished: The request took longer than the API server allows.
    """
    content = "application/merge-patch+json" if method == "PATCH" else "application/json"
    data = None if body is None else orjson.dumps(body)
    async with session.request(method, path, data=data, headers={"Content-Type": content}) as answer:
        text = await answer.read()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            refused = Unfinished if answer.status == HTTPStatus.GATEWAY_TIMEOUT else Refused
            raise refused(f"{method} {path}: {answer.status} {text[:300]!r}")
        found: Json = orjson.loads(text)
        return found
