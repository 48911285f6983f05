"""Which exit of a service's model would answer, and where it would be parted, under the latency target ([EDGE])."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final

import numpy as np

from aif.api.aiservice import INPUT_CUT, AIService, Offload
from aif.api.qos import LatencyIndicator
from aif.api.workload import Variant
from aif.planning.demands import translate
from aif.planning.exits.plan import Exit, plan_exits
from aif.planning.offload import NetworkSide, local_side

WHOLE: Final = "Output"
"""Name of the exit behind the last layer, which is all of the model."""


@dataclass(frozen=True, slots=True)
class ExitChoice:
    """An exit and a cut.

    Attributes:
        name: The exit in ``spec.model.exits``, or ``WHOLE``.
        cut: The cut in ``spec.model.cuts`` before it.
        accuracy: Accuracy of service of its answers, 0..1.
        seconds: Time of a request.
        in_time: Whether it meets the latency target; where none does, this is the quickest.
    """

    name: str
    cut: str
    accuracy: float
    seconds: float
    in_time: bool


@dataclass(frozen=True, slots=True)
class _Cut:
    flops: float
    bits: float
    name: str


def exit_of(
    service: AIService,
    variant: Variant,
    network: NetworkSide,
    up_bits_per_second: float,
    *,
    wait_seconds: float = 0.0,
    reliability: float = 1.0,
) -> ExitChoice | None:
    """Return the most accurate exit that is in time, with its quickest cut; where none is, the quickest of all.

    An exit below a hard accuracy demand is not taken. The model is cut behind the input alone, unless the user lets us
    choose (``offload: Auto``) and the devices can bear their part.

    Args:
        service: What is asked for.
        variant: The way it would run.
        network: What its node offers to a request that runs there whole.
        up_bits_per_second: Rate of the path from the users to the node.
        wait_seconds: Part of the node's time that a request waits for a server, as long at any cut.
        reliability: r_c of the path; the accuracy of service is that of the model times it.

    Returns:
        None where the model has no exits, generates text, or is not promised a latency; or where a figure is missing.
    """
    model, latency, demand = service.spec.model, service.spec.qos.latency, translate(service, variant)
    if not model.exits or model.generation is not None or latency is None:
        return None
    if latency.indicator is not LatencyIndicator.REQUEST or not up_bits_per_second > 0.0:
        return None
    figures = (network.seconds, network.attainable_flops, demand.request.flops, demand.up_bits, demand.accuracy)
    if not all(isfinite(figure) for figure in figures) or network.attainable_flops <= 0.0:
        return None
    told = [(one.name, float(one.flops), reliability * one.accuracy_basis_points / 1e4) for one in model.exits]
    known = [*told, (WHOLE, demand.request.flops, reliability * demand.accuracy)]
    least = _least_accuracy(service)
    allowed = [one for one in known if one[2] >= least or one[0] == WHOLE]
    cuts = _cuts(service, demand.up_bits, demand.requests_per_second)
    # What no cut changes: the round trip, the answer, and the wait.
    fixed = network.communication_seconds - demand.up_bits / up_bits_per_second + wait_seconds
    user = local_side(service).attainable_flops
    exits = [_exit(*one, cuts, user, network.attainable_flops, fixed) for one in allowed]
    found = plan_exits(exits, up_bits_per_second, latency.max_p99_microseconds / 1e6)
    chosen = exits[int(found.exits[0])]
    cut = chosen.cuts[int(found.cuts[0])]
    return ExitChoice(chosen.name, cut, chosen.accuracy, float(found.seconds[0]), bool(found.in_time[0]))


def _exit(
    name: str, flops: float, accuracy: float, cuts: Sequence[_Cut], user: float, network: float, fixed: float
) -> Exit:
    before = [cut for cut in cuts if cut.flops == 0.0 or cut.flops < flops]
    done = np.array([cut.flops for cut in before])
    return Exit(
        name=name,
        accuracy=accuracy,
        cuts=tuple(cut.name for cut in before),
        user_seconds=np.array([cut.flops / user if cut.flops else 0.0 for cut in before]),
        network_seconds=max(0.0, fixed) + (flops - done) / network,
        bits=np.array([cut.bits for cut in before]),
    )


def _cuts(service: AIService, up_bits: float, rate: float) -> list[_Cut]:
    """Return the cuts that may be taken, the one behind the input first."""
    whole, local = _Cut(0.0, up_bits, INPUT_CUT), local_side(service)
    if service.spec.offload is not Offload.AUTO or not isfinite(local.attainable_flops):
        return [whole]
    share = rate / (service.spec.ue.count if service.spec.ue else 1) / local.attainable_flops
    told = [_Cut(float(cut.ue_flops), float(cut.data_bits), cut.name) for cut in service.spec.model.cuts]
    return [whole, *(cut for cut in told if cut.name != INPUT_CUT and cut.flops > 0.0 and share * cut.flops < 1.0)]


def _least_accuracy(service: AIService) -> float:
    asked = service.spec.qos.accuracy
    return asked.min_basis_points / 1e4 if asked is not None and asked.enforcement == "Hard" else 0.0
