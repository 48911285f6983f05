"""The fewer wrong results, the better."""

from __future__ import annotations

from dataclasses import dataclass

from aif.planning.arrays import FloatArray, IntArray
from aif.scheduling.framework import met
from aif.scheduling.problem import Problem


@dataclass(frozen=True, slots=True)
class AccuracyMargin:
    """Scores the share of wrong results against the share that ``qos.accuracy`` grants."""

    name: str = "accuracy"

    def score(self, problem: Problem, rows: IntArray) -> FloatArray:
        """Return how well each node keeps the target; unknown where none is asked for."""
        asked = problem.service.spec.qos.accuracy
        granted = float("nan") if asked is None else 1.0 - asked.min_basis_points / 1e4
        return met(1.0 - problem.prediction.accuracy.take(rows), granted)
