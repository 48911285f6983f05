"""Whether a placement may stay: what is lost is replaced, what no longer fits moves, a partition moves nobody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from aif.api.aiservice import AIService
from aif.api.aiservice_status import Placement
from aif.api.conditions import Reason
from aif.api.workload import Variant
from aif.reconcile.copies import copy_id
from aif.reconcile.rollout import variant_of
from aif.reconcile.sizing import sized
from aif.reconcile.snapshot import Snapshot
from aif.scheduling.cycle import select
from aif.scheduling.ledger import Claim

GRACE_SECONDS = 5.0
"""A Node that is back within this time was never lost."""

SETTLING_SECONDS = 15.0
"""The same for a Node of a tier that has lost half as much as in a partition: more may follow.

A kubelet reports every 10 s, and its silence is looked for every 5 s: so far apart are the losses of one moment.
"""

SPREADING_SECONDS = 30.0
"""How long the grace may last while ever more Nodes of a tier are lost."""

RETURNING_SECONDS = 30.0
"""How long a Node that is back counts as lost: a partition also ends bit by bit."""

PARTITION_SHARE = 0.55
PARTITION_NODES = 3
"""Where more than this share of a tier of at least so many nodes is gone at once, the network is, and not the nodes."""

UNSCHEDULABLE_SECONDS = 10.0
"""How long the scheduler may find no place for a pod of ours before we believe it."""

_LOST = frozenset({Reason.NODE_NOT_READY, Reason.NODE_UNREACHABLE, Reason.NODE_NOT_JOINED})
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
    stuck = _unschedulable(placement, snapshot, now)
    if stuck is not None:
        return stuck
    table = snapshot.table.settled().without(claims_of([placement], snapshot)).only({placement.node})
    variant = variant_of(service, placement)
    here = select(sized(service, placement.replicas, variant), table, snapshot.policy)
    if here.chosen is not None and not here.shortfall:
        return Tenure(placement)
    if here.reason in _LOST:
        return _judge_loss(placement, here.reason, snapshot, now)
    return Tenure(placement, stays=False, reason=here.reason, message=here.message)


def _judge_loss(placement: Placement, reason: Reason, snapshot: Snapshot, now: datetime) -> Tenure:
    if reason is Reason.NODE_NOT_JOINED:
        message = f"Node {placement.node_name} is gone"
        return Tenure(placement, stays=False, reason=reason, message=message, lost=True)
    lost, total = snapshot.table.lost_share(placement.tier, RETURNING_SECONDS)
    if total >= PARTITION_NODES and lost > PARTITION_SHARE * total:
        message = f"{lost} of {total} nodes of tier {placement.tier} are gone at once: a partition, so nobody moves"
        return Tenure(placement, reason=reason, message=message, again_after=GRACE_SECONDS)
    message = f"Node {placement.node_name} is {'not ready' if reason is Reason.NODE_NOT_READY else 'unreachable'}"
    settling = SETTLING_SECONDS if lost > 1 and 2 * lost > PARTITION_SHARE * total else GRACE_SECONDS
    remaining = _grace_left(placement, settling, snapshot, now)
    if remaining > 0.0:
        return Tenure(placement, reason=reason, message=message, again_after=remaining)
    return Tenure(placement, stays=False, reason=reason, message=message, lost=True)


def _grace_left(placement: Placement, settling: float, snapshot: Snapshot, now: datetime) -> float:
    """Return how long to wait yet: for the Node itself, and until no other of its tier has followed for a while."""
    node = snapshot.nodes.get(placement.node_name)
    if node is None or node.ready_since is None:
        return 0.0
    gone = (now - node.ready_since).total_seconds()
    spreading = min(SPREADING_SECONDS - gone, settling - snapshot.table.seconds_since_loss(placement.tier))
    return max(GRACE_SECONDS - gone, spreading)


def _unschedulable(placement: Placement, snapshot: Snapshot, now: datetime) -> Tenure | None:
    """Return that the node takes no pod of the copy, where the scheduler has said so for long enough."""
    waits = [
        (now - pod.unschedulable_since).total_seconds()
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
