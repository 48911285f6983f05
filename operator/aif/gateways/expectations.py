"""What was written and is not yet seen: until the caches show it, nothing new is decided for its key."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Generic, TypeAlias, TypeVar

from aif.domain.cluster import ObjectReference

K = TypeVar("K", bound=Hashable)

PATIENCE_SECONDS: Final = 60.0
"""How long a cache may lag before the objects are read live."""


class Standing(Enum):
    """Whether the caches show what was written."""

    SETTLED = "settled"
    WAITING = "waiting"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class Written:
    """An object as the API server answered a write.

    Attributes:
        reference: The object, with its uid.
        resource_version: What the answer bore; empty for a deletion.
    """

    reference: ObjectReference
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """An object as a cache shows it."""

    uid: str
    resource_version: str
    terminating: bool = False


Look: TypeAlias = Callable[[ObjectReference], Seen | None]
"""Tells what the caches show of an object; None where they do not show it."""


class Expectations(Generic[K]):
    """Writes per key that the caches have not shown yet."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._pending: dict[K, dict[ObjectReference, tuple[Written, float]]] = {}

    def expect(self, key: K, written: Written) -> None:
        """Wait for ``written`` before anything new is decided for ``key``."""
        self._pending.setdefault(key, {})[written.reference] = (written, self._clock())

    def standing(self, key: K, look: Look) -> Standing:
        """Return whether the caches show all that was written for ``key``; what they show is forgotten."""
        pending = self._pending.get(key, {})
        for reference in [ref for ref, (written, _) in pending.items() if shows(look(ref), written)]:
            del pending[reference]
        if not pending:
            self._pending.pop(key, None)
            return Standing.SETTLED
        oldest = min(since for _, since in pending.values())
        return Standing.OVERDUE if self._clock() - oldest >= PATIENCE_SECONDS else Standing.WAITING

    def pending(self, key: K) -> tuple[ObjectReference, ...]:
        """Return the objects that ``key`` waits for, to be read live when overdue."""
        return tuple(self._pending.get(key, ()))

    def forget(self, key: K) -> None:
        """Wait for nothing: the objects were read live, or the key is gone."""
        self._pending.pop(key, None)

    def __len__(self) -> int:
        return len(self._pending)


def shows(seen: Seen | None, written: Written) -> bool:
    """Return whether a cache that shows ``seen`` has caught up with ``written``; a new uid is a new object."""
    if not written.resource_version:
        return seen is None or seen.terminating or seen.uid != written.reference.uid
    return seen is not None and (
        seen.uid != written.reference.uid or not older(seen.resource_version, written.resource_version)
    )


def older(left: str, right: str) -> bool:
    """Return whether resourceVersion ``left`` came before ``right``; where they are no numbers, whether they differ."""
    if left.isdecimal() and right.isdecimal():
        return int(left) < int(right)
    return left != right
