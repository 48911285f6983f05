"""What the joint allocation is compared with: fixed channel, average compute, no compression, blind to parallelism.

FC, AC and WCR are the published ones ([MCFN]): each fixes one of the three quantities and is best in the other two, so
that the difference is what deciding that quantity jointly is worth. Planning with d = 0 is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import nan
from types import MappingProxyType
from typing import Final

import numpy as np

from aif.planning.allocation.joint import Allocation, Site, Tasks, Unattainable, allocate, evaluate, terms_of, validate
from aif.planning.allocation.prices import Terms
from aif.planning.arrays import FloatArray

_HALVINGS: Final = 100
"""Halvings of an interval that is at most a few hundred long in logarithms: what is left is below rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class _OneSided:
    """Tasks of which one resource is fixed, and the other shared out.

    Attributes:
        fixed: Seconds that the fixed resource takes for the whole input.
        amount: What the whole input asks of the other resource, times seconds.
        supply: What there is of it.
        terms: The tasks.
    """

    fixed: FloatArray
    amount: FloatArray
    supply: float
    terms: Terms

    def solve(self) -> tuple[FloatArray, FloatArray]:
        """Return the shares a and the parts of the resource that is shared out."""
        low, high = -700.0, 700.0
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            demand = float(self._parts(self._shares(middle), middle).sum())
            low, high = (middle, high) if demand > self.supply else (low, middle)
        shares = self._shares(high)
        parts = self._parts(shares, high)
        return shares, self.supply * parts / parts.sum()

    def _parts(self, shares: FloatArray, log_price: float) -> FloatArray:
        """Return what each task asks for at a price: the best for it, or as much as its limit takes."""
        terms = self.terms
        best = np.sqrt(terms.weight * shares * self.amount) * np.exp(-0.5 * log_price)
        left = terms.limit - shares * self.fixed
        return np.asarray(np.maximum(best, shares * self.amount / np.where(left > 0.0, left, np.nan)))

    def _shares(self, log_price: float) -> FloatArray:
        """Return the a at which a larger one costs each task as much as it gains."""
        terms = self.terms
        low = np.log(terms.lowest)
        high = np.minimum(0.0, np.log(terms.limit / self.fixed) - 1e-12)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            rising = self._slope(np.exp(middle), log_price) > 0.0
            low, high = np.where(rising, low, middle), np.where(rising, middle, high)
        return np.exp(low)

    def _slope(self, shares: FloatArray, log_price: float) -> FloatArray:
        """Return the derivative of a task's cost by ln a."""
        terms, price = self.terms, np.exp(log_price)
        parts = self._parts(shares, log_price)
        seconds = shares * (self.fixed + self.amount / parts)
        free = terms.weight * seconds
        pressed = price * parts / np.maximum(1.0 - shares * self.fixed / terms.limit, 1e-300)
        binding = parts > np.sqrt(terms.weight * shares * self.amount) * np.exp(-0.5 * log_price)
        return np.asarray(np.where(binding, pressed, free) - terms.loss * terms.decay * shares**-terms.decay)


def fixed_channel(tasks: Tasks, site: Site) -> Allocation:
    """Return the best allocation in which every task has the same part of the band (FC).

    Raises:
        InvalidSpec, Unattainable: As `aif.planning.allocation.joint.allocate`; a limit may be out of reach only here.
    """
    terms, part = _judged(tasks, site), site.hertz / len(tasks)
    one = _OneSided(terms.radio / part, terms.compute, site.flops, terms)
    _reachable(one, "bandwidth")
    share, flops = one.solve()
    return evaluate(tasks, site, share, np.full(len(tasks), part), flops)


def average_compute(tasks: Tasks, site: Site) -> Allocation:
    """Return the best allocation in which every task has the same part of the compute (AC).

    Raises:
        InvalidSpec, Unattainable: As `fixed_channel`.
    """
    terms, part = _judged(tasks, site), site.flops / len(tasks)
    one = _OneSided(terms.compute / part, terms.radio, site.hertz, terms)
    _reachable(one, "compute")
    share, hertz = one.solve()
    return evaluate(tasks, site, share, hertz, np.full(len(tasks), part))


def without_compression(tasks: Tasks, site: Site) -> Allocation:
    """Return the best allocation that sends every input whole, a = 1 (WCR).

    Raises:
        InvalidSpec, Unattainable: As `aif.planning.allocation.joint.allocate`.
    """
    made = allocate(replace(tasks, smallest_share=np.ones(len(tasks))), site)
    return replace(made, bound=nan, hertz_price=nan, flops_price=nan)


def blind_to_parallelism(tasks: Tasks, site: Site) -> Allocation:
    """Return what becomes of the allocation that is planned as if parallel tasks did not slow each other, d = 0.

    It may break limits: `Allocation.kept` tells which are kept.

    Raises:
        InvalidSpec, Unattainable: As `aif.planning.allocation.joint.allocate`, already without degradation.
    """
    planned = allocate(tasks, replace(site, degradation=0.0))
    return evaluate(tasks, site, planned.share, planned.hertz, planned.flops)


BASELINES: Final[Mapping[str, Callable[[Tasks, Site], Allocation]]] = MappingProxyType(
    {
        "fixedChannel": fixed_channel,
        "averageCompute": average_compute,
        "withoutCompression": without_compression,
        "blindToParallelism": blind_to_parallelism,
    }
)
"""What the joint allocation is compared with, by name."""


def _judged(tasks: Tasks, site: Site) -> Terms:
    validate(tasks, site)
    terms = terms_of(tasks, site)
    if len(short := np.flatnonzero(terms.lowest > 1.0)):
        raise Unattainable(f"tasks[{short[0]}].accuracyFloor", "lies above p - q, the accuracy of the whole input")
    return terms


def _reachable(one: _OneSided, fixed: str) -> None:
    """Raise `Unattainable` unless the limits can be kept at the lowest shares."""
    terms = one.terms
    left = terms.limit - terms.lowest * one.fixed
    if len(late := np.flatnonzero(left <= 0.0)):
        raise Unattainable(f"tasks[{late[0]}].latencyLimitSeconds", f"cannot be kept with equal parts of {fixed}")
    if float(np.sum(terms.lowest * one.amount / left)) >= one.supply:
        raise Unattainable("tasks[].latencyLimitSeconds", f"cannot all be kept with equal parts of {fixed}")
