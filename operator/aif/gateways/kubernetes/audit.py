"""Finds keys in a cache whose objects are gone: kopf tells of no deletion that it missed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from aif.gateways.cache import Cache, Key
from aif.gateways.kubernetes.client import Api
from aif.gateways.kubernetes.resources import Resource

T = TypeVar("T")


async def evict_vanished(api: Api, resource: Resource, cache: Cache[T], namespaces: Sequence[str] = ()) -> list[Key]:
    """Forget and return the keys that a complete list lacks and nobody touched since it began.

    Raises:
        ApiError: The list failed; nothing was forgotten.
    """
    since = cache.moment()
    known = set(cache.keys())
    for namespace in namespaces or ("",):
        async for page in api.pages(resource, namespace):
            known.difference_update(_key(item["metadata"]) for item in page.get("items") or ())
    return cache.evict_untouched(known, since)


def _key(metadata: dict[str, str]) -> Key:
    return metadata.get("namespace", ""), metadata["name"]
