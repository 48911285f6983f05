"""Which roles of a training job stay where they are, and with whom it goes on while others have no place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aif.api.conditions import Reason
from aif.api.trainingjob import TrainingJob
from aif.api.trainingjob_status import RolePlacement
from aif.domain.learning import CLIENT
from aif.reconcile.training.files import quorum_of
from aif.reconcile.training.scene import JobSnapshot
from aif.scheduling.learning import fits_still

FATAL: Final = frozenset({Reason.NODE_NOT_JOINED, Reason.NODE_NOT_READY, Reason.NODE_UNREACHABLE, Reason.NODE_CORDONED})
"""Reasons for which a role leaves its node; that a node is fuller than it was is none."""


def lost_of(job: TrainingJob, snapshot: JobSnapshot) -> list[RolePlacement]:
    """Return the placements whose node is gone."""
    table = snapshot.table.without(snapshot.claims)
    return [
        each
        for each in job.status.placements
        if each.node in snapshot.barred or fits_still(job, each, table, snapshot.policy) in FATAL
    ]


def kept_of(job: TrainingJob, lost: Sequence[RolePlacement]) -> list[RolePlacement]:
    """Return the placements that stay: those of roles none of whose nodes is gone."""
    gone = {each.role for each in lost}
    return [each for each in job.status.placements if each.role not in gone]


def waiting_clients(job: TrainingJob, lost: Sequence[RolePlacement]) -> list[RolePlacement]:
    """Return the placements of all clients where some are lost, and those that are left are a quorum; else none.

    Their Job stays as it is then: those that are left learn on, the lost ones wait for their node or another place.
    """
    clients = [each for each in job.status.placements if each.role == CLIENT]
    left = sum(each.pods for each in clients if each not in lost)
    some = any(each.role == CLIENT for each in lost)
    return clients if some and left >= max(1, quorum_of(job)) else []
