"""What was last read of one kind of object, by key, with indexes and listeners."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")

log = logging.getLogger(__name__)

Key: TypeAlias = tuple[str, str]
"""Namespace and name; the namespace of a cluster-scoped object is empty."""

Listener: TypeAlias = Callable[[Key, T | None, T | None], None]
"""Called with the key, the value before and the value now; None where there is none."""

Index: TypeAlias = Callable[[T], Iterable[Hashable]]
"""Names the groups that a value belongs to."""


class Cache(Generic[T]):
    """Values of one kind by namespace and name; equal values are no change.

    Listeners are called at once, in the event loop, for every change and every vanished key; one that fails is logged
    and stops nothing.
    """

    def __init__(self, indexes: Mapping[str, Index[T]] | None = None) -> None:
        self._values: dict[Key, T] = {}
        self._indexes = dict(indexes or {})
        self._groups: dict[str, dict[Hashable, dict[Key, None]]] = {name: {} for name in self._indexes}
        self._listeners: list[Listener[T]] = []
        self._touches: dict[Key, int] = {}
        self._clock = 0

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[T]:
        return iter(tuple(self._values.values()))

    def get(self, key: Key) -> T | None:
        """Return the value of ``key``, or None."""
        return self._values.get(key)

    def keys(self) -> tuple[Key, ...]:
        """Return all keys."""
        return tuple(self._values)

    def select(self, index: str, group: Hashable) -> tuple[T, ...]:
        """Return the values that ``index`` puts into ``group``."""
        return tuple(self._values[key] for key in self._groups[index].get(group, ()))

    def listen(self, listener: Listener[T]) -> None:
        """Have ``listener`` called for every change from now on."""
        self._listeners.append(listener)

    def put(self, key: Key, value: T | None) -> None:
        """Keep ``value`` under ``key``; None forgets the key."""
        before = self._values.get(key)
        self._clock += 1
        if value is None:
            self._touches.pop(key, None)
        else:
            self._touches[key] = self._clock
        if before == value:
            return
        if before is not None:
            self._unlink(key, before)
        if value is not None:
            self._link(key, value)
        self._tell(key, before, value)

    def replace(self, values: Mapping[Key, T], namespace: str | None = None) -> None:
        """Keep exactly ``values`` of ``namespace`` (None: of all), and report what is new, other or gone."""
        for key in [key for key in self._values if namespace in (None, key[0]) and key not in values]:
            self.put(key, None)
        for key, value in values.items():
            self.put(key, value)

    def moment(self) -> int:
        """Return a mark in time for `evict_untouched`."""
        return self._clock

    def evict_untouched(self, keys: Iterable[Key], since: int) -> list[Key]:
        """Forget those of ``keys`` that nobody put since ``since``, and return them."""
        gone = [key for key in keys if key in self._values and self._touches[key] <= since]
        for key in gone:
            self.put(key, None)
        return gone

    def _tell(self, key: Key, before: T | None, value: T | None) -> None:
        for listener in self._listeners:
            try:
                listener(key, before, value)
            except Exception:
                log.exception("Failed to tell of a change", extra={"key": key})

    def _link(self, key: Key, value: T) -> None:
        self._values[key] = value
        for name, index in self._indexes.items():
            for group in index(value):
                self._groups[name].setdefault(group, {})[key] = None

    def _unlink(self, key: Key, value: T) -> None:
        del self._values[key]
        for name, index in self._indexes.items():
            for group in index(value):
                members = self._groups[name][group]
                members.pop(key, None)
                if not members:
                    del self._groups[name][group]
