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
        """Return the mean of both parts."""
        resources = sorted({CPU, MEMORY, problem.demand.device})
        free = np.array([problem.free_after(resource, rows) for resource in resources])
        alike = 1.0 - np.minimum(1.0, 2.0 * np.std(free, axis=0))
        return np.asarray(50.0 * np.mean(free, axis=0) + 50.0 * alike)
