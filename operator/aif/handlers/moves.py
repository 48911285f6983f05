"""How many services may leave their nodes at once: a cluster that loses a site must not stampede."""

from __future__ import annotations

from collections.abc import Callable

MOVES_PER_SECOND = 10.0


class MoveRate:
    """A bucket of moves that fills at a fixed rate, up to one second's worth."""

    def __init__(self, clock: Callable[[], float], per_second: float = MOVES_PER_SECOND) -> None:
        self._clock = clock
        self._per_second = per_second
        self._moves = per_second
        self._since = clock()

    def allows(self) -> bool:
        """Return whether a service may move now."""
        now = self._clock()
        self._moves = min(self._per_second, self._moves + (now - self._since) * self._per_second)
        self._since = now
        return self._moves >= 1.0

    def take(self) -> None:
        """Count one move."""
        self._moves -= 1.0
