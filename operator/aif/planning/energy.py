"""Energy and carbon: which device, hour and share of the load, where time and budget allow ([6GANA], [EDGE]).

Devices differ in energy efficiency, EE = F/P in FLOP/J; a grid differs in carbon intensity by place and by hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from aif.errors import InvalidSpec
from aif.planning.arrays import FloatArray, IntArray
from aif.planning.checks import non_negative, positive

JOULES_PER_KWH: Final = 3.6e6
GRAMS_PER_KG: Final = 1e3
NOWHERE: Final = -1
"""Index of no device."""


def efficiency(rate: ArrayLike, watts: ArrayLike) -> FloatArray:
    """Return EE = F/P, or R/P of a link ([6GANA] section 5).

    Args:
        rate: FLOP/s, or bit/s.
        watts: Power while it computes or sends.

    Returns:
        FLOP/J, or bit/J.

    Raises:
        InvalidSpec: A figure is not above 0.
    """
    return np.asarray(positive("rate", rate) / positive("watts", watts))


def draw(idle_watts: ArrayLike, max_watts: ArrayLike, load: ArrayLike) -> FloatArray:
    """Return the power that a device takes, P = P_idle + (P_max - P_idle)·u: a model where no meter tells.

    Args:
        idle_watts: Power without load.
        max_watts: Power under full load.
        load: Share of the device in use, u; what lies outside 0..1 counts as the nearer end.

    Raises:
        InvalidSpec: A power is below 0.
    """
    idle, full = non_negative("idleWatts", idle_watts), non_negative("maxWatts", max_watts)
    return np.asarray(idle + (full - idle) * np.clip(np.asarray(load, dtype=np.float64), 0.0, 1.0))


def emission(joules: ArrayLike, kg_per_kwh: ArrayLike) -> FloatArray:
    """Return CO2e = E·ECR in grams ([6GANA] section 5).

    Args:
        joules: E.
        kg_per_kwh: ECR, the carbon intensity of the grid.

    Raises:
        InvalidSpec: A figure is below 0.
    """
    kwh = non_negative("joules", joules) / JOULES_PER_KWH
    return np.asarray(kwh * non_negative("carbonKgPerKWh", kg_per_kwh) * GRAMS_PER_KG)


@dataclass(frozen=True, slots=True)
class Choice:
    """A device, and what the work costs there.

    Attributes:
        device: Its index; -1 where none is in time and budget.
        seconds: Time of the work; infinite where there is no device.
        cost: Joules or grams; infinite where there is no device.
        reason: One clause for people.
    """

    device: int
    seconds: float
    cost: float
    reason: str


def thriftiest(
    seconds: ArrayLike, cost: ArrayLike, *, deadline: float = np.inf, budget: float = np.inf, unit: str = "J"
) -> Choice:
    """Return the device of least cost among those that are in time: by efficiency where time allows ([EDGE]).

    Args:
        seconds: Time of the work on each of n devices, [n].
        cost: Energy in joules, or carbon in grams, of the work on each, [n].
        deadline: Seconds within which the work must be done.
        budget: Highest cost granted.
        unit: Of the cost, for the reason.

    Returns:
        The choice; of two devices of equal cost the faster one, of equal ones the first.

    Raises:
        InvalidSpec: A figure is below 0, or the arrays differ in length.
    """
    times, costs = _pair(seconds, cost)
    in_time = times <= deadline
    if not in_time.any():
        fastest = f"; the fastest takes {times.min():.3g} s" if times.size else ""
        return Choice(NOWHERE, np.inf, np.inf, f"no device is done within {deadline:.3g} s{fastest}")
    order = np.lexsort((times, costs))
    best = int(order[in_time[order]][0])
    if costs[best] > budget:
        reason = f"no device in time stays within {budget:.3g} {unit}; the thriftiest takes {costs[best]:.3g} {unit}"
        return Choice(NOWHERE, np.inf, np.inf, reason)
    reason = f"of {int(in_time.sum())} devices in time it takes the least, {costs[best]:.3g} {unit}"
    return Choice(best, float(times[best]), float(costs[best]), reason)


def fastest_within(seconds: ArrayLike, cost: ArrayLike, budget: float, unit: str = "J") -> Choice:
    """Return the fastest device among those that the budget allows; arguments as for `thriftiest`.

    Raises:
        InvalidSpec: A figure is below 0, or the arrays differ in length.
    """
    times, costs = _pair(seconds, cost)
    chosen = thriftiest(costs, times, deadline=budget, unit="s")
    if chosen.device == NOWHERE:
        least = f"; the least is {costs.min():.3g} {unit}" if costs.size else ""
        return Choice(NOWHERE, np.inf, np.inf, f"no device stays within {budget:.3g} {unit}{least}")
    at = chosen.device
    return Choice(at, float(times[at]), float(costs[at]), f"it is the fastest within {budget:.3g} {unit}")


def merit_order(load: float, capacity: ArrayLike, cost: ArrayLike) -> FloatArray:
    """Return the split of a load over heterogeneous devices of least cost: the cheapest are filled first.

    This is optimal, since cost is linear in the load of each device: moving load to a device that costs more never
    gains. What finds no room stays out, so the sum is min(load, Σ capacity).

    Args:
        load: Requests per second in all.
        capacity: Requests per second that each of n devices serves in time, [n].
        cost: Joules or grams of a request on each, [n].

    Returns:
        Requests per second of each device, [n].

    Raises:
        InvalidSpec: A figure is below 0, or the arrays differ in length.
    """
    asked = float(non_negative("load", load))
    room, costs = _pair(capacity, cost, "capacity")
    order = np.argsort(costs, kind="stable")
    before = np.concatenate(([0.0], np.cumsum(room[order])))[:-1]
    shares = np.zeros_like(room)
    shares[order] = np.clip(asked - before, 0.0, room[order])
    return shares


def greenest_start(kg_per_kwh: ArrayLike, slots: int, deadline: int | None = None) -> tuple[int, float]:
    """Return when uninterrupted work of constant power emits least.

    Args:
        kg_per_kwh: Forecast of the grid's intensity per slot of time, [t].
        slots: Slots that the work takes.
        deadline: Slot before which it must be done; the end of the forecast by default.

    Returns:
        The first slot, the earliest of equal ones, and the mean intensity over the work.

    Raises:
        InvalidSpec: The work does not fit, or a figure is below 0.
    """
    forecast = _forecast(kg_per_kwh, slots, deadline)
    means = np.lib.stride_tricks.sliding_window_view(forecast, slots).mean(axis=1)
    first = int(np.argmin(means))
    return first, float(means[first])


def greenest_slots(kg_per_kwh: ArrayLike, slots: int, deadline: int | None = None) -> IntArray:
    """Return the slots, in order of time, in which work that may pause emits least; arguments as `greenest_start`.

    Raises:
        InvalidSpec: The work does not fit, or a figure is below 0.
    """
    forecast = _forecast(kg_per_kwh, slots, deadline)
    return np.sort(np.argsort(forecast, kind="stable")[:slots]).astype(np.int64)


def requests_within(budget: float, cost: ArrayLike) -> FloatArray:
    """Return how many requests a budget grants, floor(budget ÷ cost of one); infinite where one costs nothing.

    Args:
        budget: Joules or grams of a period.
        cost: Joules or grams of one request.

    Raises:
        InvalidSpec: A figure is below 0.
    """
    granted, costs = non_negative("budget", budget), non_negative("cost", cost)
    free = costs == 0.0
    return np.where(free, np.inf, np.floor(granted / np.where(free, 1.0, costs)))


def _pair(first: ArrayLike, second: ArrayLike, name: str = "seconds") -> tuple[FloatArray, FloatArray]:
    left, right = np.atleast_1d(non_negative(name, first)), np.atleast_1d(non_negative("cost", second))
    if left.shape != right.shape or left.ndim != 1:
        raise InvalidSpec("cost", f"must hold a figure per device: {left.shape} {name}, {right.shape} costs")
    return left, right


def _forecast(kg_per_kwh: ArrayLike, slots: int, deadline: int | None) -> FloatArray:
    forecast = np.atleast_1d(non_negative("carbonKgPerKWh", kg_per_kwh))[:deadline]
    if not 1 <= slots <= forecast.size:
        raise InvalidSpec("slots", f"must lie between 1 and the {forecast.size} slots before the deadline, not {slots}")
    return forecast
