"""Leaves a source alone that has failed several times, and tries it again after a while."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from aif.gateways.backoff import Backoff

THRESHOLD = 3
"""Failures in a row after which a source is left alone."""

FIRST_SECONDS, LAST_SECONDS = 5.0, 60.0
"""How long it is left alone at first, and at most."""


@dataclass(slots=True)
class Breaker:
    """Says whether a source may be asked now.

    After the rest one question is let through; its outcome decides.

    Attributes:
        clock: Seconds on a clock that only grows.
        failures: Failures in a row.
    """

    clock: Callable[[], float]
    failures: int = 0
    _closed_until: float = float("-inf")
    _rest: Backoff = field(default_factory=lambda: Backoff(FIRST_SECONDS, LAST_SECONDS))

    def lets_pass(self) -> bool:
        """Return whether the source may be asked."""
        return self.clock() >= self._closed_until

    def succeeded(self) -> None:
        """Take note of an answer."""
        self.failures = 0
        self._rest.reset()

    def failed(self) -> None:
        """Take note that there was no answer."""
        self.failures += 1
        if self.failures >= THRESHOLD:
            self._closed_until = self.clock() + self._rest.next()
