"""Nodes fill up evenly, and each node's resources alike (least allocated and balanced allocation of Kubernetes)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aif.api.computenode import CPU
from aif.planning.arrays import FloatArray, IntArray
from aif.planning.demands import MEMORY
from aif.scheduling.problem import Problem


@dataclass(frozen=True, slots=True)
class Balance:
    """Scores the mean of what stays free, and how alike the demanded resources are used, half each."""

    name: str = "balance"

    def score(self, problem: Problem, rows: IntArray) -> FloatArray:
        """Return the mean of both parts; NaN where a candidate has accelerators, for which nodes are better packed."""
        if problem.accelerators(rows):
            return np.full(len(rows), np.nan)
        resources = (CPU, MEMORY)
        free = [problem.free_after(resource, rows) for resource in resources]
        mean = sum(free[1:], start=free[0]) / len(free)
        deviation = np.sqrt(sum(((part - mean) ** 2 for part in free), start=np.zeros(len(rows))) / len(free))
        return np.asarray(50.0 * mean + 50.0 * (1.0 - np.minimum(1.0, 2.0 * deviation)))
