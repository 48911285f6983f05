"""Only nodes whose devices and main memory hold the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aif.api.conditions import Reason
from aif.planning.demands import EPHEMERAL_STORAGE, MEMORY
from aif.scheduling import measures
from aif.scheduling.framework import Rejection, at_least, fits
from aif.scheduling.problem import Problem


@dataclass(frozen=True, slots=True)
class Memory:
    """Filters by device memory, main memory and local disk."""

    def filter(self, problem: Problem) -> Iterator[Rejection]:
        """Yield the nodes that are too small, and those that are too full."""
        needed = problem.demand.device_memory
        if needed > 0.0:
            offered = problem.table.device(problem.demand.device).memory
            yield at_least(Reason.MEMORY_INFEASIBLE, needed, offered, measures.DEVICE_MEMORY)
        yield from fits(problem, MEMORY, Reason.MEMORY_INFEASIBLE, measures.MEMORY)
        yield from fits(problem, EPHEMERAL_STORAGE, Reason.MEMORY_INFEASIBLE, measures.STORAGE)
