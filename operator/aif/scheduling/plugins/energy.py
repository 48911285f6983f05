"""Only nodes that serve a request within its energy budget ([6GANA])."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aif.api.conditions import Reason
from aif.scheduling.framework import Rejection, at_most, hard
from aif.scheduling.measures import ENERGY
from aif.scheduling.problem import Problem


@dataclass(frozen=True, slots=True)
class Energy:
    """Filters by the predicted energy of compute and transfer."""

    def filter(self, problem: Problem) -> Iterator[Rejection]:
        """Yield the nodes that need more."""
        asked = hard(problem.service.spec.qos.energy)
        if asked is not None:
            limit, predicted = asked.max_millijoules_per_request / 1e3, problem.prediction.energy
            yield at_most(Reason.ENERGY_BUDGET_EXCEEDED, limit, predicted, ENERGY, problem.missing)
