"""The more compute rate is left, the better."""

from __future__ import annotations

from dataclasses import dataclass

from aif.planning.arrays import FloatArray, IntArray
from aif.scheduling.framework import met
from aif.scheduling.problem import Problem


@dataclass(frozen=True, slots=True)
class ComputeMargin:
    """Scores the demanded compute rate against what the service's own devices attain."""

    name: str = "compute"

    def score(self, problem: Problem, rows: IntArray) -> FloatArray:
        """Return how little of its devices' rate the service takes; unknown where no rate is asked for."""
        own = problem.demand.servers * problem.prediction.attainable.take(rows)
        return met(problem.demand.flops_per_second / own, 1.0)
