"""Answers that are unsure go one tier up: which confidence is enough, and what both tiers then bear ([6GANA])."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from aif.errors import InvalidInput, InvalidSpec
from aif.planning.arrays import FloatArray
from aif.planning.checks import count, non_negative, positive, share
from aif.planning.queueing import FIXED_WORK, erlang_c


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What was seen when both tiers answered the same requests, in b bins of the lower tier's confidence.

    Attributes:
        confidence: Least confidence of each bin, rising, shape [b].
        requests: Requests in each bin, shape [b].
        lower_accuracy: Share of them that the lower tier answers rightly, shape [b].
        upper_accuracy: Share of them that the upper tier answers rightly, shape [b].

    Raises:
        InvalidSpec: A figure is out of bounds, bins are out of order, or the arrays differ in length.
    """

    confidence: FloatArray
    requests: FloatArray
    lower_accuracy: FloatArray
    upper_accuracy: FloatArray

    def __post_init__(self) -> None:
        bins = share("bins.confidence", self.confidence)
        if bins.size == 0 or (np.diff(bins) <= 0.0).any():
            raise InvalidSpec("bins.confidence", "must hold rising confidences, one per bin")
        non_negative("bins.requests", self.requests)
        positive("bins.requests", np.sum(self.requests))
        share("bins.lowerAccuracy", self.lower_accuracy)
        share("bins.upperAccuracy", self.upper_accuracy)
        for field in ("requests", "lower_accuracy", "upper_accuracy"):
            if np.shape(getattr(self, field)) != bins.shape:
                raise InvalidSpec(f"bins.{field}", f"must hold a figure for each of {bins.size} bins")


@dataclass(frozen=True, slots=True)
class CascadeTier:
    """What answers on one tier.

    Attributes:
        seconds: Time of a request on a server.
        servers: How many requests are answered at a time.
        joules: Energy of a request.
    """

    seconds: float
    servers: int = 1
    joules: float = 0.0

    def __post_init__(self) -> None:
        positive("seconds", self.seconds)
        count("servers", self.servers)
        non_negative("joules", self.joules)


@dataclass(frozen=True, slots=True, eq=False)
class Cascade:
    """What each threshold t leads to, arrays of shape [b + 1]: requests below it go up.

    Attributes:
        thresholds: The least confidence of each bin, and 1 beyond all: every request goes up.
        share_up: Share of the requests that go up.
        accuracy: Share of right answers.
        lower_utilisation: Share of its time that a server of the lower tier is busy.
        upper_utilisation: The same of the upper tier; from 1 on it cannot keep up.
        mean_seconds: Mean time of a request, waiting included; infinite under overload.
        upper_seconds: Mean time of a request that goes up.
        mean_joules: Mean energy of a request.
    """

    thresholds: FloatArray
    share_up: FloatArray
    accuracy: FloatArray
    lower_utilisation: FloatArray
    upper_utilisation: FloatArray
    mean_seconds: FloatArray
    upper_seconds: FloatArray
    mean_joules: FloatArray


def cascade(
    seen: Evaluation, lower: CascadeTier, upper: CascadeTier, requests_per_second: float, transfer_seconds: float
) -> Cascade:
    """Return what each threshold leads to.

    Every request is first answered on the lower tier. Waiting is that of M/G/c, fixed work on each tier.

    Args:
        seen: How sure the lower tier was, and how right both were.
        lower: The tier that answers first.
        upper: The tier above it.
        requests_per_second: λ, of all requests.
        transfer_seconds: What an unsure request takes on its way up.
    """
    rate = positive("requestsPerSecond", requests_per_second)
    way = non_negative("transferSeconds", transfer_seconds)
    weights = seen.requests / seen.requests.sum()
    up = np.concatenate(([0.0], np.cumsum(weights)))
    right_above = np.concatenate(([0.0], np.cumsum(weights * seen.upper_accuracy)))
    right_below = np.concatenate((np.cumsum((weights * seen.lower_accuracy)[::-1])[::-1], [0.0]))
    # Rounding must not make a share of 1 more than all.
    up = np.minimum(up, 1.0)
    first = _sojourn(lower, np.broadcast_to(rate, up.shape))
    second = way + _sojourn(upper, rate * up)
    return Cascade(
        thresholds=np.concatenate((seen.confidence, [1.0])),
        share_up=up,
        accuracy=np.minimum(right_above + right_below, 1.0),
        lower_utilisation=np.full(up.shape, rate * lower.seconds / lower.servers),
        upper_utilisation=rate * up * upper.seconds / upper.servers,
        mean_seconds=first + np.where(up > 0.0, up * second, 0.0),
        upper_seconds=first + second,
        mean_joules=lower.joules + up * upper.joules,
    )


def _sojourn(tier: CascadeTier, rates: ArrayLike) -> FloatArray:
    """Return the mean time of waiting and service, infinite where servers cannot keep up."""
    utilisation = np.asarray(rates) * tier.seconds / tier.servers
    idle = np.where(utilisation < 1.0, 1.0 - utilisation, np.nan)
    wait = 0.5 * (1.0 + FIXED_WORK) * erlang_c(tier.servers, utilisation) * tier.seconds / (tier.servers * idle)
    return np.where(utilisation < 1.0, tier.seconds + wait, np.inf)


def best_threshold(found: Cascade, minimum_accuracy: float = 0.0, latency_seconds: float = np.inf) -> int:
    """Return the position of the threshold of least mean time among those that keep both limits; of equals the first.

    Raises:
        InvalidInput: None keeps both; the message says how near they come.
    """
    stable = np.isfinite(found.mean_seconds)
    kept = stable & (found.accuracy >= minimum_accuracy) & (found.mean_seconds <= latency_seconds)
    if not kept.any():
        best = float(found.accuracy[stable].max(initial=0.0))
        least = float(found.mean_seconds.min())
        raise InvalidInput(
            f"no threshold keeps both limits: the most accurate that its servers bear reaches {best:.4f}, the quickest "
            f"takes {least:.4g} s; add servers or relax a limit"
        )
    return int(np.where(kept, found.mean_seconds, np.inf).argmin())
