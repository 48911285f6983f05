"""Only nodes with the accelerators that the variant asks for, at its number format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from aif.api.computenode import CPU
from aif.api.conditions import Reason
from aif.scheduling.framework import Rejection, at_least, unless
from aif.scheduling.measures import Fact, Scale, count
from aif.scheduling.problem import Problem


@dataclass(frozen=True, slots=True)
class Accelerator:
    """Filters by device type, number of devices, and whether they compute in the number format at all."""

    def filter(self, problem: Problem) -> Iterator[Rejection]:
        """Yield the nodes without enough devices, those without the number format, those whose devices are taken."""
        demand, room = problem.demand, problem.table.room
        device, required = problem.table.device(demand.device), demand.amount(demand.device)
        measure = Scale("accelerators", demand.device, 1.0, count(demand.device))
        if demand.device != CPU:
            offered = np.minimum(np.nan_to_num(device.count), room.allocatable_of(demand.device))
            yield at_least(Reason.ACCELERATOR_UNAVAILABLE, max(1.0, required), offered, measure)
        precision = demand.precision
        offers_none = device.rated & np.isnan(device.peak[precision])
        fact = Fact(precision, f"no {precision}", f"no peak rate at {precision} for {demand.device}")
        yield unless(Reason.ACCELERATOR_UNAVAILABLE, ~offers_none, fact)
        if demand.device != CPU:
            yield at_least(Reason.CAPACITY_RESERVED, required, room.free_of(demand.device), measure)
