"""The further below its target the latency, the better."""

from __future__ import annotations

from dataclasses import dataclass

from aif.planning.arrays import FloatArray, IntArray
from aif.scheduling.framework import met
from aif.scheduling.problem import Problem


@dataclass(frozen=True, slots=True)
class LatencyMargin:
    """Scores the predicted 99th percentile against ``qos.latency``."""

    name: str = "latency"

    def score(self, problem: Problem, rows: IntArray) -> FloatArray:
        """Return how well each node keeps the target; unknown where none is asked for."""
        asked = problem.service.spec.qos.latency
        limit = float("nan") if asked is None else asked.max_p99_microseconds / 1e6
        return met(problem.prediction.latency.take(rows), limit)
