"""Waiting longer after each failure, never in step with others."""

from __future__ import annotations

import random
from dataclasses import dataclass


def jittered(seconds: float, spread: float = 0.2) -> float:
    """Return ``seconds`` moved at random by at most the share ``spread`` to either side."""
    return seconds * random.uniform(1 - spread, 1 + spread)  # noqa: S311 - spreads load, keeps no secret


@dataclass(slots=True)
class Backoff:
    """Delays that double from ``first`` to ``last`` seconds, each with jitter.

    Attributes:
        first: Delay after the first failure.
        last: The longest delay.
        failures: Failures in a row so far.
    """

    first: float
    last: float
    failures: int = 0

    def reset(self) -> None:
        """Start again at the first delay."""
        self.failures = 0

    def next(self) -> float:
        """Return the seconds to wait now, and count one more failure."""
        delay = min(self.last, self.first * 2.0 ** min(self.failures, 32))
        self.failures += 1
        return jittered(delay)
