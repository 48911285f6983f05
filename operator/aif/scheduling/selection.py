"""The outcome of a decision, with its evidence: which node, by what score, and why not the others."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, nan
from typing import NamedTuple

from aif.api.base import Tier
from aif.api.computenode import Origin
from aif.api.conditions import Reason
from aif.api.workload import Variant
from aif.planning.demands import Demand
from aif.planning.offload import NetworkSide
from aif.scheduling.ledger import Claim


class Term(NamedTuple):
    """One term of a score.

    Attributes:
        name: What was scored.
        score: 0 worst, 100 best.
        weight: Share of the term in ten-thousandths; the terms of a node add up to about 10 000.
    """

    name: str
    score: int
    weight: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """What one request is predicted to meet with on a node; None where a figure is missing.

    Attributes:
        latency_seconds: 99th percentile of the latency that the contract's indicator is about.
        communication_seconds: Round trip and transfer of input and answer.
        wait_seconds: 99th percentile of the wait for a free server.
        compute_seconds: Time on the server.
        attainable_flops: Rate that the server attains on this work, in FLOP/s (roofline).
        joules: Energy of compute and transfer.
        accuracy: Accuracy of service, 0..1.
        grams_co2e: Emission of compute and transfer.
        up_bits_per_second: Rate of the path from the users.
    """

    latency_seconds: float | None = None
    communication_seconds: float | None = None
    wait_seconds: float | None = None
    compute_seconds: float | None = None
    attainable_flops: float | None = None
    joules: float | None = None
    accuracy: float | None = None
    grams_co2e: float | None = None
    up_bits_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A node that meets every hard limit, with the variant that would run there.

    Attributes:
        node: ComputeNode.
        node_name: Node behind it.
        tier: Its tier.
        origin: Whether it belongs to the network.
        variant: Variant that would run.
        replicas: Replicas on this node.
        score: Weighted mean of the terms, 0..100.
        terms: The terms, heaviest first.
        forecast: What a request is predicted to meet with.
        demand: Resource demands in this variant.
        claim: Capacity to hold before anything is deployed.
    """

    node: str
    node_name: str
    tier: Tier
    origin: Origin
    variant: Variant
    replicas: int
    score: int
    terms: tuple[Term, ...]
    forecast: Forecast
    demand: Demand
    claim: Claim

    @property
    def latency_microseconds(self) -> int | None:
        """Return the predicted latency, rounded up."""
        return _scaled(self.forecast.latency_seconds, 1e6)

    @property
    def millijoules_per_request(self) -> int | None:
        """Return the predicted energy, rounded up."""
        return _scaled(self.forecast.joules, 1e3)

    @property
    def network_side(self) -> NetworkSide:
        """Return what this node offers in the choice between local and network compute."""
        forecast = self.forecast
        return NetworkSide(
            communication_seconds=_or_nan(forecast.communication_seconds),
            compute_seconds=_or_nan(forecast.wait_seconds, without=0.0) + _or_nan(forecast.compute_seconds),
            attainable_flops=_or_nan(forecast.attainable_flops),
        )


@dataclass(frozen=True, slots=True)
class Shortage:
    """Nodes that miss the same limit first in the same variant, and the one that misses it least.

    Attributes:
        reason: Limit that is missed.
        variant: Variant that was tried.
        count: How many nodes miss it.
        nearest: ComputeNode that misses it least.
        required: What the service needs, with its unit, such as ``20000 us``.
        available: What the nearest node offers, such as ``38000 us``; ``unknown`` where it does not say.
        required_value: The number behind ``required``, in SI units.
        available_value: The number behind ``available``; None where unknown.
        gap: Clause for people, such as ``latency short by 18.0 ms on cloud-1 (needs 20.0 ms, offers 38.0 ms)``.
    """

    reason: Reason
    variant: str
    count: int
    nearest: str
    required: str
    available: str
    required_value: float
    available_value: float | None
    gap: str


@dataclass(frozen=True, slots=True)
class Selection:
    """What was decided for a service, and why.

    Attributes:
        choices: The nodes that take the replicas, the best one first; none where no node fits, which is a result and
            no error. One node takes all of them where it can; else they overflow to the next best.
        candidates: The best nodes, at most five, one entry per node, the chosen one first.
        rejections: Why other nodes were refused, the most frequent reason first.
        reason: AsExpected where all replicas find a place; else the limit that all nodes miss for those that are left,
            or NoCandidateNode where they disagree.
        message: One sentence for people.
        demand: Resource demands in the chosen variant, or in the first where none was chosen.
        step: Step of the ladder on which the node was found, from 0; None where none was found.
        nodes: How many nodes were looked at.
        shortfall: Replicas that find no place.
        joint_gap: By which share the placement of all that were decided with it may be worth less than the best one;
            None where they were not placed jointly.
    """

    choices: tuple[Choice, ...]
    candidates: tuple[Choice, ...]
    rejections: tuple[Shortage, ...]
    reason: Reason
    message: str
    demand: Demand
    step: int | None
    nodes: int
    shortfall: int = 0
    joint_gap: float | None = None

    @property
    def chosen(self) -> Choice | None:
        """Return the best of the choices; None where no node fits."""
        return self.choices[0] if self.choices else None


def _scaled(value: float | None, factor: float) -> int | None:
    return None if value is None else ceil(round(value * factor, 6))


def _or_nan(value: float | None, without: float = nan) -> float:
    return without if value is None else value
