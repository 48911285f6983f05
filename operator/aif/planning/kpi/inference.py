"""Figures of merit of inference that is divided between the user's side and the network's at a cut ([6GANA] section 5).

All arguments may be scalars or arrays that broadcast, so that many cuts, nodes or links are judged at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from aif.errors import InvalidSpec
from aif.planning.arrays import FloatArray
from aif.planning.checks import non_negative, positive, share
from aif.planning.energy import efficiency, emission


@dataclass(frozen=True, slots=True, eq=False)
class Platform:
    """What computes.

    Attributes:
        flops_per_second: F.
        watts: P while it computes.

    Raises:
        InvalidSpec: A figure is not above 0.
    """

    flops_per_second: ArrayLike
    watts: ArrayLike

    def __post_init__(self) -> None:
        positive("flopPerSecond", self.flops_per_second)
        positive("watts", self.watts)

    @property
    def efficiency(self) -> FloatArray:
        """Return EE = F/P in FLOP/J."""
        return efficiency(self.flops_per_second, self.watts)

    def seconds(self, flops: ArrayLike) -> FloatArray:
        """Return O/F."""
        return np.asarray(np.asarray(flops) / np.asarray(self.flops_per_second))

    def joules(self, flops: ArrayLike) -> FloatArray:
        """Return O/EE."""
        return np.asarray(np.asarray(flops) / self.efficiency)


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """What carries data.

    Attributes:
        bits_per_second: R.
        watts: P_comm while it sends.
        reliability: r_c, share of the data that arrives.

    Raises:
        InvalidSpec: A rate or power is not above 0, or the reliability is no share.
    """

    bits_per_second: ArrayLike
    watts: ArrayLike
    reliability: ArrayLike = 1.0

    def __post_init__(self) -> None:
        positive("bitPerSecond", self.bits_per_second)
        positive("watts", self.watts)
        share("reliability", self.reliability)

    @property
    def efficiency(self) -> FloatArray:
        """Return EE_comm = R/P_comm in bit/J."""
        return efficiency(self.bits_per_second, self.watts)

    def seconds(self, bits: ArrayLike) -> FloatArray:
        """Return D/R."""
        return np.asarray(np.asarray(bits) / np.asarray(self.bits_per_second))

    def joules(self, bits: ArrayLike) -> FloatArray:
        """Return D/EE_comm."""
        return np.asarray(np.asarray(bits) / self.efficiency)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A model that may be cut.

    Attributes:
        accuracy: a_m, 0..1.
        input_bits: D0, raw input of one request.
        flops: FLOP of one request, both sides together.

    Raises:
        InvalidSpec: A figure is out of bounds.
    """

    accuracy: ArrayLike
    input_bits: ArrayLike
    flops: ArrayLike

    def __post_init__(self) -> None:
        share("model.accuracy", self.accuracy)
        positive("model.inputBits", self.input_bits)
        positive("model.totalFlop", self.flops)


@dataclass(frozen=True, slots=True, eq=False)
class InferenceKpi:
    """What one request meets with; arrays of the shape to which the arguments broadcast.

    Attributes:
        accuracy: a = a_m·r_c.
        user_seconds: O_UE/F_UE.
        transfer_seconds: D/R.
        network_seconds: O_NET/F_NET.
        latency_seconds: T, their sum.
        energy_joules: E = O_UE/EE_UE + D/EE_comm + O_NET/EE_NET.
        bits_per_joule: EE = D0/E.
        carbon_grams: CO2e = E·ECR.
    """

    accuracy: FloatArray
    user_seconds: FloatArray
    transfer_seconds: FloatArray
    network_seconds: FloatArray
    latency_seconds: FloatArray
    energy_joules: FloatArray
    bits_per_joule: FloatArray
    carbon_grams: FloatArray


def inference(
    model: Model,
    user_flops: ArrayLike,
    transfer_bits: ArrayLike,
    user: Platform,
    network: Platform,
    channel: Channel,
    kg_per_kwh: ArrayLike = 0.0,
) -> InferenceKpi:
    """Return what one request meets with at each cut ([6GANA] section 5).

    All on the user's side: ``user_flops`` is that of the model and ``transfer_bits`` 0. All in the network:
    ``user_flops`` is 0. The accuracy takes the reliability of the link at every cut, as the report does.

    Args:
        model: What is computed.
        user_flops: O_UE at each cut, FLOP; the rest, O_NET, is the network's.
        transfer_bits: D at each cut.
        user: The user's platform.
        network: The platform in the network.
        channel: The link between both.
        kg_per_kwh: ECR, kg CO2 equivalent per kWh.

    Raises:
        InvalidSpec: A figure is out of bounds, or a cut gives the user more than the model.
    """
    local = non_negative("cuts.userFlop", user_flops)
    bits = non_negative("cuts.transferBits", transfer_bits)
    remote = np.asarray(model.flops) - local
    if np.any(remote < 0.0):
        raise InvalidSpec("cuts.userFlop", f"must not exceed model.totalFlop, {np.max(model.flops):g}")
    times = (user.seconds(local), channel.seconds(bits), network.seconds(remote))
    energy = np.asarray(user.joules(local) + channel.joules(bits) + network.joules(remote))
    figures = (
        np.asarray(model.accuracy) * np.asarray(channel.reliability),
        *times,
        sum(times, start=np.zeros(())),
        energy,
        np.asarray(model.input_bits) / energy,
        emission(energy, kg_per_kwh),
    )
    return InferenceKpi(*(np.array(figure) for figure in np.broadcast_arrays(*figures)))
