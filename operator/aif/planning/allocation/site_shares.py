"""Services of one site share its uplink and its processor: the joint allocation, applied to what is placed ([MCFN]).

Nothing is compressed, a = 1. A service of λ requests per second, D bit and C FLOP each gets a rate b and a compute rate
f with D/b + C/f no longer than its target leaves, nor than 1/λ, so that it keeps up; within that the weighted times of
all are least. Where not all fit, nobody gets a share: whoever is there takes what there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from aif.errors import InvalidSpec
from aif.planning.allocation.joint import Site, Tasks, Unattainable, allocate
from aif.planning.arrays import FloatArray

_FLAT: Final = 1e-12
"""q of an accuracy that does not depend on the share, as the allocation asks for one above 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Residents:
    """n services on one site, a row each.

    Attributes:
        bits, flops: D and C of a request; above 0.
        rate: λ, requests per second, above 0.
        seconds: What the latency target leaves for transfer and compute; infinite where there is none.
        weight: How much a second of each counts.
    """

    bits: FloatArray
    flops: FloatArray
    rate: FloatArray
    seconds: FloatArray
    weight: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """What each of n services gets.

    Attributes:
        bits_per_second: b, of the uplink.
        flops: f, FLOP/s of the processor.
        seconds: D/b + C/f.
    """

    bits_per_second: FloatArray
    flops: FloatArray
    seconds: FloatArray


def site_shares(residents: Residents, bits_per_second: float, flops: float) -> Shares | None:
    """Return the shares of the services of a site; None where it cannot hold them all within their targets.

    Args:
        residents: The services.
        bits_per_second: Uplink of the site.
        flops: Compute rate of its processor, FLOP/s.

    Raises:
        InvalidSpec: A figure is not positive, or not a number; the message names it.
    """
    if not (np.isfinite(residents.rate) & (residents.rate > 0.0)).all():
        raise InvalidSpec("rate", "must be finite and positive throughout")
    one = np.ones(len(residents.bits))
    tasks = Tasks(
        bits=residents.bits,
        flops=residents.flops,
        efficiency=one,
        ceiling=one,
        loss=_FLAT * one,
        decay=one,
        latency_weight=residents.weight,
        accuracy_weight=one,
        latency_limit=np.minimum(residents.seconds, 1.0 / residents.rate),
        accuracy_floor=0.0 * one,
        smallest_share=one,
    )
    try:
        made = allocate(tasks, Site(bits_per_second, flops))
    except Unattainable:
        return None
    return Shares(made.hertz, made.flops, made.seconds)
