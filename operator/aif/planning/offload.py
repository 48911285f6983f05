"""Local or network compute: the three-way decision by time and roofline ([AIF])."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import inf, isnan, nan

from aif.api.aiservice import AIService, Offload
from aif.api.workload import Variant
from aif.planning.demands import translate


@dataclass(frozen=True, slots=True)
class NetworkSide:
    """What the best node of the network offers to one request; NaN where a figure is missing.

    Attributes:
        communication_seconds: T_comm, round trip and transfer.
        compute_seconds: T_comp^NET, the wait for a server included.
        attainable_flops: Rate that it attains on this work, FLOP/s (roofline).
    """

    communication_seconds: float
    compute_seconds: float
    attainable_flops: float

    @property
    def seconds(self) -> float:
        """Return T_CFN."""
        return self.communication_seconds + self.compute_seconds


@dataclass(frozen=True, slots=True)
class LocalSide:
    """What a user's own device offers to one request; NaN where a figure is missing.

    Attributes:
        seconds: T_UE.
        joules: Energy of a request.
        attainable_flops: Its peak rate; its memory bandwidth is not declared, so compute alone bounds it.
        utilisation: Share of its time that the user's own requests take.
    """

    seconds: float
    joules: float
    attainable_flops: float
    utilisation: float

    @property
    def obstacle(self) -> str:
        """Return why it cannot serve at all; empty where it can."""
        if isnan(self.seconds):
            return "the user's device cannot be judged: set spec.ue.peakFlops and spec.model.flopsPerRequest"
        return "the work demands more than the peak of the user's device" if self.utilisation >= 1.0 else ""


class Band(StrEnum):
    """What times alone say about a request."""

    LOCAL = "Local"
    """T_UE <= T_comm: the user's device is done before the data has travelled."""

    NETWORK = "Network"
    """T_UE > T_CFN: the network is faster, travel included."""

    COMPARE = "Compare"
    """T_comm < T_UE <= T_CFN: the roofline model decides."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which side computes a request.

    Attributes:
        band: What times alone say; Network where one is not known.
        chosen: Local or Network.
        reason: One clause for people.
    """

    band: Band
    chosen: Offload
    reason: str


@dataclass(frozen=True, slots=True)
class OffloadDecision:
    """Which side computes, and why.

    Attributes:
        chosen: Local or Network; None where neither may serve.
        reason: One clause for people.
        local: What the user's device offers.
        network: What the network offers; None where no node fits.
    """

    chosen: Offload | None
    reason: str
    local: LocalSide
    network: NetworkSide | None


def decide(service: AIService, network: NetworkSide | None) -> OffloadDecision:
    """Return which side computes; ``network`` is its best node that keeps every hard limit, None where none does.

    T_UE <= T_comm: local. T_UE > T_CFN: network. Between: the side with the better attainable performance, or the
    network where local compute takes more energy than the contract grants; but never a side that misses the latency
    target. A device whose own load exceeds its peak serves in no case.
    """
    local, asked = local_side(service), service.spec.offload
    if asked is not Offload.AUTO:
        return OffloadDecision(asked, f"spec.offload is {asked}", local, network)
    if network is None:
        return OffloadDecision(*_alone(service, local), local, network)
    choice = choose(local, network, _limit(service), _budget(service))
    return OffloadDecision(choice.chosen, choice.reason, local, network)


def band(local: LocalSide, network: NetworkSide) -> Band:
    """Return what the times of both sides say ([AIF])."""
    if local.seconds <= network.communication_seconds:
        return Band.LOCAL
    return Band.COMPARE if local.seconds <= network.seconds else Band.NETWORK


def choose(local: LocalSide, network: NetworkSide, latency_seconds: float = inf, joules: float = inf) -> Choice:
    """Return which side computes a request by time and roofline, and why ([AIF]).

    Args:
        local: What the user's device offers.
        network: What the best node of the network offers.
        latency_seconds: The latency demand; infinite where there is none.
        joules: Energy that local compute may take; infinite where it is not bounded.
    """
    attained = network.attainable_flops, local.attainable_flops
    rules = (
        (local.obstacle != "", Offload.NETWORK, local.obstacle),
        (
            local.seconds <= network.communication_seconds,
            Offload.LOCAL,
            "the user's device is done before data arrives",
        ),
        (local.seconds > network.seconds, Offload.NETWORK, "the network is faster, travel included"),
        (network.seconds > latency_seconds, Offload.LOCAL, "the network misses the latency target"),
        (local.joules > joules, Offload.NETWORK, "local compute would take more energy than granted"),
        (attained[0] > attained[1], Offload.NETWORK, "the network attains the better performance on this work"),
        (True, Offload.LOCAL, "the user's device attains the better performance on this work"),
    )
    chosen, reason = next((chosen, reason) for holds, chosen, reason in rules if holds)
    return Choice(band(local, network), chosen, reason)


def local_side(service: AIService) -> LocalSide:
    """Return what one of the users' devices offers when it computes its own requests."""
    users = service.spec.ue
    demand = translate(service, Variant(name="ue"))
    peak = nan if users is None or users.peak_flops is None else float(users.peak_flops)
    seconds = demand.request.flops / peak
    watts = nan if users is None or users.watts is None else float(users.watts)
    rate = demand.requests_per_second / (users.count if users else 1)
    return LocalSide(seconds, seconds * watts, peak, rate * seconds)


def _alone(service: AIService, local: LocalSide) -> tuple[Offload | None, str]:
    latency = service.spec.qos.latency
    if local.obstacle:
        return None, f"no node of the network fits, and {local.obstacle}"
    if local.seconds > _limit(service) and latency is not None and latency.enforcement == "Hard":
        return None, "no node of the network fits, and the user's device misses the latency target"
    return Offload.LOCAL, "no node of the network fits"


def _limit(service: AIService) -> float:
    """Return the latency target in seconds; infinite where there is none."""
    latency = service.spec.qos.latency
    return inf if latency is None else latency.max_p99_microseconds / 1e6


def _budget(service: AIService) -> float:
    """Return the energy in joules that the contract grants a request; infinite where it names none."""
    energy = service.spec.qos.energy
    return inf if energy is None else energy.max_millijoules_per_request / 1e3
