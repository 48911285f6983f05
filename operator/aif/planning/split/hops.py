"""Cutting a chain over several sides in a row, such as device, radio site, edge and cloud, by dynamic programming."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from aif.errors import InvalidSpec
from aif.planning.arrays import FloatArray
from aif.planning.models.chain import Chain, Hop, Limits, Side
from aif.planning.split.chain import NoSplit, Objective, gain_over


@dataclass(frozen=True, slots=True)
class HopSplit:
    """The best cuts over k sides.

    Attributes:
        cuts: Positions at which each side but the last hands on, in order; equal ones leave a side without work.
        value: Seconds, joules, or for throughput seconds from one result to the next.
        gain: How many times better it is than the best of running all of the model on one side, of those that keep the
            limits; None where none does.
    """

    cuts: tuple[int, ...]
    value: float
    gain: float | None


def best_hops(
    chain: Chain,
    sides: Sequence[Side],
    hops: Sequence[Hop],
    objective: Objective = Objective.LATENCY,
    limits: Limits | None = None,
) -> HopSplit:
    """Return the best cuts of ``chain`` over ``sides``, the user's first; hop i leads from side i to the next.

    What a side passes on it need not have touched: raw input crosses as many hops as it takes. The time is of order
    k·n² for k sides and n cuts.

    Raises:
        InvalidSpec: There are not as many hops as there are sides but one.
        NoSplit: No cuts keep every limit. Limits of latency and energy of the whole are not judged here but by
            `best_cut`, where there are two sides.
    """
    if len(hops) != len(sides) - 1:
        raise InvalidSpec("hops", f"must be {len(sides) - 1}, one between each of {len(sides)} sides, not {len(hops)}")
    limits, count = limits or Limits(), len(chain.names)
    crossing = [_crossing(chain, hop, objective) for hop in hops]
    crossing[:1] = [np.where(limits.may_leave(chain.depths), one, np.inf) for one in crossing[:1]]
    running = [_running(chain, side, objective) for side in sides]
    best, choices = running[0][0], list[NDArray[np.intp]]()
    for sending, run in zip(crossing, running[1:], strict=True):
        # A row per cut at which the side before hands on, a column per cut at which this side does.
        ways = _together(objective, best[:, None], sending[:, None], run)
        choices.append(ways.argmin(axis=0))
        best = ways.min(axis=0)
    value = float(best[-1])
    if value == np.inf:
        raise NoSplit("no cuts over these sides keep every limit: relax limits, or give a side more memory")
    ends = tuple(_whole(running, crossing, side, objective, count) for side in range(len(sides)))
    return HopSplit(_trace(choices, count), value, gain_over(value, ends))


def _together(objective: Objective, *parts: FloatArray) -> FloatArray:
    """Return the sum of parts that follow each other, or the longest of parts that work at the same time."""
    combine = np.maximum if objective is Objective.THROUGHPUT else np.add
    return np.asarray(reduce(combine, parts))


def _crossing(chain: Chain, hop: Hop, objective: Objective) -> FloatArray:
    """Return what crossing ``hop`` at each cut costs, shape [n]."""
    return chain.bits / hop.rate * hop.watts if objective is Objective.ENERGY else hop.seconds(chain.bits)


def _running(chain: Chain, side: Side, objective: Objective) -> FloatArray:
    """Return what ``side`` takes between two cuts, shape [n, n]; infinite where it cannot be."""
    seconds = (chain.flops - chain.flops[:, None]) / side.rate
    order = np.arange(len(chain.names))
    possible = (order[:, None] <= order) & (chain.memory_between() <= side.memory_bytes)
    return np.where(possible, seconds * (side.watts if objective is Objective.ENERGY else 1.0), np.inf)


def _whole(
    running: Sequence[FloatArray], crossing: Sequence[FloatArray], side: int, objective: Objective, count: int
) -> float:
    """Return what all of the model on one side costs: raw input crosses every hop before it."""
    before = [one[0] for one in crossing[:side]]
    return float(_together(objective, running[side][0, count - 1], *before))


def _trace(choices: Sequence[NDArray[np.intp]], count: int) -> tuple[int, ...]:
    """Return the cuts that led to the last one."""
    cut, cuts = count - 1, list[int]()
    for choice in reversed(choices):
        cut = int(choice[cut])
        cuts.append(cut)
    return tuple(reversed(cuts))
