"""Only nodes over whose link the service is accurate enough ([6GANA] a = a_m·r_c)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aif.api.conditions import Reason
from aif.scheduling.framework import Rejection, at_least, hard
from aif.scheduling.measures import ACCURACY
from aif.scheduling.problem import Problem


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Filters by model accuracy times link reliability."""

    def filter(self, problem: Problem) -> Iterator[Rejection]:
        """Yield the nodes over whose link the accuracy of service is too low."""
        asked = hard(problem.service.spec.qos.accuracy)
        if asked is not None:
            required, offered = asked.min_basis_points / 1e4, problem.prediction.accuracy
            unknown = "accuracy of the model, or a link to the users, is not declared"
            yield at_least(Reason.ACCURACY_INFEASIBLE, required, offered, ACCURACY, unknown)
