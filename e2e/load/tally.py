"""What came of the requests: counts, failures by kind, latencies."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_FIRST_S, _STEP = 1e-4, 1.02
_PERCENTILES = (50, 90, 99, 99.9)


class Failure(StrEnum):
    """How a request failed."""

    REFUSED = "refused"
    """No connection came about."""

    RESET = "reset"
    """The connection ended before an answer began."""

    TRUNCATED = "truncated"
    """The answer began, and ended too early."""

    TIMEOUT = "timeout"
    """No answer in time."""

    SERVER_ERROR = "serverError"
    """Status 500 and above."""

    CLIENT_ERROR = "clientError"
    """Status 400 to 499: the generator asked for what there is not."""

    NOT_SENT = "notSent"
    """Too many requests were open."""

    OTHER = "other"
    """Anything else; the records of failures say what."""


@dataclass(slots=True)
class Latencies:
    """A histogram of seconds with buckets that grow by 2 %."""

    buckets: Counter[int] = field(default_factory=Counter)
    longest: float = 0.0

    def add(self, seconds: float) -> None:
        """Count a value."""
        step = math.ceil(math.log(max(seconds, _FIRST_S) / _FIRST_S, _STEP))
        self.buckets[step] += 1
        self.longest = max(self.longest, seconds)

    def percentile(self, percent: float) -> float | None:
        """Return the upper bound of the bucket that holds the percentile, in seconds; None of nothing."""
        wanted, seen = percent / 100 * self.buckets.total(), 0
        for step in sorted(self.buckets):
            seen += self.buckets[step]
            if seen >= wanted:
                return min(_FIRST_S * _STEP**step, self.longest)
        return None

    def told(self) -> dict[str, float]:
        """Return the percentiles in milliseconds."""
        values = {f"p{percent:g}": self.percentile(percent) for percent in _PERCENTILES}
        values["max"] = self.longest if self.buckets else None
        return {name: round(value * 1e3, 3) for name, value in values.items() if value is not None}


@dataclass(slots=True)
class Tally:
    """The requests of one kind of clients.

    `cut`: streams that the server ended in good order before all was sent, as it had to end itself. `late`: how long
    after its due time the generator began a request.
    """

    sent: int = 0
    succeeded: int = 0
    cut: int = 0
    failures: Counter[Failure] = field(default_factory=Counter)
    latencies: Latencies = field(default_factory=Latencies)
    late: Latencies = field(default_factory=Latencies)

    @property
    def failed(self) -> int:
        """How many failed, in whichever way."""
        return self.failures.total()

    def told(self) -> dict[str, Any]:
        """Return the tally for JSON."""
        return {
            "sent": self.sent,
            "succeeded": self.succeeded,
            "cut": self.cut,
            "failed": self.failed,
            "failures": {failure.value: count for failure, count in sorted(self.failures.items())},
            "latencyMilliseconds": self.latencies.told(),
            "lateMilliseconds": self.late.told(),
        }
