"""The more of the link stays free, and the steadier it is, the better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aif.planning.arrays import FloatArray, IntArray
from aif.scheduling.framework import met
from aif.scheduling.problem import Problem


@dataclass(frozen=True, slots=True)
class BandwidthMargin:
    """Scores the worst of uplink, jitter and reliability against ``qos.bandwidth``."""

    name: str = "bandwidth"

    def score(self, problem: Problem, rows: IntArray) -> FloatArray:
        """Return how well each node keeps the demand that it keeps worst; unknown where none is asked for."""
        asked, links = problem.service.spec.qos.bandwidth, problem.links
        if asked is None:
            return np.full(len(rows), np.nan)
        parts = []
        if problem.demand.up_bits_per_second > 0.0:
            parts.append(met(problem.demand.up_bits_per_second / problem.free_rates.up.take(rows), 1.0))
        if asked.max_jitter_microseconds is not None:
            parts.append(met(links.jitter.take(rows), asked.max_jitter_microseconds / 1e6))
        if asked.min_reliability_ppm is not None:
            parts.append(met(1.0 - links.reliability.take(rows), 1.0 - asked.min_reliability_ppm / 1e6))
        return np.min(parts, axis=0) if parts else np.full(len(rows), np.nan)
