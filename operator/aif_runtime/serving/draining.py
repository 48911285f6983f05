"""How the server ends without failing anyone.

On SIGTERM it is unready at once and goes on answering, each time with `Connection: close`, so that clients with a pool
of connections turn to another copy. After `drain_seconds` it takes no more; what was begun is finished, and streams
that still run are ended in good order before `grace_seconds` are over.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

_LAST_MOMENT_S = 1.0
"""Streams end so long before the process does."""


@dataclass(slots=True)
class Ending:
    """Whether the server ends, and how far that is; all of it within one event loop."""

    drain_seconds: float
    grace_seconds: float
    _begun: asyncio.Event = field(default_factory=asyncio.Event)
    _last: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def begun(self) -> bool:
        """Whether the signal has come."""
        return self._begun.is_set()

    @property
    def streams_must_end(self) -> bool:
        """Whether the process ends within a moment."""
        return self._last.is_set()

    def begin(self) -> None:
        """Take note of the signal; a second one changes nothing."""
        if not self.begun:
            self._begun.set()
            asyncio.get_running_loop().call_later(max(0.0, self.grace_seconds - _LAST_MOMENT_S), self._last.set)

    async def drained(self) -> None:
        """Wait until no new request is to be taken."""
        await self._begun.wait()
        await asyncio.sleep(self.drain_seconds)

    async def pause(self, seconds: float) -> bool:
        """Wait so long; True where streams must end before that."""
        try:
            async with asyncio.timeout(seconds):
                await self._last.wait()
        except TimeoutError:
            return False
        return True
