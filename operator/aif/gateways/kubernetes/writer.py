"""All writes but the Lease's: fenced by leadership, within a budget, within what the operator may ever write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aif.domain.cluster import ObjectReference
from aif.gateways.kubernetes.budget import Budget
from aif.gateways.kubernetes.client import Api, Json


class Writer:
    """Writes, each checked against leadership, budget and the list of what may be written."""

    def __init__(self, api: Api, *, is_leader: Callable[[], bool], budget: Budget) -> None:
        raise NotImplementedError

    async def apply(self, body: Mapping[str, Any], *, force: bool = True) -> Json:
        """Server-side apply of an object's full intent."""
        raise NotImplementedError

    async def apply_status(self, target: ObjectReference, status: Mapping[str, Any]) -> Json:
        """Server-side apply of an object's whole status, refused where the uid is another."""
        raise NotImplementedError

    async def delete(self, target: ObjectReference, resource_version: str) -> None:
        """Delete exactly the object with that uid and resourceVersion."""
        raise NotImplementedError
