"""Only nodes that keep up with the load."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from aif.api.computenode import CPU
from aif.api.conditions import Reason
from aif.planning.demands import PODS
from aif.scheduling import measures
from aif.scheduling.framework import Rejection, at_least, fits, soft
from aif.scheduling.problem import Problem


@dataclass(frozen=True, slots=True)
class Compute:
    """Filters by cores, pods and compute rate, the latter as the roofline model allows on this work ([AIF])."""

    def filter(self, problem: Problem) -> Iterator[Rejection]:
        """Yield the nodes that are too slow at their best, and those whose rate other services keep busy."""
        yield from fits(problem, CPU, Reason.COMPUTE_INFEASIBLE, measures.CORES)
        yield from fits(problem, PODS, Reason.COMPUTE_INFEASIBLE, measures.PODS)
        demand, rate = problem.demand, problem.node_rate
        if not demand.flops_per_second > 0.0 or soft(problem.service.spec.qos.compute):
            return
        own = np.minimum(rate, demand.servers * problem.prediction.attainable)
        left = rate * (1.0 - problem.table.room.busy_of(demand.device))
        required, unknown = demand.flops_per_second, problem.missing
        yield at_least(Reason.COMPUTE_INFEASIBLE, required, own, measures.COMPUTE, unknown)
        yield at_least(Reason.CAPACITY_RESERVED, required, left, measures.COMPUTE, unknown)
