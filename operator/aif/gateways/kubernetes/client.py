"""Requests to the API server, and what its answers mean."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeAlias

import aiohttp

from aif.domain.cluster import ObjectReference
from aif.gateways.exposition import Exposition
from aif.gateways.kubernetes.resources import Resource

Json: TypeAlias = dict[str, Any]


class Api:
    """Reads, and the one function through which everything is sent."""

    def __init__(self, session: aiohttp.ClientSession, server: str, metrics: Exposition) -> None:
        raise NotImplementedError

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
        seconds: float = 30.0,
    ) -> Json:
        """Send one request and return the answer.

        Raises:
            NotFound, Conflict, Forbidden, Denied, Rejected, Unavailable: as the API server answered.
        """
        raise NotImplementedError

    async def get(self, reference: ObjectReference) -> Json:
        """Return the object as it is now."""
        raise NotImplementedError

    def pages(
        self, resource: Resource, namespace: str = "", label_selector: str = "", limit: int = 500
    ) -> AsyncIterator[Json]:
        """Yield the pages of a consistent list."""
        raise NotImplementedError
