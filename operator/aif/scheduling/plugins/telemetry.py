"""Only nodes whose telemetry is not known to be stale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aif.api.conditions import Reason
from aif.scheduling.framework import Rejection, unless
from aif.scheduling.measures import Fact
from aif.scheduling.problem import Problem

_FRESH = Fact("fresh telemetry", "stale telemetry", "telemetry stale")


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Filters by the condition TelemetryFresh; while no source of metrics judges it, no node is refused."""

    def filter(self, problem: Problem) -> Iterator[Rejection]:
        """Yield the nodes whose telemetry is stale."""
        yield unless(Reason.CAPABILITY_STALE, ~problem.table.stale, _FRESH)
