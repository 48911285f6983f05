"""Looks at a service all the while it moves: that somebody answers, and that one new copy at most is there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rest import Refused
from services import Services

LOOK_SECONDS = 0.2


@dataclass
class Samples:
    """What was seen.

    Attributes:
        endpoints: Ready addresses behind the Service.
        copies: Deployments that were not on their way out.
        phases: Phases of moves, in the order in which they were seen.
    """

    endpoints: list[int] = field(default_factory=list)
    copies: list[int] = field(default_factory=list)
    phases: list[str] = field(default_factory=list)

    def take(self, services: Services, name: str) -> None:
        """Take one look."""
        self.endpoints.append(services.ready_endpoints(name))
        standing = [copy for copy in services.copies(name) if "deletionTimestamp" not in copy["metadata"]]
        self.copies.append(len(standing))
        phase = (services.get(name)["status"].get("migration") or {}).get("phase", "")
        if phase and (not self.phases or self.phases[-1] != phase):
            self.phases.append(phase)


@contextmanager
def sampled(services: Services, name: str) -> Iterator[Samples]:
    """Sample a service five times a second; nobody may find it unanswered, or with more than one new copy."""
    samples, over = Samples(), threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            try:
                samples.take(services, name)
            except (Refused, OSError):
                continue  # no look is no sample

    sampler = threading.Thread(target=look)
    sampler.start()
    try:
        yield samples
    finally:
        over.set()
        sampler.join()
    assert samples.endpoints, "nobody looked"
    assert min(samples.endpoints) >= 1, f"unanswered: {samples}"
    assert max(samples.copies) <= 2, f"more than one copy beside the one that serves: {samples}"
