"""Every node's verdict in one variant: it fits, or the first limit that it misses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from aif.planning.arrays import BoolArray, IntArray
from aif.scheduling.framework import Filter, Rejection
from aif.scheduling.problem import Problem

_FITS: Final = -1


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What the filters say of every node.

    Attributes:
        problem: What was asked.
        rejections: Limits that some node misses first, in the order of the filters.
        first: Place in ``rejections`` of the first limit that each node misses; -1 where it misses none.
        fits: Which nodes meet every limit.
    """

    problem: Problem
    rejections: tuple[Rejection, ...]
    first: IntArray
    fits: BoolArray

    @classmethod
    def of(cls, problem: Problem, filters: Sequence[Filter]) -> Self:
        """Return the judgement by ``filters``, the first of which that fails is what a node is told."""
        first = np.full(len(problem.table), _FITS, dtype=np.int64)
        told: list[Rejection] = []
        fits = np.ones(len(problem.table), dtype=np.bool_)
        for plugin in filters:
            for rejection in plugin.filter(problem):
                newly = rejection.rejected & fits
                if newly.any():
                    first[newly] = len(told)
                    fits ^= newly
                    told.append(rejection)
        return cls(problem, tuple(told), first, fits)
