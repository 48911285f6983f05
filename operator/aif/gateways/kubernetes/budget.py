"""A token bucket: how much may be written to the API server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Budget:
    """Tokens that come back at ``per_second``, up to ``burst``; who comes first is served first."""

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float] | None = None) -> None:
        self._rate = per_second
        self._burst = float(burst)
        self._clock = clock
        self._tokens = float(burst)
        self._since: float | None = None

    async def take(self) -> float:
        """Take one token; return the seconds waited for it.

        A caller that is cancelled while it waits has spent its token.
        """
        delay = self._owe(self._clock() if self._clock else asyncio.get_running_loop().time())
        if delay > 0:
            await asyncio.sleep(delay)
        return delay

    def _owe(self, now: float) -> float:
        elapsed = now - self._since if self._since is not None else 0.0
        self._since = now
        self._tokens = min(self._burst, self._tokens + elapsed * self._rate) - 1
        return max(0.0, -self._tokens / self._rate)
