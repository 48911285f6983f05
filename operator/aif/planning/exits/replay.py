"""How plans of exit and cut fare on a link that changes: fixed, following its changes, and with foresight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from aif.planning.arrays import FloatArray
from aif.planning.checks import positive
from aif.planning.exits.changepoints import Segments, expected_rates, segments
from aif.planning.exits.plan import Exit, ExitPlans, plan_exits


@dataclass(frozen=True, slots=True)
class Fared:
    """How a way to plan fared over a history.

    Attributes:
        in_time: Share of the moments at which the deadline was met.
        accuracy: Mean accuracy over all moments; a late answer counts 0.
        changes: How often the plan changed.
    """

    in_time: float
    accuracy: float
    changes: int


@dataclass(frozen=True, slots=True)
class Replay:
    """Three ways to plan on the same history.

    Attributes:
        segments: States of the link, as all of the history shows them.
        static: One plan for the declared rate.
        changing: A plan for the state that the link is in, by what came before each moment alone.
        foresight: A plan for the rate that comes: no plan can fare better.
    """

    segments: Segments
    static: Fared
    changing: Fared
    foresight: Fared


def replay(
    exits: Sequence[Exit],
    rates: ArrayLike,
    declared_bits_per_second: float,
    deadline_seconds: float,
    delay_seconds: float = 0.0,
    share: float = 0.25,
) -> Replay:
    """Return how fixed, following and foreseeing plans fare on a link whose rate was ``rates``, shape [n].

    Args:
        exits: What may be chosen.
        rates: The rate at each moment, bit/s.
        declared_bits_per_second: The rate that the fixed plan is made for.
        deadline_seconds: The longest time of a request.
        delay_seconds: What a tensor takes on the link beside its transfer.
        share: Quantile of a state's rates that is planned with.
    """
    history = positive("bitPerSecond", rates)

    def fared(planned: FloatArray) -> Fared:
        plans = plan_exits(exits, planned, deadline_seconds, delay_seconds)
        return _fared(exits, plans, history, deadline_seconds, delay_seconds)

    return Replay(
        segments(history),
        fared(np.full(history.shape, declared_bits_per_second)),
        fared(expected_rates(history, share)),
        fared(history),
    )


def _fared(exits: Sequence[Exit], plans: ExitPlans, rates: FloatArray, deadline: float, delay: float) -> Fared:
    times = [one.latency(rates, delay) for one in exits]
    taken = np.array([times[one][now, cut] for now, (one, cut) in enumerate(zip(plans.exits, plans.cuts, strict=True))])
    kept = taken <= deadline
    changed = (np.diff(plans.exits) != 0) | (np.diff(plans.cuts) != 0)
    return Fared(float(kept.mean()), float(np.where(kept, plans.accuracy, 0.0).mean()), int(changed.sum()))
