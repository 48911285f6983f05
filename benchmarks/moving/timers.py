"""The timers behind a measurement of alarms: what they are is part of the result."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timers:
    """All in seconds: how often Prometheus scrapes and the operator looks, windows, how long a breach must last."""

    scrape: int = 1
    tick: int = 1
    fast_window: int = 5
    window: int = 10
    for_seconds: int = 2
    verify: int = 10

    @property
    def alarm_within(self) -> float:
        """The goal: so long after a breach has lasted `for_seconds`, the alarm stands."""
        return self.scrape + self.tick + 1.0

    def evaluation(self) -> dict[str, int]:
        """Return the evaluation of an AIService."""
        return {
            "windowSeconds": self.window,
            "fastWindowSeconds": self.fast_window,
            "forSeconds": self.for_seconds,
        }

    def words(self) -> str:
        """Return all of them in a line."""
        return (
            f"scrape {self.scrape} s, tick {self.tick} s, windows {self.fast_window} s and {self.window} s, "
            f"for {self.for_seconds} s, verify {self.verify} s"
        )
