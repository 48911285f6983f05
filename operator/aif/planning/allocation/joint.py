"""Joint allocation of bandwidth, compute and compression share to the tasks of one site, exactly ([MCFN]).

Task i sends the share a of its input over its part b of the band and computes it with its part f of the compute.
Accuracy follows y(a) = p - q·a^(-r); n tasks in parallel slow each other by g = (1 + d)^(n - 1). The utility

    U = Σ v·y(a) - w·T,   T = a·D/(e·b) + a·C·g/f

is highest under Σb <= B, Σf <= F, a_min <= a <= 1, T <= T_max, y >= y_min. In the logarithms of a, b and f this is a
geometric programme, so its Karush-Kuhn-Tucker conditions suffice; `aif.planning.allocation.prices` solves them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import nan

import numpy as np

from aif.errors import InvalidSpec
from aif.planning.allocation.prices import Terms, market
from aif.planning.arrays import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Tasks:
    """n tasks, a row each; a limit that nobody set is infinite (time) or 0 (accuracy).

    Attributes:
        bits: D, input without compression, bit.
        flops: C, work on the whole input, FLOP.
        efficiency: e, spectral efficiency, bit/s/Hz.
        ceiling, loss, decay: p, q, r of the accuracy y(a) = p - q·a^(-r).
        latency_weight: w, utility that a second costs, above 0.
        accuracy_weight: v, utility of accuracy, above 0.
        latency_limit: T_max, seconds.
        accuracy_floor: y_min.
        smallest_share: a_min.
    """

    bits: FloatArray
    flops: FloatArray
    efficiency: FloatArray
    ceiling: FloatArray
    loss: FloatArray
    decay: FloatArray
    latency_weight: FloatArray
    accuracy_weight: FloatArray
    latency_limit: FloatArray
    accuracy_floor: FloatArray
    smallest_share: FloatArray

    def __len__(self) -> int:
        return len(self.bits)

    @property
    def lowest_share(self) -> FloatArray:
        """Return the lowest share that keeps the accuracy floor; above 1 where none does."""
        room = self.ceiling - self.accuracy_floor
        with np.errstate(over="ignore"):
            needed = (self.loss / np.where(room > 0.0, room, np.nan)) ** (1.0 / self.decay)
        return np.maximum(self.smallest_share, np.where(room > 0.0, needed, np.inf))

    def accuracy(self, share: FloatArray) -> FloatArray:
        """Return y(a) of each task."""
        return np.asarray(self.ceiling - self.loss * share**-self.decay)


@dataclass(frozen=True, slots=True)
class Site:
    """What the tasks share.

    Attributes:
        hertz: B, bandwidth.
        flops: F, compute rate in FLOP/s.
        degradation: d, how much a task in parallel slows each of the others.
        parallel: Tasks that run in parallel; all of them where None.
    """

    hertz: float
    flops: float
    degradation: float = 0.0
    parallel: int | None = None

    def slowdown(self, tasks: int) -> float:
        """Return g = (1 + d)^(n - 1) for so many tasks."""
        return float((1.0 + self.degradation) ** ((self.parallel or tasks) - 1))


@dataclass(frozen=True, slots=True, eq=False)
class Allocation:
    """What each of n tasks gets, and what follows.

    Attributes:
        share: a, share of the input that is sent and computed.
        hertz: b.
        flops: f, FLOP/s.
        seconds: T.
        accuracy: y(a).
        utility: U of all tasks.
        bound: No allocation has a higher utility, by weak duality; NaN for a baseline.
        kept: Which tasks keep their latency limit.
        hertz_price, flops_price: Utility that one more hertz, and one more FLOP/s, would add; NaN for a baseline.
    """

    share: FloatArray
    hertz: FloatArray
    flops: FloatArray
    seconds: FloatArray
    accuracy: FloatArray
    utility: float
    bound: float
    kept: BoolArray
    hertz_price: float = nan
    flops_price: float = nan

    @property
    def gap(self) -> float:
        """Return how far the utility may be from the best, in units of the utility."""
        return self.bound - self.utility


class Unattainable(InvalidSpec):
    """No allocation keeps every limit; the message says which, and what would."""


def allocate(tasks: Tasks, site: Site) -> Allocation:
    """Return the allocation with the highest utility.

    Raises:
        InvalidSpec: A figure is negative, zero where it may not be, or not a number; the message names it.
        Unattainable: An accuracy floor lies above p - q, or not all latency limits can be kept.
    """
    validate(tasks, site)
    terms = terms_of(tasks, site)
    feasible(terms, site)
    found = market(terms, site.hertz, site.flops)
    made = evaluate(tasks, site, found.share, found.hertz, found.flops)
    bound = float(np.sum(tasks.accuracy_weight * tasks.ceiling)) - found.lowest_cost
    return replace(made, bound=bound, hertz_price=found.hertz_price, flops_price=found.flops_price)


def evaluate(tasks: Tasks, site: Site, share: FloatArray, hertz: FloatArray, flops: FloatArray) -> Allocation:
    """Return what follows from an allocation, good or bad; its bound is unknown."""
    seconds = share * tasks.bits / (tasks.efficiency * hertz)
    seconds = seconds + share * tasks.flops * site.slowdown(len(tasks)) / flops
    accuracy = tasks.accuracy(share)
    utility = float(np.sum(tasks.accuracy_weight * accuracy - tasks.latency_weight * seconds))
    kept = seconds <= tasks.latency_limit * (1.0 + 1e-9)
    return Allocation(share, hertz, flops, seconds, accuracy, utility, nan, kept)


def terms_of(tasks: Tasks, site: Site) -> Terms:
    """Return the tasks as the terms of the geometric programme."""
    return Terms(
        radio=tasks.bits / tasks.efficiency,
        compute=tasks.flops * site.slowdown(len(tasks)),
        weight=tasks.latency_weight,
        loss=tasks.accuracy_weight * tasks.loss,
        decay=tasks.decay,
        limit=tasks.latency_limit,
        lowest=tasks.lowest_share,
    )


def feasible(terms: Terms, site: Site) -> None:
    """Raise `Unattainable` unless some allocation keeps every limit.

    At the lowest shares, tasks with a limit need Σf = X + Z/x and Σb = Y + Z·x for some x > 0, with X = Σa·C·g/T,
    Y = Σa·D/(e·T) and Z = Σa·√(C·g·D/e)/T. Such an x exists where Z² <= (F - X)·(B - Y).
    """
    short = np.flatnonzero(terms.lowest > 1.0)
    if len(short):
        raise Unattainable(f"tasks[{short[0]}].accuracyFloor", "lies above p - q, the accuracy of the whole input")
    lowest = terms.lowest / terms.limit
    compute, radio = float(np.sum(lowest * terms.compute)), float(np.sum(lowest * terms.radio))
    both = float(np.sum(lowest * np.sqrt(terms.compute * terms.radio)))
    half = 0.5 * (compute / site.flops + radio / site.hertz)
    inner = compute * radio - both**2
    factor = half + np.sqrt(max(0.0, half**2 - inner / (site.flops * site.hertz)))
    if factor >= 1.0:
        why = f"bandwidth and compute do not suffice for all limits; longer by {factor - 1.0:.2%} they would"
        raise Unattainable("tasks[].latencyLimitSeconds", why)


def validate(tasks: Tasks, site: Site) -> None:
    """Raise `InvalidSpec` that names the first figure which is not what it has to be."""
    positive = ("bits", "flops", "efficiency", "loss", "decay", "latency_weight", "accuracy_weight", "smallest_share")
    for name in (*positive, "ceiling", "accuracy_floor"):
        column = getattr(tasks, name)
        good = np.isfinite(column) & ((column > 0.0) if name in positive else (column >= 0.0))
        if len(wrong := np.flatnonzero(~good)):
            raise InvalidSpec(f"tasks[{wrong[0]}].{name}", f"must be finite and positive, not {column[wrong[0]]}")
    if len(wrong := np.flatnonzero(~(tasks.latency_limit > 0.0))):
        raise InvalidSpec(f"tasks[{wrong[0]}].latency_limit", "must be positive; infinite where there is none")
    if not len(tasks):
        raise InvalidSpec("tasks", "must not be empty")
    for name, value, least in (("hertz", site.hertz, 0.0), ("flops", site.flops, 0.0)):
        if not (np.isfinite(value) and value > least):
            raise InvalidSpec(f"site.{name}", f"must be finite and positive, not {value}")
    if not (np.isfinite(site.degradation) and site.degradation >= 0.0):
        raise InvalidSpec("site.degradation", f"must be 0 or greater, not {site.degradation}")
