"""Pieces of objects as the API server writes them: amounts, times, conditions, owners."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from aif.api.quantity import LIMIT, Quantity
from aif.domain.cluster import ObjectReference


@lru_cache(maxsize=8192)
def demanded(text: str | int) -> float:
    """Return a requested amount in base units; what cannot be read counts as more than any node has."""
    try:
        return float(Quantity.parse(text))
    except ValueError:
        return float(LIMIT)


@lru_cache(maxsize=8192)
def offered(text: str | int) -> float:
    """Return an offered amount in base units; what cannot be read counts as nothing."""
    try:
        return float(Quantity.parse(text))
    except ValueError:
        return 0.0


def moment(text: str | None) -> datetime | None:
    """Return a time (aware), or None where there is none that can be read."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def condition(raw: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """Return the condition of type ``kind`` in the status of ``raw``; empty where there is none."""
    listed: Iterable[Mapping[str, Any]] = (raw.get("status") or {}).get("conditions") or ()
    return next((item for item in listed if item.get("type") == kind), {})


def controller(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the controlling owner reference; empty where there is none."""
    owners: Iterable[Mapping[str, Any]] = metadata.get("ownerReferences") or ()
    return next((owner for owner in owners if owner.get("controller")), {})


def reference(raw: Mapping[str, Any]) -> ObjectReference:
    """Return the identity of an object."""
    metadata = raw["metadata"]
    return ObjectReference(
        raw["apiVersion"], raw["kind"], metadata.get("namespace", ""), metadata["name"], metadata.get("uid", "")
    )
