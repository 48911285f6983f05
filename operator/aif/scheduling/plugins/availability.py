"""Only nodes whose link does not already lose too many requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aif.api.conditions import Reason
from aif.scheduling.framework import Rejection, at_least, hard
from aif.scheduling.measures import AVAILABILITY
from aif.scheduling.problem import Problem


@dataclass(frozen=True, slots=True)
class Availability:
    """Filters by link reliability, an upper bound: no service succeeds more often than its link delivers."""

    def filter(self, problem: Problem) -> Iterator[Rejection]:
        """Yield the nodes whose link alone breaks the target."""
        asked = hard(problem.service.spec.qos.availability)
        if asked is not None:
            offered, unknown = problem.links.reliability, "no link to the users is declared"
            yield at_least(Reason.AVAILABILITY_INFEASIBLE, asked.min_ppm / 1e6, offered, AVAILABILITY, unknown)
