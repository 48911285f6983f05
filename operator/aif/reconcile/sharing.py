"""The joint allocation as the status shows it, and as the next copy is made by it; a running one is never changed."""

from __future__ import annotations

from math import ceil
from typing import Final

from aif.api.aiservice_plan import Plan, Share
from aif.api.computenode import CPU
from aif.api.migration_status import ReplicaShare
from aif.api.quantity import Quantity, format_amount
from aif.reconcile.evidence import scaled
from aif.scheduling.ledger import Claim
from aif.scheduling.node_table import NodeTable
from aif.scheduling.sharing import SiteShare, share_of

INGRESS_BOUNDS: Final = (10**3, 10**15)
"""bit/s: with an annotation beyond them a kubelet refuses the pod."""

MOVED: Final = 0.1
"""A share that moved by less than this part of itself is not written again."""


def for_plan(found: SiteShare | None) -> Share | None:
    """Return a share as ``status.plan`` shows it."""
    if found is None:
        return None
    return Share(
        services=found.services,
        cpu=format_amount(found.cores),
        up_bits_per_second=format_amount(found.bits_per_second),
        microseconds=scaled(found.seconds, 1e6) or 0,
    )


def for_replica(found: SiteShare | None, claim: Claim, replicas: int) -> ReplicaShare | None:
    """Return what each replica may take: its part of the share, and no less of the cores than it asks for.

    Args:
        found: Share of the service; None where it has none.
        claim: What all replicas hold.
        replicas: How many they are.
    """
    if found is None or replicas < 1:
        return None
    cores = max(found.cores, claim.resources[CPU]) / replicas
    rate = int(found.bits_per_second / replicas)
    fits = INGRESS_BOUNDS[0] <= rate <= INGRESS_BOUNDS[1]
    return ReplicaShare(cpu=f"{ceil(round(cores * 1e3, 6))}m", ingress_bits_per_second=str(rate) if fits else None)


def reshared(plan: Plan | None, claims: tuple[Claim, ...], table: NodeTable) -> Plan | None:
    """Return ``plan`` with the share as it is now, since others came or went; as it was where that moved little."""
    claim = next((each for each in claims if plan is not None and each.node == plan.node), None)
    if plan is None or claim is None or plan.token is not None:
        return plan
    now = for_plan(share_of(claim, table))
    return plan if _alike(plan.share, now) else plan.model_copy(update={"share": now})


def _alike(before: Share | None, after: Share | None) -> bool:
    if before is None or after is None:
        return before is after
    pairs = ((before.cpu, after.cpu), (before.up_bits_per_second, after.up_bits_per_second))
    amounts = [(float(Quantity.parse(old)), float(Quantity.parse(new))) for old, new in pairs]
    return before.services == after.services and all(abs(new - old) <= MOVED * old for old, new in amounts)
