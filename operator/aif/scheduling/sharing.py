"""What each service of a site may take of the users' link and of the processor: the joint allocation ([MCFN]).

Those who share are the services on the CPU of one node whose users come over one link. Whoever else holds a part of
either is given it first: who computes on devices of their own, or elsewhere behind the same link.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Final

import numpy as np

from aif.api.computenode import CPU
from aif.planning.allocation.site_shares import Residents, site_shares
from aif.scheduling.ledger import Claim
from aif.scheduling.node_table import NodeTable

_REMEMBERED: Final = 4096
"""Sites whose shares are kept: each service of a site asks the same."""

_Row = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class SiteShare:
    """What one service may take of what it shares, all replicas together.

    Attributes:
        services: How many share, this one included.
        bits_per_second: b, of the users' link.
        cores: Of the node, in proportion to f.
        seconds: D/b + C/f, transfer of the input and compute of a request.
    """

    services: int
    bits_per_second: float
    cores: float
    seconds: float


def share_of(claim: Claim, table: NodeTable) -> SiteShare | None:
    """Return the share of the service that ``claim`` is for; what it holds of the node already is given back.

    Returns:
        None where it shares with nobody, where a figure is missing, and where the site cannot hold all within their
        targets: whoever is there then takes what there is.
    """
    row, site = table.room.rows.get(claim.node), table.room.rows.get(claim.site)
    if row is None or site is None or not _shares(claim, claim):
        return None
    others = [each for each in table.room.claims[row] if each.owner != claim.owner and _shares(each, claim)]
    if not others:
        return None
    counted = [*others, *(each for each in table.room.claims[row] if each.owner == claim.owner)]
    uplink = float(table.network.links(None).up[site] - table.room.up_held[site])
    uplink += sum(each.up_bits_per_second for each in counted if each.site == claim.site)
    cores = float(table.room.free_of(CPU)[row]) + sum(each.resources.get(CPU, 0.0) for each in counted)
    offered = float(table.room.allocatable_of(CPU)[row])
    if not (isfinite(uplink) and uplink > 0.0 and 0.0 < cores <= offered):
        return None
    found = _solved(tuple(_row(each) for each in (claim, *others)), uplink, cores / offered)
    return None if found is None else SiteShare(1 + len(others), found[0], found[1] * offered, found[2])


def _shares(other: Claim, claim: Claim) -> bool:
    """Tell whether ``other`` shares node and link with ``claim``, and all of its figures are known."""
    told = other.requests_per_second > 0.0 and other.up_bits_per_second > 0.0 and other.utilisation > 0.0
    here = (other.node, other.site, other.device) == (claim.node, claim.site, CPU)
    return told and here and not other.leaving and other.resources.get(CPU, 0.0) > 0.0


def _row(claim: Claim) -> _Row:
    """Return bits of a request, its share of a second of the whole processor, the rate, and what the target leaves."""
    rate = claim.requests_per_second
    return claim.up_bits_per_second / rate, claim.utilisation / rate, rate, claim.latency_seconds or np.inf


@lru_cache(maxsize=_REMEMBERED)
def _solved(rows: Sequence[_Row], uplink: float, processor: float) -> tuple[float, float, float] | None:
    """Return rate, share of the processor and time of the first of ``rows``."""
    bits, work, rate, seconds = np.array(rows, dtype=np.float64).T
    # A second of waiting counts as often as somebody waits: the mean number of requests under way is least.
    made = site_shares(Residents(bits, work, rate, seconds, rate), uplink, processor)
    return None if made is None else (float(made.bits_per_second[0]), float(made.flops[0]), float(made.seconds[0]))
