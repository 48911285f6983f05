"""Figures of merit of inference: latency, energy, accuracy and emission of one request ([6GANA] section 5).

The functions take arrays of nodes; all of the model runs in the network, so nothing is computed by the user.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from aif.api.qos import LatencyIndicator
from aif.planning.arrays import FloatArray
from aif.planning.demands import UNTOLD, Demand
from aif.planning.energy import JOULES_PER_KWH
from aif.planning.paths import Links
from aif.planning.queueing import wait_quantile
from aif.planning.roofline import attainable, compute_seconds, intensity

PROMISED_SHARE = 0.99
"""Share of the requests that a latency is predicted for."""


@dataclass(frozen=True, slots=True, eq=False)
class Servers:
    """What computes one request at a time on each of n nodes; NaN where a figure is missing.

    Attributes:
        peak: π in FLOP/s at the precision that the model needs, calibrated where the node was measured.
        bandwidth: β in byte/s.
        watts: Power while it computes.
    """

    peak: FloatArray
    bandwidth: FloatArray
    watts: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What one request meets with on each of n nodes; NaN where a figure that it needs is missing.

    Attributes:
        latency: 99th percentile in seconds, of what the contract's indicator is about; infinite under overload.
        communication: Round trip and transfer, seconds.
        wait: 99th percentile of the wait for a server, seconds.
        compute: Seconds on the server for the whole request.
        attainable: Rate attained on this work by one server, FLOP/s.
        energy: Joules for compute and transfer.
        accuracy: Accuracy of service, 0..1.
        emission: Grams of CO2 equivalent.
    """

    latency: FloatArray
    communication: FloatArray
    wait: FloatArray
    compute: FloatArray
    attainable: FloatArray
    energy: FloatArray
    accuracy: FloatArray
    emission: FloatArray


def predict(
    demand: Demand, indicator: LatencyIndicator, servers: Servers, links: Links, carbon_grams_per_kwh: FloatArray
) -> Prediction:
    """Return what a request of ``demand`` meets with on each node.

    T = rtt + D/R + W + O/F, E = D/EE_comm + O/EE_NET with EE = F/P, a = a_m·r_c, CO2e = E·ECR; W is the wait that the
    report leaves out, and F the rate that the roofline model allows.
    """
    compute = compute_seconds(demand.request, servers.peak, servers.bandwidth)
    wait = wait_quantile(PROMISED_SHARE, demand.requests_per_second, demand.servers, compute)
    sending, answering = demand.up_bits / links.up, demand.down_bits / links.down
    energy = servers.watts * compute + links.watts * (sending + answering)
    return Prediction(
        latency=_latency(indicator, demand, servers, before=links.rtt + sending + wait, answering=answering),
        communication=links.rtt + sending + answering,
        wait=wait,
        compute=compute,
        attainable=attainable(servers.peak, servers.bandwidth, intensity(demand.request)),
        energy=energy,
        accuracy=demand.accuracy * links.reliability,
        emission=energy / JOULES_PER_KWH * carbon_grams_per_kwh,
    )


def _latency(
    indicator: LatencyIndicator, demand: Demand, servers: Servers, *, before: FloatArray, answering: FloatArray
) -> FloatArray:
    """Return the time that ``indicator`` is about; a further token follows its forerunner without link or queue."""
    match indicator:
        case LatencyIndicator.REQUEST:
            return before + compute_seconds(demand.request, servers.peak, servers.bandwidth) + answering
        case LatencyIndicator.FIRST_TOKEN:
            return before + compute_seconds(demand.prompt, servers.peak, servers.bandwidth)
        case LatencyIndicator.OUTPUT_TOKEN:
            return compute_seconds(demand.token or UNTOLD, servers.peak, servers.bandwidth)
        case _:
            assert_never(indicator)
