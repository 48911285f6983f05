"""Prices at which tasks ask for just the bandwidth and compute of a site: the dual of the joint allocation ([MCFN]).

At prices μ (of the band) and λ (of compute) the tasks no longer depend on each other, and each has a closed form. With
k_b = √(μ·D/e), k_f = √(λ·C·g) and K = k_b + k_f, a task takes T = √(a/w)·K and a^(r + 1/2) = v·q·r/(√w·K) where its
limit does not bind, and T = T_max, a^(r + 1) = v·q·r·T_max/K² where it does. Two prices are left, found by Newton's
method in their logarithms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from aif.errors import AifError
from aif.planning.arrays import BoolArray, FloatArray

_STEPS: Final = 200
_EXACT: Final = 1e-13
"""Relative error of a sum of shares at which the prices count as found."""
_ROUNDING: Final = 1e-9
"""As `_EXACT`, where no step improves any more."""
_LONGEST: Final = 3.0
"""Longest step of the logarithm of a price."""
_HALVINGS: Final = 40
_REGULAR: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """n tasks as terms of the geometric programme.

    Attributes:
        radio: D/e, Hz·s for the whole input.
        compute: C·g, FLOP for the whole input, slowed by what runs in parallel.
        weight: w, cost of a second.
        loss: v·q.
        decay: r.
        limit: T_max, seconds; infinite where there is none.
        lowest: Lowest a.
    """

    radio: FloatArray
    compute: FloatArray
    weight: FloatArray
    loss: FloatArray
    decay: FloatArray
    limit: FloatArray
    lowest: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """The allocation at the prices that were found.

    Attributes:
        share, hertz, flops: a, b and f of each task.
        hertz_price, flops_price: μ and λ: what one more hertz, and one more FLOP/s, would add to the utility.
        lowest_cost: No allocation has a lower Σ w·T + v·q·a^(-r), by weak duality.
        steps: Newton steps.
    """

    share: FloatArray
    hertz: FloatArray
    flops: FloatArray
    hertz_price: float
    flops_price: float
    lowest_cost: float
    steps: int


class _Response:
    """What the tasks do at given prices, and how it changes with their logarithms."""

    __slots__ = ("bands", "binding", "computes", "free", "share", "speed", "total", "weight")

    def __init__(self, terms: Terms, roots: _Roots, log_hertz: float, log_flops: float) -> None:
        self.bands, self.computes = np.exp(0.5 * log_hertz) * roots.radio, np.exp(0.5 * log_flops) * roots.compute
        self.total = self.bands + self.computes
        log_total = np.log(self.total)
        wanted = (roots.open - log_total) * roots.open_power
        share = np.exp(np.minimum(np.maximum(wanted, roots.lowest), 0.0))
        self.binding: BoolArray = share * self.total**2 > terms.weight * terms.limit**2
        self.free: BoolArray = (wanted > roots.lowest) & (wanted < 0.0)
        if self.binding.any():
            pressed = (roots.bound - 2.0 * log_total) * roots.bound_power
            share = np.where(self.binding, np.exp(np.minimum(np.maximum(pressed, roots.lowest), 0.0)), share)
            self.free = np.where(self.binding, (pressed > roots.lowest) & (pressed < 0.0), self.free)
        self.share = share
        self.weight = np.where(self.binding, share * (self.total / terms.limit) ** 2, terms.weight)
        self.speed = np.sqrt(self.weight * share)

    def spent(self) -> tuple[float, float]:
        """Return Σ μ·b and Σ λ·f."""
        return float(self.speed @ self.bands), float(self.speed @ self.computes)

    def cost(self, terms: Terms) -> float:
        """Return Σ w·T + v·q·a^(-r) + μ·b + λ·f, which is the least for each task."""
        seconds = np.minimum(self.total * np.sqrt(self.share / self.weight), terms.limit)
        own = terms.weight @ seconds + np.sum(terms.loss * self.share**-terms.decay)
        return float(own + self.speed @ self.total)

    def slopes(self, roots: _Roots) -> FloatArray:
        """Return the derivatives of ln Σ μ·b and ln Σ λ·f by ln μ and ln λ, shape (2, 2)."""
        on_total = np.where(
            self.binding, 1.0 - 2.0 * roots.bound_power * self.free, -0.5 * roots.open_power * self.free
        )
        part, radio = self.bands / self.total, self.speed * self.bands
        compute = self.speed * self.computes
        by_hertz, by_flops = 0.5 * on_total * part, 0.5 * on_total * (1.0 - part)
        mine, theirs = radio.sum(), compute.sum()
        return np.array(
            [
                [0.5 + radio @ by_hertz / mine, radio @ by_flops / mine],
                [compute @ by_hertz / theirs, 0.5 + compute @ by_flops / theirs],
            ]
        )


class _Roots:
    """What of the terms stays the same from step to step; powers and products as logarithms."""

    __slots__ = ("bound", "bound_power", "compute", "lowest", "open", "open_power", "radio")

    def __init__(self, terms: Terms) -> None:
        self.radio, self.compute = np.sqrt(terms.radio), np.sqrt(terms.compute)
        gain = np.log(terms.loss * terms.decay)
        self.open = gain - 0.5 * np.log(terms.weight)
        self.open_power = 1.0 / (terms.decay + 0.5)
        self.bound = gain + np.log(terms.limit)
        self.bound_power = 1.0 / (terms.decay + 1.0)
        self.lowest = np.log(terms.lowest)


class NotConverged(AifError):
    """The prices were not found; the figures lie too far apart for double precision."""


def market(terms: Terms, hertz: float, flops: float) -> Market:
    """Return the allocation of ``hertz`` and ``flops`` at the prices where supply meets demand.

    Args:
        terms: The tasks; some allocation has to keep their limits.
        hertz: B.
        flops: F, FLOP/s.

    Raises:
        NotConverged: Double precision does not suffice.
    """
    roots, supply = _Roots(terms), np.log([hertz, flops])
    point = _Point(terms, roots, supply, _first(terms, roots, hertz, flops))
    steps = 0
    while point.error > _EXACT and steps < _STEPS and (better := _next(point)) is not None:
        point, steps = better, steps + 1
    if not point.error <= _ROUNDING:
        raise NotConverged(
            f"the shares of bandwidth and compute do not add up to what there is: {point.error:.1e} is left; "
            "the figures of the tasks, or their limits, lie too far apart"
        )
    return _settled(terms, point.response, point.prices, (hertz, flops), steps)


class _Point:
    """Prices, and what follows from them.

    Attributes:
        prices: ln μ and ln λ.
        excess: Logarithms of demand over supply.
        error: The larger of both, without sign.
    """

    __slots__ = ("error", "excess", "prices", "response", "roots", "supply", "terms")

    def __init__(self, terms: Terms, roots: _Roots, supply: FloatArray, prices: FloatArray) -> None:
        self.terms, self.roots, self.supply, self.prices = terms, roots, supply, prices
        self.response = _Response(terms, roots, float(prices[0]), float(prices[1]))
        self.excess: FloatArray = np.log(self.response.spent()) - prices - supply
        self.error = float(np.abs(self.excess).max())

    def moved(self, step: FloatArray) -> _Point:
        return _Point(self.terms, self.roots, self.supply, self.prices + step)

    def dual(self) -> float:
        """Return the dual function, which is highest at the prices that are looked for."""
        return self.response.cost(self.terms) - float(np.exp(self.prices + self.supply).sum())


def _next(point: _Point) -> _Point | None:
    """Return a better point: one of less error, or with a higher dual function; None where rounding hides it.

    Where limits pin every task, demand does not depend on how high both prices are: the small multiple of the identity
    keeps the system regular there, and the dual function shows the way.
    """
    system = np.eye(2) * (1.0 + _REGULAR) - point.response.slopes(point.roots)
    full: FloatArray = np.asarray(np.linalg.solve(system, point.excess), dtype=np.float64)
    step = np.asarray(full * min(1.0, _LONGEST / float(np.abs(full).max())), dtype=np.float64)
    for _ in range(_HALVINGS):
        trial = point.moved(step)
        if trial.error < 0.9 * point.error or trial.dual() > point.dual():
            return trial
        step = 0.5 * step
    return None


def _first(terms: Terms, roots: _Roots, hertz: float, flops: float) -> FloatArray:
    """Return the logarithms of the prices at which full shares would meet the supply without limits."""
    speed = np.sqrt(terms.weight)
    return 2.0 * np.log([float(speed @ roots.radio) / hertz, float(speed @ roots.compute) / flops])


def _settled(terms: Terms, response: _Response, prices: FloatArray, supply: tuple[float, float], steps: int) -> Market:
    hertz_price, flops_price = (float(price) for price in np.exp(prices))
    band, compute = response.speed * response.bands, response.speed * response.computes
    return Market(
        share=response.share,
        hertz=supply[0] * band / band.sum(),
        flops=supply[1] * compute / compute.sum(),
        hertz_price=hertz_price,
        flops_price=flops_price,
        lowest_cost=response.cost(terms) - hertz_price * supply[0] - flops_price * supply[1],
        steps=steps,
    )
