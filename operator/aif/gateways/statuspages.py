"""What the leading roles of training jobs say of themselves: their status pages, and their last words.

Pods belong to tenants, so nothing of it is trusted: it is bounded in size, and what is no figure is left out.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import orjson

from aif.domain.cluster import ROLE_LABEL
from aif.domain.learning import Told

PAGE_BYTES: Final = 2**20
PAGE_SECONDS: Final = 3.0
PHASES: Final = frozenset({"Waiting", "Training", "Paused", "Complete", "Failed"})

_TEXT: Final = 256
_MOST: Final = 2**53 - 1
_NAMED: Final = 32
_POINTS: Final = 1000
_GROUPS: Final = 16
_TASKS: Final = 16
_NAME: Final = 253


class StatusPages:
    """Reads status pages over one session."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def read(self, address: str, port: int, now: datetime) -> Told | None:
        """Return what the pod at ``address`` says; None where it does not answer, or not in this form."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PAGE_SECONDS), trust_env=False)
        try:
            host = f"[{address}]" if ipaddress.ip_address(address).version == 6 else address  # noqa: PLR2004 - IPv6
            async with self._session.get(f"http://{host}:{port}/status", allow_redirects=False) as answer:
                if answer.status != HTTPStatus.OK:
                    return None
                return parse_told(await _bounded(answer.content), now)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return None

    async def close(self) -> None:
        """End the session."""
        if self._session is not None:
            await self._session.close()


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    """Return the body; ValueError where it is larger than a status can be."""
    body = bytearray()
    async for chunk in content.iter_chunked(65_536):
        body += chunk
        if len(body) > PAGE_BYTES:
            raise ValueError("larger than a status page")
    return bytes(body)


def last_words(pod: Mapping[str, Any], now: datetime) -> tuple[str, Told | None]:
    """Return the role of a pod that has ended, and what its container said last; None where it said nothing usable."""
    labels = pod["metadata"].get("labels") or {}
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        ended = (status.get("state") or {}).get("terminated") or {}
        if message := ended.get("message"):
            return labels.get(ROLE_LABEL, ""), parse_told(str(message).encode(), now)
    return labels.get(ROLE_LABEL, ""), None


def parse_told(body: bytes, now: datetime) -> Told | None:
    """Return a status page as a value; None where it is none."""
    try:
        raw = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(raw, dict) or raw.get("phase") not in PHASES:
        return None
    clients, traffic = _object(raw.get("clients")), _object(raw.get("trafficBytes"))
    return Told(
        phase=raw["phase"],
        at=now,
        reason=_text(raw.get("reason")) or _routine_reason(raw),
        message=_text(raw.get("message")) or _text(_object(raw.get("routine")).get("message")),
        epoch=_count(raw.get("epoch")) or 0,
        round=_count(raw.get("round")) or 0,
        rounds=_count(raw.get("rounds")) or 0,
        live=_count(clients.get("live")) or 0,
        answered=_count(clients.get("answered")) or 0,
        accuracy_basis_points=_count(raw.get("accuracyBasisPoints")),
        best_round=_count(raw.get("bestRound")),
        remaining_seconds=_count(raw.get("remainingSeconds")),
        transferred_bytes=min(_MOST, (_count(traffic.get("sent")) or 0) + (_count(traffic.get("received")) or 0)),
        stored_bytes=_count(raw.get("storedBytes")),
        digest=_text(raw.get("digest")),
        named=_named(raw),
        history=_history(raw.get("history")),
        tasks=_tasks(_object(raw.get("tasks"))),
        cuts=_cuts(_object(raw.get("routine")).get("groups")),
    )


def _routine_reason(raw: Mapping[str, Any]) -> str:
    """Return why the routine of a job over two levels waits; of one that learns, nothing."""
    return "" if raw["phase"] == "Training" else _text(_object(raw.get("routine")).get("reason"))


def _named(raw: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    states = {"Excluded": _object(raw.get("excluded")), "Lost": _object(raw.get("lost"))}
    found = {
        _text(name): (_text(name), state, _text(why)) for state, them in states.items() for name, why in them.items()
    }
    return tuple(list(found.values())[:_NAMED])


def _history(raw: object) -> tuple[tuple[int, int | None], ...]:
    points: dict[int, int | None] = {}
    for entry in raw[-_POINTS:] if isinstance(raw, list) else ():
        at, accuracy = _count(_object(entry).get("round")), _object(entry).get("accuracy")
        if at is not None:
            share = accuracy if isinstance(accuracy, int | float) and 0.0 <= accuracy <= 1.0 else None
            points[at] = None if share is None else round(10_000 * share)
    return tuple(sorted(points.items()))


def _tasks(raw: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the tasks of a job that has more than one; that it learns goes without saying."""
    found = {_text(name)[:_NAME]: _text(state) for name, state in list(raw.items())[:_TASKS]}
    return tuple(found.items()) if len(found) > 1 else ()


def _cuts(raw: object) -> dict[str, tuple[str, int]]:
    groups = list(_object(raw).items())[:_GROUPS]
    return {
        _text(name): (_text(_object(one).get("cut")), _count(_object(one).get("live")) or 0) for name, one in groups
    }


def _object(raw: object) -> Mapping[str, Any]:
    return raw if isinstance(raw, dict) else {}


def _text(raw: object) -> str:
    return "".join(letter for letter in raw[:_TEXT] if letter.isprintable()) if isinstance(raw, str) else ""


def _count(raw: object) -> int | None:
    return raw if isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw <= _MOST else None
