"""Which roles of a training job stay where they are, and with whom it goes on while others have no place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aif.api.conditions import Reason
from aif.api.trainingjob import TrainingJob
from aif.api.trainingjob_status import RolePlacement
from aif.domain.learning import CLIENT, roles_of
from aif.reconcile.training.approval import choose
from aif.reconcile.training.files import quorum_of
from aif.reconcile.training.scene import JobSnapshot
from aif.scheduling.learning import fits_still
from aif.scheduling.ledger import Claim
from aif.scheduling.roles import JobSelection

FATAL: Final = frozenset(
    {
        Reason.NODE_NOT_JOINED,
        Reason.NODE_NOT_READY,
        Reason.NODE_UNREACHABLE,
        Reason.NODE_CORDONED,
        Reason.SECURITY_INFEASIBLE,
        Reason.PRIVACY_INFEASIBLE,
    }
)
"""Reasons for which a role leaves its node; that a node is fuller than it was is none."""


def select(
    job: TrainingJob, snapshot: JobSnapshot
) -> tuple[list[RolePlacement], tuple[Claim, ...], JobSelection | None]:
    """Return the placements that stay, the claims of those that do not, and what is chosen; None where all stay.

    Where no place is found for all, clients of whom a quorum is left stay as they are: those learn on, the lost ones
    wait for their node or another place.
    """
    lost = _lost(job, snapshot)
    gone = {each.role for each in lost}
    kept = [each for each in job.status.placements if each.role not in gone]
    own, found = _selected(job, snapshot, kept)
    if found is not None and not found.choices and _are_a_quorum(job, lost):
        kept = [each for each in job.status.placements if each.role == CLIENT or each.role not in gone]
        own, found = _selected(job, snapshot, kept)
    return kept, own, found


def _selected(
    job: TrainingJob, snapshot: JobSnapshot, kept: Sequence[RolePlacement]
) -> tuple[tuple[Claim, ...], JobSelection | None]:
    names = {each.role for each in kept}
    own = tuple(claim for claim in snapshot.claims if claim.copy not in names)
    if names == {role.name for role in roles_of(job)}:
        return own, None
    return own, choose(job, snapshot.table.without(own).besides(snapshot.barred), snapshot.policy, kept)


def _lost(job: TrainingJob, snapshot: JobSnapshot) -> list[RolePlacement]:
    """Return the placements whose node is gone."""
    table = snapshot.table.without(snapshot.claims)
    return [
        each
        for each in job.status.placements
        if each.node in snapshot.barred or fits_still(job, each, table, snapshot.policy) in FATAL
    ]


def _are_a_quorum(job: TrainingJob, lost: Sequence[RolePlacement]) -> bool:
    """Tell whether clients are lost, and those that are left suffice for a round."""
    clients = [each for each in job.status.placements if each.role == CLIENT]
    left = sum(each.pods for each in clients if each not in lost)
    return any(each in lost for each in clients) and left >= max(1, quorum_of(job))
