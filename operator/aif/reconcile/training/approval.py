"""Which steps of a training job's placement wait for a person, and what that person is shown ([6GANA] autonomy)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from aif.api.aiservice import ApprovalStep, AutonomyLevel
from aif.api.trainingjob import TrainingJob
from aif.api.trainingjob_status import JobPlan, RolePlacement
from aif.domain.policy import Policy
from aif.reconcile.approval import APPROVE
from aif.scheduling.learning import place, renewed
from aif.scheduling.node_table import NodeTable
from aif.scheduling.roles import JobChoice, JobSelection

_SHOWN: Final = 120


def choose(job: TrainingJob, table: NodeTable, policy: Policy, kept: Sequence[RolePlacement]) -> JobSelection:
    """Return where the roles that are not ``kept`` go: what a person was asked about, while all of it fits."""
    asked = job.status.plan.placements if job.status.plan else []
    return (renewed(job, table, policy, asked, kept) if asked else None) or place(job, table, policy, kept)


def plan_of(job: TrainingJob, choices: Sequence[JobChoice]) -> JobPlan | None:
    """Return what waits for a person; None where the job may go on."""
    token = _token(job, choices)
    steps = [] if job.metadata.annotations.get(APPROVE) == token else _waiting(job, choices)
    if not steps:
        return None
    text = f"Would place {_told(choices)}; waits for approval of {', '.join(steps)}: set {APPROVE}={token}"
    return JobPlan(
        reason=text[:256],
        token=token,
        waits_for=[str(step) for step in steps],
        placements=[choice.placement for choice in choices],
    )


def _waiting(job: TrainingJob, choices: Sequence[JobChoice]) -> list[ApprovalStep]:
    autonomy, first = job.spec.autonomy, not job.status.placements
    if autonomy.level is AutonomyLevel.MANUAL:
        return [ApprovalStep.PLACE if first else ApprovalStep.MIGRATE]
    taken = {
        ApprovalStep.PLACE: first,
        ApprovalStep.MIGRATE: not first,
        ApprovalStep.RISE_TIER: any(choice.rises for choice in choices),
        ApprovalStep.USE_EXTERNAL: any(choice.external for choice in choices),
    }
    return [step for step in autonomy.approval_steps if taken[step]]


def _token(job: TrainingJob, choices: Sequence[JobChoice]) -> str:
    """Return what approves exactly these places, in any order, for exactly this spec."""
    places = "+".join(sorted(f"{c.placement.role}/{c.placement.node}/{c.placement.variant}" for c in choices))
    text = f"{job.metadata.uid}/{job.metadata.generation}/{places}"
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _told(choices: Sequence[JobChoice]) -> str:
    roles = dict.fromkeys(choice.placement.role for choice in choices)
    nodes = {role: dict.fromkeys(c.placement.node for c in choices if c.placement.role == role) for role in roles}
    told = ", ".join(f"{role} on {' and '.join(where)}" for role, where in nodes.items())
    return told if len(told) <= _SHOWN else f"{told[:_SHOWN]} and more"
