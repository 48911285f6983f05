"""The less energy a request takes, the better."""

from __future__ import annotations

from dataclasses import dataclass

from aif.planning.arrays import FloatArray, IntArray
from aif.scheduling.framework import met
from aif.scheduling.problem import Problem


@dataclass(frozen=True, slots=True)
class EnergyMargin:
    """Scores the predicted energy per request against ``qos.energy``."""

    name: str = "energy"

    def score(self, problem: Problem, rows: IntArray) -> FloatArray:
        """Return how well each node keeps the budget; unknown where none is asked for."""
        asked = problem.service.spec.qos.energy
        limit = float("nan") if asked is None else asked.max_millijoules_per_request / 1e3
        return met(problem.prediction.energy.take(rows), limit)
