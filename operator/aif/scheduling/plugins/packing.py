"""Nodes fill up so that the accelerators which stay free are of use to what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import log2

import numpy as np

from aif.api.computenode import CPU
from aif.planning.arrays import FloatArray, IntArray
from aif.planning.placement.packing import TIGHTNESS, Mix, Requests, graded
from aif.scheduling.asking import kind
from aif.scheduling.problem import Problem

_KNOWN_MIXES = 256


@dataclass(frozen=True, slots=True)
class Packing:
    """Scores by how much less, or more, of the free accelerators others could use once the service is there.

    Others are those that stand somewhere now, and the service itself. A service without accelerators is scored too: it
    takes cores that accelerators beside them need.

    Attributes:
        mix: What others ask for, instead of what stands somewhere.
    """

    mix: Mix | None = None
    name: str = "packing"

    def score(self, problem: Problem, rows: IntArray) -> FloatArray:
        """Return 50 where nothing changes, more where fragmentation goes; NaN where no candidate has accelerators."""
        types = problem.accelerators(rows)
        if not types:
            return np.full(len(rows), np.nan)
        room, demand = problem.table.room, problem.demand
        cores = room.free_of(CPU).take(rows)
        left = cores - demand.amount(CPU)
        better = -TIGHTNESS * left / room.allocatable_of(CPU).max(initial=1.0)
        for device in types:
            free = np.floor(room.free_of(device).take(rows))
            after = free - demand.amount(device)
            better -= TIGHTNESS * after / room.allocatable_of(device).max(initial=1.0)
            mix = self.mix or _mix(_asked(problem, device))
            if mix is not None:
                better += mix.whole_fragmentation(cores, free) - mix.whole_fragmentation(left, after)
        return graded(better)


def _asked(problem: Problem, device: str) -> frozenset[tuple[float, int, float]]:
    """Return cores, devices and roughly how many of each kind of request for ``device`` there are, its own included."""
    counts = dict(problem.table.room.asked_of(device))
    if (own := problem.demand).device == device:
        its = kind(float(np.nan_to_num(own.cores)), own.devices)
        counts[its] = counts.get(its, 0.0) + max(1, own.replicas)
    return frozenset((cores, devices, round(4.0 * log2(count))) for (cores, devices), count in counts.items())


@lru_cache(_KNOWN_MIXES)
def _mix(asked: frozenset[tuple[float, int, float]]) -> Mix | None:
    """Return the mix of ``asked``; None where nobody asks. Counts are in quarters of their logarithm, so it lasts."""
    if not asked:
        return None
    cores, devices, weight = np.array(sorted(asked), dtype=np.float64).T
    return Mix.of(Requests(cores, np.ones(len(cores)), devices.astype(np.int64), 2.0 ** (weight / 4.0)))
