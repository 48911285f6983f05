"""Whether a service moves ahead of its users: begun when the time in breach that it avoids exceeds its cost ([EDGE]).

The best plan for every state of the path and every host follows by dynamic programming over a horizon; the belief about
the state weighs what a move now and what waiting is worth. A figure that nobody gave is never acted on: it neither
speaks against the present host nor for another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from aif.errors import InvalidSpec
from aif.planning.arrays import FloatArray
from aif.planning.checks import non_negative, positive
from aif.planning.mobility.factors import Mobility

HERE: Final = -1
"""Index of no other host."""

FAMILIAR: Final = 3
"""Departures from a site that must have been seen before a forecast from there is acted on, by default."""


_MOST_FIGURES: Final = 200_000_000
"""Numbers that are kept at once at most: 1.6 GB."""


class Verdict(StrEnum):
    """What to do with a service now."""

    MOVE = "Move"
    WAIT = "Wait"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a move takes, and how far to look ahead.

    Attributes:
        step_seconds: Time between readings.
        move_steps: Steps from the beginning of a move until the new copy serves; the old one serves until then.
        cost_seconds: What a move costs, as seconds in breach.
        horizon_steps: How far to look ahead; farther than a move takes.
    """

    step_seconds: float
    move_steps: int
    cost_seconds: float
    horizon_steps: int

    def __post_init__(self) -> None:
        positive("stepSeconds", self.step_seconds)
        non_negative("moveCostSeconds", self.cost_seconds)
        if not 1 <= self.move_steps < self.horizon_steps:
            raise InvalidSpec("horizonSeconds", "must be longer than a move takes, and a move at least a step")


@dataclass(frozen=True, slots=True, eq=False)
class Worth:
    """Expected seconds in breach and costs of moves up to the horizon, by host, way and age, [J, E, A].

    Attributes:
        waiting: The host is kept for a step, and all is decided anew then.
        during: In breach on the host while a move away from it goes on.
        after: From the end of a move to the host.
        cost_seconds: What a move costs.
    """

    waiting: FloatArray
    during: FloatArray
    after: FloatArray
    cost_seconds: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with a service now, and why.

    Attributes:
        verdict: Move, wait, or unknown where too little is known to act.
        host: Where it would go best; -1 where no other host comes into question.
        gain_seconds: Time in breach, and later moves, that beginning the move now avoids against deciding anew a step
            later; the move itself does not count. 0 where there is no host to go to.
        cost_seconds: What the move costs.
        reason: One clause for people.
    """

    verdict: Verdict
    host: int
    gain_seconds: float
    cost_seconds: float
    reason: str


def breaches(latency_seconds: ArrayLike, limit_seconds: float) -> FloatArray:
    """Return the share of time in breach by site and host, 0 or 1, [n, J]; NaN where the latency is NaN.

    Raises:
        InvalidSpec: A figure is below 0.
    """
    latency = np.asarray(latency_seconds, dtype=np.float64)
    known = ~np.isnan(latency)
    non_negative("latencySeconds", latency[known])
    limit = float(positive("latencyLimitSeconds", limit_seconds))
    return np.where(known, latency > limit, np.nan)


def worth(model: Mobility, breach: ArrayLike, terms: Terms, host: int) -> Worth:
    """Return what waiting and moving are worth in every state, for a service that is on ``host``.

    Args:
        model: Factors of the path over n sites.
        breach: Share of time in breach by site and host, [n, J]; NaN where it is not known.
        terms: What a move takes.
        host: Where the service is; where nothing is NaN the result is the same for every host.

    Raises:
        InvalidSpec: A share is out of bounds, or there is no such host.
    """
    shares = known_breach(breach, model.sites, host).T[:, model.site, None]
    if len(shares) * model.leaving.size * (terms.move_steps + 4) > _MOST_FIGURES:
        raise InvalidSpec("stepSeconds", "is too short for so many hosts and ways: make it longer, or name fewer hosts")
    cost = np.broadcast_to(shares * terms.step_seconds, (len(shares), *model.leaving.shape))
    during, ahead = np.zeros_like(cost), cost
    for step in range(terms.move_steps):
        during = during + ahead
        ahead = _expected(model, ahead) if step + 1 < terms.move_steps else ahead
    # moved[k] is what k steps before it serves a new copy is worth, seen from the step that is looked at.
    moved = [np.zeros_like(cost) for _ in range(terms.move_steps + 1)]
    waiting = after = moved[0]
    for _ in range(terms.horizon_steps):
        moved = [moved[0], *(_expected(model, later) for later in moved[:-1])]
        waiting, after = cost + moved[1], moved[-1]
        moved[0] = np.minimum(waiting, terms.cost_seconds + during + after.min(axis=0))
    return Worth(waiting, during, after, terms.cost_seconds)


def known_breach(breach: ArrayLike, sites: int, host: int) -> FloatArray:
    """Return the shares with the unknown filled in: no breach on ``host``, a full one on every other, [n, J].

    Raises:
        InvalidSpec: A share is out of bounds, or there is no such host.
    """
    shares = np.array(breach, dtype=np.float64)
    if shares.ndim != 2 or shares.shape[0] != sites or not 0 <= host < shares.shape[1]:  # noqa: PLR2004 - site by host
        raise InvalidSpec("hosts", f"must hold a share for each of {sites} sites by host, and one be the present host")
    unknown = np.isnan(shares)
    if ((shares[~unknown] < 0.0) | (shares[~unknown] > 1.0)).any():
        raise InvalidSpec("hosts", "must hold shares between 0 and 1")
    shares[unknown] = 1.0
    shares[unknown[:, host], host] = 0.0
    return shares


def decide(model: Mobility, belief: FloatArray, found: Worth, host: int, familiar: int = FAMILIAR) -> Decision:
    """Return whether to begin a move now.

    Args:
        model: Factors of the path.
        belief: Where the group is, [E, A].
        found: What waiting and moving are worth.
        host: Where the service is.
        familiar: Departures from the group's site that must have been seen.
    """
    at = int(np.argmax(model.by_site(belief.sum(axis=1))))
    cost, hosts = found.cost_seconds, len(found.waiting)
    if hosts < 2:  # noqa: PLR2004 - a move needs a host and another one
        return Decision(Verdict.UNKNOWN, HERE, 0.0, cost, "there is no other host")
    weigh = belief.ravel()
    waiting, during = (part[host].ravel() @ weigh for part in (found.waiting, found.during))
    after = found.after.reshape(hosts, -1) @ weigh
    after[host] = np.inf
    best = int(np.argmin(after))
    gain = float(waiting - during - after[best])
    if model.departures[at] < familiar:
        seen = f"only {model.departures[at]} of {familiar} departures from its site were seen"
        return Decision(Verdict.UNKNOWN, best, gain, cost, f"{seen}: where it goes is not known")
    told = f"it avoids {gain:.1f} s in breach, and costs as much as {cost:.1f} s"
    return Decision(Verdict.MOVE if gain > cost else Verdict.WAIT, best, gain, cost, told)


def _expected(model: Mobility, later: FloatArray) -> FloatArray:
    """Return what is expected a step earlier of figures by host, way and age, [J, E, A]."""
    entering = later[:, :, 0] @ model.following.T
    earlier = model.leaving * entering[:, :, None]
    lasting = 1.0 - model.leaving
    earlier[:, :, :-1] += lasting[:, :-1] * later[:, :, 1:]
    earlier[:, :, -1] += lasting[:, -1] * later[:, :, -1]
    return np.asarray(earlier)
