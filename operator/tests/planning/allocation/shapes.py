"""A site as in the published curves, with figures of our own for what was not printed there ([MCFN])."""

from __future__ import annotations

from typing import Final

import numpy as np

from aif.planning.allocation.joint import Site, Tasks, allocate

P, Q, R = 0.95, 0.05, 0.8
"""Accuracy y(a) = P - Q·a^(-R)."""
DEGRADATION: Final = 0.05
CYCLES_PER_TASK: Final = 10e9
"""Compute that brings one more task along, cycle/s: a site with more compute serves more users."""
HERTZ: Final = (10e6, 50e6)
_BITS, _CYCLES, _EFFICIENCY, _PER_SECOND = 0.1e6, 2e9, 5.0, 2.9


def utility(tasks: int, cycles: float, hertz: float, degradation: float) -> float:
    """Return the highest utility of so many equal tasks on a site of ``cycles`` per second and ``hertz``."""
    one = np.ones(tasks)
    made = allocate(
        Tasks(
            bits=_BITS * one,
            flops=_CYCLES * one,
            efficiency=_EFFICIENCY * one,
            ceiling=P * one,
            loss=Q * one,
            decay=R * one,
            latency_weight=_PER_SECOND * one,
            accuracy_weight=one,
            latency_limit=np.inf * one,
            accuracy_floor=0.8 * one,
            smallest_share=0.01 * one,
        ),
        Site(hertz, cycles, degradation),
    )
    return made.utility


def over_compute(cycles: np.ndarray, hertz: float, degradation: float) -> np.ndarray:
    """Return the utility at each amount of compute, with a task per `CYCLES_PER_TASK`."""
    return np.array([utility(max(1, round(rate / CYCLES_PER_TASK)), rate, hertz, degradation) for rate in cycles])


def over_degradation(degradations: np.ndarray, cycles: float, hertz: float) -> np.ndarray:
    """Return the utility at each degradation, with as many of the tasks in parallel as is best."""
    most = round(cycles / CYCLES_PER_TASK)
    return np.array([max(utility(n, cycles, hertz, d) for n in range(1, most + 1)) for d in degradations])
