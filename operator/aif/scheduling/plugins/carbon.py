"""The less carbon dioxide a request causes, the better ([6GANA] CO2e = E·ECR)."""

from __future__ import annotations

from dataclasses import dataclass

from aif.planning.arrays import FloatArray, IntArray
from aif.scheduling.framework import against_lowest
from aif.scheduling.problem import Problem


@dataclass(frozen=True, slots=True)
class Carbon:
    """Scores the predicted emission of a request, against the lowest of the nodes that fit."""

    name: str = "carbon"

    def score(self, problem: Problem, rows: IntArray) -> FloatArray:
        """Return 100 for the lowest, 50 for twice as much; unknown where energy or carbon intensity is."""
        return against_lowest(problem.prediction.emission.take(rows))
