"""Orchestration schemes compared by quality and cost: the cheapest one that meets the contract is taken ([6GANA]).

Centralised, distributed and collaborative schemes differ in accuracy, agreement with the goals, robustness, transfer,
storage and compute.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from aif.errors import InvalidSpec
from aif.planning.checks import non_negative, share

_ROUNDING = 1e-9
"""By how much written weights may miss a sum of 1."""


def goal_agreement(weights: ArrayLike, covered: ArrayLike) -> float:
    """Return θ = Σ w_i·f(i), with Σ w_i = 1 ([6GANA]).

    Args:
        weights: w_i, how much each goal matters, [n].
        covered: f(i), whether the loss function covers it, [n].

    Raises:
        InvalidSpec: The weights do not sum to 1, or a goal has no weight.
    """
    shares = np.atleast_1d(share("goals.weight", weights))
    covers = np.atleast_1d(np.asarray(covered, dtype=np.bool_))
    if shares.shape != covers.shape or not abs(shares.sum() - 1.0) <= _ROUNDING:
        raise InvalidSpec("goals.weight", f"must be one per goal and sum to 1, not to {shares.sum():g}")
    return min(1.0, float(shares[covers].sum()))


def robustness(accuracies: ArrayLike) -> float | None:
    """Return the variance of the accuracy over repeated or perturbed evaluations: smaller is better ([6GANA]).

    None for fewer than two evaluations: of one, the variance says nothing.

    Args:
        accuracies: Of each evaluation, 0..1, [n].

    Raises:
        InvalidSpec: One is no share.
    """
    seen = np.atleast_1d(share("accuracies", accuracies))
    return float(np.var(seen)) if seen.size > 1 else None


@dataclass(frozen=True, slots=True)
class Scheme:
    """A way to orchestrate a service, and what it reaches and takes.

    Attributes:
        name: Such as Centralised, Distributed or Collaborative.
        accuracy: 0..1.
        goal_agreement: θ; None where nobody told the goals.
        variance: Robustness; None where it was not measured.
        transfer_bits: Data sent.
        storage_bytes: Data kept.
        flops: Arithmetic.
    """

    name: str
    accuracy: float
    goal_agreement: float | None
    variance: float | None
    transfer_bits: float
    storage_bytes: float
    flops: float

    def __post_init__(self) -> None:
        share("accuracy", self.accuracy)
        share("goalAgreement", 0.0 if self.goal_agreement is None else self.goal_agreement)
        non_negative("variance", 0.0 if self.variance is None else self.variance)
        non_negative("transferBits", self.transfer_bits)
        non_negative("storageBytes", self.storage_bytes)
        non_negative("flop", self.flops)


@dataclass(frozen=True, slots=True)
class SchemeContract:
    """What a scheme must reach; by default nothing."""

    min_accuracy: float = 0.0
    min_goal_agreement: float = 0.0
    max_variance: float = inf
    max_transfer_bits: float = inf
    max_storage_bytes: float = inf
    max_flops: float = inf


@dataclass(frozen=True, slots=True)
class Prices:
    """What a scheme's means cost, in any one unit."""

    per_bit: float
    per_byte: float
    per_flop: float

    def __post_init__(self) -> None:
        non_negative("prices.perTransferBit", self.per_bit)
        non_negative("prices.perStorageByte", self.per_byte)
        non_negative("prices.perFlop", self.per_flop)

    def cost(self, scheme: Scheme) -> float:
        """Return what ``scheme`` costs."""
        return scheme.transfer_bits * self.per_bit + scheme.storage_bytes * self.per_byte + scheme.flops * self.per_flop


@dataclass(frozen=True, slots=True)
class Miss:
    """A demand of the contract that a scheme does not meet.

    Attributes:
        indicator: What is missed.
        required: Its bound.
        available: What the scheme reaches; None where it was not measured, which meets no bound.
    """

    indicator: str
    required: float
    available: float | None


@dataclass(frozen=True, slots=True)
class JudgedScheme:
    """A scheme, its cost, and what it misses."""

    scheme: Scheme
    cost: float
    misses: tuple[Miss, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All schemes in order of cost.

    Attributes:
        chosen: The cheapest that misses nothing; None where there is none.
        judged: Every scheme.
    """

    chosen: Scheme | None
    judged: tuple[JudgedScheme, ...]


def compare(schemes: Sequence[Scheme], contract: SchemeContract, prices: Prices) -> Comparison:
    """Return the cheapest scheme that meets the contract; of equal ones the more accurate, then the first."""
    judged = [JudgedScheme(scheme, prices.cost(scheme), tuple(_misses(scheme, contract))) for scheme in schemes]
    judged.sort(key=lambda one: (one.cost, -one.scheme.accuracy))
    chosen = next((one.scheme for one in judged if not one.misses), None)
    return Comparison(chosen, tuple(judged))


def _misses(scheme: Scheme, contract: SchemeContract) -> Iterator[Miss]:
    floors = (
        ("accuracy", contract.min_accuracy, scheme.accuracy),
        ("goalAgreement", contract.min_goal_agreement, scheme.goal_agreement),
    )
    for indicator, required, available in floors:
        if required > 0.0 and (available is None or available < required):
            yield Miss(indicator, required, available)
    limits = (
        ("robustnessVariance", contract.max_variance, scheme.variance),
        ("transferBits", contract.max_transfer_bits, scheme.transfer_bits),
        ("storageBytes", contract.max_storage_bytes, scheme.storage_bytes),
        ("flop", contract.max_flops, scheme.flops),
    )
    for indicator, required, available in limits:
        if required < inf and (available is None or available > required):
            yield Miss(indicator, required, available)
