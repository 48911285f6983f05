"""What a training job promises of time and energy, held against the nodes that it may learn on ([6GANA] QoAIS)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import nan
from typing import Final

import numpy as np

from aif.api.base import Precision
from aif.api.computenode import CPU
from aif.api.conditions import Reason
from aif.api.trainingjob import JobVariant, TrainingJob
from aif.api.trainingjob_status import RolePlacement
from aif.api.workload import NO_ACCELERATOR
from aif.domain.learning import AGGREGATOR, CLIENT, TRAINER
from aif.planning.arrays import FloatArray
from aif.planning.learning import spending
from aif.planning.paths import Links
from aif.scheduling.framework import Rejection, hard
from aif.scheduling.measures import Scale, duration, si
from aif.scheduling.node_table import NodeTable
from aif.scheduling.problem import Problem

LEARNERS: Final = frozenset({CLIENT, TRAINER})
"""Roles whose time and energy are counted."""

TIME: Final = Scale("time of all rounds", "s", 1.0, duration, at_most=True)
ENERGY: Final = Scale("energy of all rounds", "kJ", 1e-3, si("J"), at_most=True)


@dataclass(frozen=True, slots=True)
class Within:
    """Filters by a bound on what all rounds take; a node of which nothing is known is not refused.

    Attributes:
        reason: Word for the bound.
        most: The bound.
        takes: What they take, were all learners on such a node.
        measure: How both read.
    """

    reason: Reason
    most: float
    takes: FloatArray
    measure: Scale

    def filter(self, problem: Problem) -> Iterator[Rejection]:
        """Yield the nodes that take longer, or more."""
        del problem
        yield Rejection(self.reason, self.takes > self.most, self.most, self.takes, self.measure)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the rounds of a placed job take at least; NaN where a figure is missing.

    Attributes:
        seconds: Time, that of the slowest learner.
        joules: Energy of all learners.
    """

    seconds: float = nan
    joules: float = nan


def bounds(job: TrainingJob, role: str, variant: JobVariant, table: NodeTable, *, frugal: bool) -> list[Within]:
    """Return the filters of ``role`` by what the job promises.

    Args:
        job: What learns.
        role: One of its roles.
        variant: What the role would run as.
        table: The nodes.
        frugal: Whether each learner has to keep to its share of the energy. Without it the nodes of some may make up
            for those of others.
    """
    time, energy = hard(job.spec.qos.time), hard(job.spec.qos.energy)
    if role not in LEARNERS or (time is None and energy is None):
        return []
    seconds, joules = _takes(job, variant, table, table.network.links(None))
    found = [Within(Reason.TIME_INFEASIBLE, float(time.max_seconds), seconds, TIME)] if time else []
    if energy and frugal:
        found.append(Within(Reason.ENERGY_BUDGET_EXCEEDED, 1e3 * energy.max_kilojoules, joules, ENERGY))
    return found


def too_much_energy(job: TrainingJob, placements: Sequence[RolePlacement], table: NodeTable) -> bool:
    """Tell whether all rounds together take more energy than is promised."""
    energy = hard(job.spec.qos.energy)
    return energy is not None and outlook(job, placements, table).joules > 1e3 * energy.max_kilojoules


def outlook(job: TrainingJob, placements: Sequence[RolePlacement], table: NodeTable) -> Outlook:
    """Return what the rounds of ``job`` take at least on ``placements``."""
    seconds, joules = 0.0, 0.0
    learners = [each for each in placements if each.role in LEARNERS]
    pods = sum(each.pods for each in learners)
    hub = next((each.node for each in placements if each.role == AGGREGATOR), None)
    links = table.network.between(hub) if hub else table.network.links(None)
    for variant in job.variants:
        taken = _takes(job, variant, table, links)
        for each in (one for one in learners if one.variant == variant.name):
            row = table.room.rows.get(each.node)
            time, energy = (nan, nan) if row is None else (float(column[row]) for column in taken)
            seconds = max(seconds, time) if seconds == seconds and time == time else nan  # noqa: PLR0124 - NaN
            joules += each.pods * energy / pods
    return Outlook(seconds, joules) if learners else Outlook()


def _takes(job: TrainingJob, variant: JobVariant, table: NodeTable, links: Links) -> tuple[FloatArray, FloatArray]:
    """Return seconds and joules of all rounds for each node, were all learners on such a one, over such ``links``."""
    device = table.device(CPU if variant.accelerator == NO_ACCELERATOR else variant.accelerator)
    count = 1 if variant.accelerator == NO_ACCELERATOR else variant.count
    with np.errstate(divide="ignore"):  # on one node there is no link to wait for
        both_ways = 2.0 / (1.0 / links.up + 1.0 / links.down)
    return spending(job, count * device.watts, count * device.peak[Precision.FP32], both_ways, links.watts)
