"""What services that stand somewhere ask for of each kind of accelerator, from which it follows what is of use."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, log2

from aif.api.computenode import CPU
from aif.planning.demands import PODS
from aif.scheduling.ledger import Claim

Kind = tuple[float, int]
"""Cores and devices of a replica; the cores rounded up to a power of two, so that kinds are few."""

Asked = dict[str, dict[Kind, float]]
"""Replicas of each kind, by device type."""

FEWEST_CORES = 0.25


def kind(cores: float, devices: int) -> Kind:
    """Return the kind of a replica."""
    return 2.0 ** ceil(log2(max(cores, FEWEST_CORES))), devices


def count(asked: Asked, claim: Claim, sign: float) -> None:
    """Add the replicas of ``claim`` to ``asked``, or with a ``sign`` of -1 take them out."""
    if (devices := claim.resources.get(claim.device, 0.0)) <= 0.0 or claim.device == CPU:
        return
    replicas = max(1.0, claim.resources.get(PODS, 1.0))
    kinds = asked.setdefault(claim.device, {})
    of = kind(claim.resources.get(CPU, 0.0) / replicas, round(devices / replicas))
    kinds[of] = kinds.get(of, 0.0) + sign * replicas
    if kinds[of] <= 0.0:
        del kinds[of]


def counted(claims: Iterable[Claim]) -> Asked:
    """Return what ``claims`` ask for."""
    asked: Asked = {}
    for claim in claims:
        count(asked, claim, +1.0)
    return asked


def copied(asked: Asked) -> Asked:
    """Return a copy of one's own."""
    return {device: dict(kinds) for device, kinds in asked.items()}
