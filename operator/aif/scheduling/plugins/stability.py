"""The less likely a service is to have to move from a node, the better ([AIF] avoid future migrations)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from aif.api.computenode import CPU
from aif.planning.arrays import FloatArray, IntArray
from aif.planning.demands import MEMORY
from aif.scheduling.problem import Problem

HOUR = 3600.0
MILLISECOND = 1e-3


@dataclass(frozen=True, slots=True)
class Stability:
    """Scores headroom, churn of the node and steadiness of the link, as their mean.

    A move is forced when the node fills up, fails, or is no longer reached in time. A part that no node tells is left
    out; one that only some tell counts as 0 for the others.

    Attributes:
        half_life: Seconds of readiness after which a node is trusted by half.
        half_jitter: Seconds of jitter at which a link is trusted by half.
    """

    name: str = "stability"
    half_life: float = HOUR
    half_jitter: float = MILLISECOND

    def score(self, problem: Problem, rows: IntArray) -> FloatArray:
        """Return the mean of the parts that are known."""
        parts = (self._headroom(problem, rows), self._calm(problem, rows), self._steadiness(problem, rows))
        unknown = [np.isnan(part) for part in parts]
        known = [np.where(gap, 0.0, part) for part, gap in zip(parts, unknown, strict=True) if not gap.all()]
        return np.asarray(sum(known[1:], start=known[0]) / len(known)) if known else parts[0]

    def _headroom(self, problem: Problem, rows: IntArray) -> FloatArray:
        """Return what stays free of the scarcest of cores, memory, own compute rate and uplink, in per cent.

        Accelerators are left out: they are handed out whole, so nobody crowds a service out of its own. Where a
        candidate has some, so are cores and memory: there nodes are to fill up, so that accelerators stay of use.
        """
        demand, parts = problem.demand, list[FloatArray]()
        if not problem.accelerators(rows):
            parts += [problem.free_after(CPU, rows), problem.free_after(MEMORY, rows)]
        if demand.flops_per_second > 0.0:
            parts.append(1.0 - demand.flops_per_second / (demand.servers * problem.prediction.attainable.take(rows)))
        if demand.up_bits_per_second > 0.0:
            parts.append(1.0 - demand.up_bits_per_second / problem.free_rates.up.take(rows))
        if not parts:
            return np.full(len(rows), np.nan)
        return np.asarray(np.clip(np.nan_to_num(100.0 * reduce(np.minimum, parts)), 0.0, 100.0))

    def _calm(self, problem: Problem, rows: IntArray) -> FloatArray:
        """Return t/(t + half-life) for a node that has been ready for t: what has lasted is likely to last."""
        ready = problem.table.ready_seconds.take(rows)
        return np.asarray(100.0 * ready / (ready + self.half_life))

    def _steadiness(self, problem: Problem, rows: IntArray) -> FloatArray:
        """Return j0/(j0 + jitter), whatever the delay itself: a distant node is no steadier for its distance."""
        return np.asarray(100.0 * self.half_jitter / (self.half_jitter + problem.links.jitter.take(rows)))
