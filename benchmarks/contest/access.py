"""A peer's way to the API server: the operator's own bounded connections, and plain requests over them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import aiohttp
import orjson

from aif.gateways.kubernetes.connection import Connection, connect
from aif.settings import Settings

Json = dict[str, Any]

APPLY: Final = "application/apply-patch+yaml"
JSON_PATCH: Final = "application/json-patch+json"


class Refused(Exception):
    """The API server said no."""


class Access:
    """Requests over one session."""

    def __init__(self, connection: Connection) -> None:
        """Ask over the connections of `connection`."""
        self.connection = connection
        self.session = connection.session()

    @classmethod
    async def by(cls, kubeconfig: str) -> Access:
        """Return access with the credentials of a kubeconfig."""
        return cls(await connect(Settings(kubeconfig=kubeconfig)))

    async def send(self, method: str, path: str, body: object = None, content: str = "application/json") -> Json:
        """Return the answer to a request.

        Raises:
            Refused: The status is an error.
        """
        headers = {"Content-Type": content}
        data = None if body is None else orjson.dumps(body)
        url = f"{self.connection.server}{path}"
        async with self.session.request(method, url, data=data, headers=headers) as answer:
            return decoded(answer.status, await answer.read(), f"{method} {path}")

    def watch(self, path: str) -> Any:  # noqa: ANN401 - aiohttp's own type is private
        """Return the request for a stream of changes."""
        bounds = aiohttp.ClientTimeout(total=None)
        return self.session.get(f"{self.connection.server}{path}", timeout=bounds)


def decoded(status: int, text: bytes, request: str) -> Json:
    """Return an answer as a dictionary.

    Raises:
        Refused: The status is an error.
    """
    if status >= HTTPStatus.BAD_REQUEST:
        raise Refused(f"{request}: {status} {text[:300]!r}")
    found: Json = orjson.loads(text)
    return found
