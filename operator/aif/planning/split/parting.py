"""Whether a service is parted between the users' devices and its node: the best cut of its template ([6GANA])."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Final

import numpy as np

from aif.api.aiservice import INPUT_CUT, AIService
from aif.api.workload import Variant
from aif.planning.demands import Demand, translate
from aif.planning.models.chain import Chain
from aif.planning.offload import LocalSide, NetworkSide, local_side
from aif.planning.split.chain import CutTable

WORTHWHILE: Final = 1.05
"""How many times faster than the network alone a split must be: predictions are no better than that."""


@dataclass(frozen=True, slots=True)
class Parting:
    """The best cut of a service that is parted.

    Attributes:
        cut: Its name in ``spec.model.cuts``.
        user_flops: FLOP of a request on the user's device.
        network_flops: FLOP of a request on the node.
        user_seconds: O_UE/F_UE.
        communication_seconds: Round trip, transfer of what crosses the cut, and the answer.
        network_seconds: O_NET at the rate that the node attains, the wait for a server included.
    """

    cut: str
    user_flops: float
    network_flops: float
    user_seconds: float
    communication_seconds: float
    network_seconds: float

    @property
    def seconds(self) -> float:
        """Return the time of a request over both sides."""
        return self.user_seconds + self.communication_seconds + self.network_seconds


def parted(
    service: AIService, variant: Variant, network: NetworkSide, up_bits_per_second: float, wait_seconds: float = 0.0
) -> Parting | None:
    """Return the cut by which a request is done soonest, where that is worthwhile beside the network alone.

    Args:
        service: What is asked for.
        variant: The way it would run.
        network: What its node offers to a request that runs there whole.
        up_bits_per_second: Rate of the path from the users to the node.
        wait_seconds: Part of the node's time that a request waits for a server, as long at any cut.

    Returns:
        None where neither end is beaten, where the users' devices could not bear their part, or where a figure is
        missing: an unknown is never acted on.
    """
    demand, local = translate(service, variant), local_side(service)
    chain = _chain(service, demand)
    rates = (local.attainable_flops, network.attainable_flops, up_bits_per_second)
    if chain is None or not all(isfinite(rate) and rate > 0.0 for rate in rates) or not isfinite(network.seconds):
        return None
    times = CutTable(chain).values(1.0 / np.array(rates))
    # What no cut changes: the round trip, the answer, and the wait.
    fixed = network.communication_seconds - demand.up_bits / up_bits_per_second
    bearable = demand.requests_per_second / _devices(service) * chain.flops / local.attainable_flops < 1.0
    inner = np.where(bearable, times, np.inf)[1:-1]
    cut = int(inner.argmin()) + 1
    whole = min(network.seconds, _alone(local))
    if not (inner[cut - 1] + fixed + wait_seconds) * WORTHWHILE <= whole:
        return None
    rest = chain.total - float(chain.flops[cut])
    return Parting(
        cut=chain.names[cut],
        user_flops=float(chain.flops[cut]),
        network_flops=rest,
        user_seconds=float(chain.flops[cut]) / local.attainable_flops,
        communication_seconds=fixed + float(chain.bits[cut]) / up_bits_per_second,
        network_seconds=rest / network.attainable_flops + wait_seconds,
    )


def _alone(local: LocalSide) -> float:
    return np.inf if local.obstacle else local.seconds


def _devices(service: AIService) -> int:
    return service.spec.ue.count if service.spec.ue else 1


def _chain(service: AIService, demand: Demand) -> Chain | None:
    """Return the cuts in their order, with both ends; None where there is none between them."""
    total = demand.request.flops
    if service.spec.model.generation is not None or not isfinite(total):
        return None
    told = sorted((float(cut.ue_flops), float(cut.data_bits), cut.name) for cut in service.spec.model.cuts)
    inner = [cut for cut in told if cut[2] != INPUT_CUT and 0.0 < cut[0] < total]
    if not inner or not isfinite(demand.up_bits):
        return None
    flops, bits, names = zip((0.0, demand.up_bits, INPUT_CUT), *inner, (total, 0.0, "Output"), strict=True)
    return Chain.given(tuple(names), flops, bits)
