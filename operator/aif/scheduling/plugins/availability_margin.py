"""The fewer requests the link loses, the better."""

from __future__ import annotations

from dataclasses import dataclass

from aif.planning.arrays import FloatArray, IntArray
from aif.scheduling.framework import met
from aif.scheduling.problem import Problem


@dataclass(frozen=True, slots=True)
class AvailabilityMargin:
    """Scores the share that the link loses against the share that ``qos.availability`` grants."""

    name: str = "availability"

    def score(self, problem: Problem, rows: IntArray) -> FloatArray:
        """Return how well each node keeps the target; unknown where none is asked for."""
        asked = problem.service.spec.qos.availability
        granted = float("nan") if asked is None else 1.0 - asked.min_ppm / 1e6
        return met(1.0 - problem.links.reliability.take(rows), granted)
