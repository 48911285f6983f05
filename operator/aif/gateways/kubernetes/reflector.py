"""Keeps a cache equal to what the API server holds of one resource: list, watch, resume, list again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from aif.gateways.cache import Cache
from aif.gateways.exposition import Exposition
from aif.gateways.kubernetes.client import Api, Json
from aif.gateways.kubernetes.resources import Resource

T = TypeVar("T")


class Reflector(Generic[T]):
    """Mirrors one resource, of one namespace or of all, into a cache.

    Attributes:
        synced: Set once the first list is in the cache.
    """

    synced: asyncio.Event

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
        raise NotImplementedError

    async def run(self) -> None:
        """Mirror until cancelled."""
        raise NotImplementedError

    def idle_seconds(self) -> float:
        """Return the time since the reflector last did anything: heard, asked or failed."""
        raise NotImplementedError
