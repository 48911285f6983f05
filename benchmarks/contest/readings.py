"""What the audit log says of a contestant: how fast it wrote, how soon, and how much."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import orjson

_WRITES: Final = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_BINDING: Final = b'"subresource":"binding"'
_PATIENCE_S: Final = 600.0
_PAUSE_S: Final = 0.5
_OURS: Final = "system:serviceaccount:aif-system:"


@dataclass(frozen=True, slots=True)
class Mark:
    """The end of the audit log at some moment."""

    log: Path
    start: int

    @classmethod
    def now(cls, log: Path) -> Mark:
        """Return the mark of this moment."""
        return cls(log, log.stat().st_size)

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield what was answered since."""
        with self.log.open("rb") as file:
            file.seek(self.start)
            for line in file:
                if line.endswith(b"\n") and (entry := orjson.loads(line))["stage"] == "ResponseComplete":
                    yield entry

    def await_bindings(self, count: int) -> None:
        """Wait until so many pods were bound since; costs next to nothing.

        Raises:
            TimeoutError: They are not within ten minutes.
        """
        end, bound = time.monotonic() + _PATIENCE_S, 0
        with self.log.open("rb") as file:
            file.seek(self.start)
            while bound < count:
                if time.monotonic() > end:
                    raise TimeoutError(f"kube-scheduler bound {bound} of {count} pods")
                time.sleep(_PAUSE_S)
                bound += file.read().count(_BINDING)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one contestant did in one namespace.

    `seconds`: from its first look at AIServices to its last Deployment. `latencies`: milliseconds from the creation of
    an AIService to that of its Deployment, sorted. `writes` and `reads`: requests by verb and kind.
    """

    placed: int
    seconds: float
    latencies: tuple[float, ...]
    writes: Counter[str]
    reads: Counter[str]
    elsewhere: int
    """Writes to ComputeNodes."""

    @property
    def writes_each(self) -> float:
        """Writes per placement, in the namespace of the services."""
        return self.writes.total() / max(1, self.placed)

    @property
    def rate(self) -> float:
        """Placements per second."""
        return self.placed / self.seconds if self.seconds else 0.0

    def latency(self, percent: int) -> float:
        """Return a percentile of the latencies, in milliseconds."""
        if len(self.latencies) < 2:  # noqa: PLR2004 - quantiles need two values
            return self.latencies[0] if self.latencies else float("nan")
        return statistics.quantiles(self.latencies, n=100, method="inclusive")[percent - 1]


def read(since: Mark, namespace: str) -> Reading:
    """Return what was done in `namespace` by a contestant since a mark."""
    writes, reads, elsewhere = Counter[str](), Counter[str](), 0
    born, made, looked = dict[str, float](), dict[str, float](), list[float]()
    for entry in since.entries():
        where = entry.get("objectRef") or {}
        kind, mine = _kind(where), entry["user"]["username"].startswith(_OURS)
        if mine and where.get("resource") == "computenodes" and entry["verb"] in _WRITES:
            elsewhere += 1
        if where.get("namespace") != namespace:
            continue
        code = entry["responseStatus"]["code"]
        if mine:
            (writes if entry["verb"] in _WRITES else reads)[f"{entry['verb']} {kind}"] += 1
        if mine and kind == "aiservices" and entry["verb"] == "list":
            looked.append(_seconds(entry["requestReceivedTimestamp"]))
        elif kind == "aiservices" and entry["verb"] == "create" and code == HTTPStatus.CREATED:
            # Not when it was answered: whoever watches may see it earlier than that
            born[where.get("name", "")] = _seconds(entry["requestReceivedTimestamp"])
        elif mine and kind == "deployments" and code == HTTPStatus.CREATED:
            made[_owner(entry)] = _seconds(entry["stageTimestamp"])
    latencies = sorted(1e3 * (made[name] - born[name]) for name in made.keys() & born.keys())
    seconds = max(made.values()) - min(looked) if made and looked else 0.0
    return Reading(len(made), seconds, tuple(latencies), writes, reads, elsewhere)


def bindings(since: Mark, namespace: str) -> tuple[int, float]:
    """Return how many pods were bound, and the seconds from the first to the last of them."""
    moments = [
        _seconds(entry["stageTimestamp"])
        for entry in since.entries()
        if _kind(entry.get("objectRef") or {}) == "pods/binding" and entry["objectRef"].get("namespace") == namespace
    ]
    return len(moments), max(moments) - min(moments) if moments else 0.0


def _kind(where: dict[str, Any]) -> str:
    resource, part = where.get("resource", ""), where.get("subresource")
    return f"{resource}/{part}" if part else resource


def _owner(entry: dict[str, Any]) -> str:
    """Return the AIService that a Deployment was made for: the name without the hash of the copy."""
    name: str = entry["objectRef"].get("name") or entry["requestObject"]["metadata"]["name"]
    return name.rpartition("-")[0]


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
