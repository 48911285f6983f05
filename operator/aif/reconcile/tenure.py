"""Whether a placement may stay: what is lost is replaced, what no longer fits moves, a partition moves nobody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from aif.api.aiservice import AIService
from aif.api.conditions import Reason
from aif.api.migration_status import Placement
from aif.api.workload import Variant
from aif.contract.alarms import Finding, Phase
from aif.reconcile.copies import copy_id
from aif.reconcile.loss import GRACE_SECONDS, partition, patience
from aif.reconcile.rollout import variant_of
from aif.reconcile.sizing import sized
from aif.reconcile.snapshot import Snapshot
from aif.scheduling.cycle import holds, select
from aif.scheduling.ledger import Claim
from aif.scheduling.whereabouts import seen_from

UNSCHEDULABLE_SECONDS = 10.0
"""How long the scheduler may find no place for a pod of ours before we believe it."""

LOST = frozenset({Reason.NODE_NOT_READY, Reason.NODE_UNREACHABLE, Reason.NODE_NOT_JOINED})
"""Reasons to leave a node on which nothing runs any more, as far as can be known."""

_UNPLEASANT = frozenset({Reason.NODE_CORDONED})
"""Reasons to leave that do no harm to what already runs."""


@dataclass(frozen=True, slots=True)
class Tenure:
    """What was found about one placement.

    Attributes:
        placement: What was judged.
        stays: Whether it may stay.
        reason: Why it has to leave, or would have to.
        message: The same for people.
        lost: Whether its node is gone, so that nothing of it need be waited for.
        barred: Whether the node took no pod although the figures say that it should.
        again_after: Seconds after which the judgement may change by itself.
    """

    placement: Placement
    stays: bool = True
    reason: Reason = Reason.AS_EXPECTED
    message: str = ""
    lost: bool = False
    barred: bool = False
    again_after: float | None = None

    @property
    def harmless(self) -> bool:
        """Tell whether the copy serves on as well as before where it finds no other place."""
        return self.reason in _UNPLEASANT


def judge(service: AIService, placement: Placement, snapshot: Snapshot, now: datetime) -> Tenure:
    """Return whether ``placement`` of an unchanged template may stay on its node."""
    if placement.node not in snapshot.table.names:
        message = f"ComputeNode {placement.node} is gone"
        return Tenure(placement, stays=False, reason=Reason.NODE_NOT_JOINED, message=message, lost=True)
    lost = _lost(placement, snapshot, now)
    return lost or _unschedulable(placement, snapshot, now) or _settled(service, placement, snapshot, now)


def _lost(placement: Placement, snapshot: Snapshot, now: datetime) -> Tenure | None:
    """Return what the loss of the node means; None where it is there.

    This is looked at before all else: the pods of a parted node may be evicted, and are no more lost than their node.
    """
    node = snapshot.nodes.get(placement.node_name)
    if node is None or node.ready == "True":
        return None
    reason = Reason.NODE_NOT_READY if node.ready == "False" else Reason.NODE_UNREACHABLE
    return _judge_loss(placement, reason, snapshot, now)


def _settled(service: AIService, placement: Placement, snapshot: Snapshot, now: datetime) -> Tenure:
    """Return whether the node still meets every hard limit, what is on its way out left aside.

    Telemetry that is lost moves nobody. Nor do predictions of what is measured: that the contract itself says. An alarm
    outlives the loss of its metric, and so does this: values that come and go change nothing.
    """
    measured = snapshot.judged or ()
    known = any(each.finding is not Finding.UNKNOWN or each.phase is Phase.RAISED for each in measured)
    table = snapshot.table.declared() if known else snapshot.table
    table = table.settled().heard().without(claims_of([placement], snapshot)).only({placement.node})
    variant = variant_of(service, placement)
    whole = seen_from(service, placement.users_at, table)
    part = sized(whole, placement.replicas, variant)
    if holds(part, table, snapshot.policy):
        return Tenure(placement)
    here = select(part, table, snapshot.policy)
    if here.chosen is not None and not here.shortfall:
        return Tenure(placement)
    if here.reason in LOST:
        return _judge_loss(placement, here.reason, snapshot, now)
    return Tenure(placement, stays=False, reason=here.reason, message=here.message)


def _judge_loss(placement: Placement, reason: Reason, snapshot: Snapshot, now: datetime) -> Tenure:
    if reason is Reason.NODE_NOT_JOINED:
        message = f"Node {placement.node_name} is gone"
        return Tenure(placement, stays=False, reason=reason, message=message, lost=True)
    parted = partition(snapshot.table, placement.tier)
    if parted:
        return Tenure(placement, reason=reason, message=parted, again_after=GRACE_SECONDS)
    message = f"Node {placement.node_name} is {'not ready' if reason is Reason.NODE_NOT_READY else 'unreachable'}"
    node = snapshot.nodes.get(placement.node_name)
    since = node.ready_since if node else None
    remaining = patience(snapshot.table, placement.tier, (now - since).total_seconds()) if since else 0.0
    if remaining > 0.0:
        return Tenure(placement, reason=reason, message=message, again_after=remaining)
    return Tenure(placement, stays=False, reason=reason, message=message, lost=True)


def _unschedulable(placement: Placement, snapshot: Snapshot, now: datetime) -> Tenure | None:
    """Return that the node takes no pod of the copy, where the scheduler has said so for long enough.

    What it said while the node was lost tells nothing.
    """
    node = snapshot.nodes.get(placement.node_name)
    back = node.ready_since if node else None
    waits = [
        (now - max(pod.unschedulable_since, back or pod.unschedulable_since)).total_seconds()
        for pod in snapshot.view.pods
        if pod.copy == placement.copy_id and pod.unschedulable_since is not None and not pod.node
    ]
    if not waits:
        return None
    message = f"Node {placement.node_name} takes no pod of the service: kube-scheduler says Unschedulable"
    if max(waits) < UNSCHEDULABLE_SECONDS:
        return Tenure(placement, again_after=UNSCHEDULABLE_SECONDS - max(waits))
    reason = Reason.CAPACITY_RESERVED
    return Tenure(placement, stays=False, reason=reason, message=message, lost=True, barred=True)


def same_pods(service: AIService, placement: Placement) -> bool:
    """Tell whether the present spec would make the same pods as those of ``placement``."""
    variant: Variant | None = variant_of(service, placement)
    return variant is not None and copy_id(service, placement.node_name, variant) == placement.copy_id


def claims_of(placements: Iterable[Placement], snapshot: Snapshot) -> tuple[Claim, ...]:
    """Return what the ledger holds for ``placements``."""
    copies = {placement.copy_id for placement in placements}
    return tuple(claim for claim in snapshot.claims if claim.copy in copies)
