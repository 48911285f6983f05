"""A queue of keys: a key waits once, runs once, and is not lost when it changes while it runs."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from aif.gateways.backoff import jittered

K = TypeVar("K", bound=Hashable)

FIRST_RETRY_SECONDS: Final = 0.5
LAST_RETRY_SECONDS: Final = 300.0
DOUBLINGS: Final = 10

EARLY_SECONDS: Final = 1e-6
"""A timer of the event loop may end a moment before its time; a key that is due by then is not waited for again."""


def retry_seconds(failures: int) -> float:
    """Return how long to wait after ``failures`` earlier failures in a row: 0.5 s, doubling, at most 300 s."""
    return min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(failures, DOUBLINGS))


class WorkQueue(Generic[K]):
    """Keys in order of arrival, for many workers.

    A key added twice waits once. A key added while it runs waits again when it is done. Of two delayed additions
    the earlier one wins. Use from one event loop only.
    """

    def __init__(
        self, *, clock: Callable[[], float] | None = None, jitter: Callable[[float], float] = jittered
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._waiting: deque[K] = deque()
        self._dirty: set[K] = set()
        self._running: set[K] = set()
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._failures: dict[K, int] = {}
        self._serial = 0
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        """Return how many keys wait, those that are delayed left out."""
        return len(self._waiting)

    @property
    def delayed(self) -> int:
        """How many keys wait for their time."""
        return len(self._due)

    def add(self, key: K) -> None:
        """Have ``key`` run as soon as a worker is free."""
        self._due.pop(key, None)
        if key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._running:
            self._waiting.append(key)
            self._wake.set()

    def add_after(self, key: K, seconds: float) -> None:
        """Have ``key`` run in ``seconds`` at the latest."""
        if seconds <= 0:
            self.add(key)
            return
        due = self._now() + seconds
        if key in self._dirty or self._due.get(key, float("inf")) <= due:
            return
        self._due[key] = due
        self._serial += 1
        heapq.heappush(self._heap, (due, self._serial, key))
        self._wake.set()

    def retry(self, key: K, at_least: float = 0.0, at_most: float = LAST_RETRY_SECONDS) -> float:
        """Have ``key`` run again after its back-off, within ``at_least`` and ``at_most`` seconds; return the delay."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = max(at_least, min(at_most, self._jitter(retry_seconds(failures))))
        self.add_after(key, delay)
        return delay

    def forget(self, key: K) -> None:
        """Have the back-off of ``key`` start anew."""
        self._failures.pop(key, None)

    async def get(self) -> K:
        """Return the next key, and take it as running until `done`."""
        while True:
            self._promote()
            if self._waiting:
                return self._take()
            self._wake.clear()
            await self._sleep()

    def done(self, key: K) -> None:
        """Say that ``key`` no longer runs; it waits again if it was added meanwhile."""
        self._running.discard(key)
        if key in self._dirty:
            self._waiting.append(key)
            self._wake.set()

    def _take(self) -> K:
        key = self._waiting.popleft()
        self._dirty.discard(key)
        self._running.add(key)
        return key

    def _promote(self) -> None:
        while self._heap and self._heap[0][0] <= self._now() + EARLY_SECONDS:
            due, _, key = heapq.heappop(self._heap)
            if self._due.get(key) == due:
                self.add(key)

    async def _sleep(self) -> None:
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        delay = max(0.0, self._heap[0][0] - self._now()) if self._heap else None
        try:
            async with asyncio.timeout(delay):
                await self._wake.wait()
        except TimeoutError:
            return

    def _now(self) -> float:
        return self._clock() if self._clock else asyncio.get_running_loop().time()
