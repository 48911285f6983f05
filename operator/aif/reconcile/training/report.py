"""The status of a TrainingJob: conditions, roles, progress, the contract, the printer columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import isfinite
from typing import Final

from aif.api.aiservice_status import Rejected
from aif.api.conditions import Reason
from aif.api.trainingjob import TrainingJob
from aif.api.trainingjob_status import (
    JobPlan,
    JobProgress,
    JobResult,
    NamedClient,
    RolePlacement,
    RoleStatus,
    RoundPoint,
    TaskProgress,
    TrainingJobStatus,
    TrainingJobSummary,
)
from aif.domain.conditions import Verdict, settle, timestamp
from aif.domain.learning import CLIENT, COMPRESSOR, JobView, RoleGroup, Told, groups_of, roles_of
from aif.planning.learning import expected
from aif.reconcile.training.contract import contract
from aif.reconcile.training.files import service_name
from aif.reconcile.training.scene import JobSnapshot, Standing
from aif.reconcile.training.verdicts import verdicts_of
from aif.scheduling.promises import Outlook, outlook
from aif.scheduling.selection import Shortage

PROGRESS_SECONDS: Final = 10.0
"""Progress is written at most once in so long."""

_SHOWN: Final = 32
_POINTS: Final = 64
_NODES: Final = 64


def report(
    job: TrainingJob,
    snapshot: JobSnapshot,
    standing: Standing,
    now: datetime,
    *,
    fault: Verdict | None = None,
    ended: Verdict | None = None,
    shortages: Sequence[Shortage] = (),
    plan: JobPlan | None = None,
) -> TrainingJobStatus:
    """Return the whole status of ``job``."""
    view = snapshot.view
    foreseen = outlook(job, standing.placements, snapshot.table)
    progress = _progress(job, standing, view.told, foreseen) or job.status.progress
    roles = [_role(role, standing.placements, view, job) for role in roles_of(job)]
    qos = contract(job, standing, progress, foreseen, now)
    verdicts = verdicts_of(job, standing, view, roles, qos, fault, ended, plan)
    return TrainingJobStatus(
        observed_generation=job.metadata.generation,
        conditions=settle(verdicts, job.status.conditions, job.metadata.generation, now),
        summary=_summary(job, standing, progress, roles, verdicts),
        run=standing.run,
        placements=list(standing.placements),
        rejected=[_rejected(one) for one in shortages][:_SHOWN],
        roles=roles,
        progress=progress,
        qos=qos,
        plan=plan,
        timers=standing.timers,
        result=_result(job, view.told, ended) or job.status.result,
    )


def _role(role: RoleGroup, placements: Sequence[RolePlacement], view: JobView, job: TrainingJob) -> RoleStatus:
    child = view.child("Job", service_name(job, role.name))
    counted = (child.body.get("status") or {}) if child else {}
    pods = [pod for pod in view.pods if pod.copy == role.name]
    names = {each.node_name: each.node for each in placements}
    cut = next((group.cut for group in groups_of(job) if role.group and group.name == role.group), None)
    clients = None
    if view.told is not None and role.group in view.told.cuts:
        cut, clients = view.told.cuts[role.group]
    ready = sum(pod.ready and not pod.terminating for pod in pods) + int(counted.get("succeeded") or 0)
    return RoleStatus(
        name=role.name,
        pods=role.pods,
        ready=min(ready, role.pods),
        failed=int(counted.get("failed") or 0),
        nodes=sorted({names.get(pod.node, pod.node) for pod in pods if pod.node})[:_NODES],
        cut=cut,
        clients=clients,
    )


def _progress(job: TrainingJob, standing: Standing, told: Told | None, foreseen: Outlook) -> JobProgress | None:
    if told is None or not (standing.placements or told.phase in ("Complete", "Failed")):
        return None
    takes, whole = expected(job), 1000 * foreseen.joules
    step = max(1, -(-len(told.history) // _POINTS))
    points = [point for at, point in enumerate(reversed(told.history)) if at % step == 0][:_POINTS]
    return JobProgress(
        phase=told.phase,
        epoch=told.epoch,
        round=told.round,
        rounds=told.rounds,
        live=told.live,
        answered=told.answered,
        accuracy_basis_points=told.accuracy_basis_points,
        best_round=told.best_round,
        remaining_seconds=told.remaining_seconds,
        # What workers send one another goes past the one that tells: of them nobody knows the bytes.
        transferred_bytes=told.transferred_bytes if job.spec.workers == 1 else None,
        expected_bytes=round(takes.total_bytes) if isfinite(takes.total_bytes) else None,
        millijoules=round(whole * told.round / job.spec.rounds.max) if isfinite(whole) else None,
        stored_bytes=told.stored_bytes,
        measured_at=timestamp(told.at),
        tasks=[TaskProgress(name=name, state=state) for name, state in told.tasks],
        clients=[NamedClient(name=n[:253], state=s[:256], message=m[:256]) for n, s, m in told.named[:_SHOWN]],
        history=[RoundPoint(round=at, accuracy_basis_points=accuracy) for at, accuracy in reversed(points)],
    )


def _result(job: TrainingJob, told: Told | None, ended: Verdict | None) -> JobResult | None:
    if ended is None or ended.type != "Complete":
        return None
    output, single = job.spec.output, job.spec.mode == "Compression"
    return JobResult(
        claim_name=output.claim_name,
        path=f"{job.metadata.name}/{output.name}{'-report.json' if single else '.safetensors'}",
        digest=told.digest if told and told.digest else None,
        round=(told.best_round or told.round) if told else 0,
        accuracy_basis_points=told.accuracy_basis_points if told else None,
    )


def _summary(
    job: TrainingJob,
    standing: Standing,
    progress: JobProgress | None,
    roles: Sequence[RoleStatus],
    verdicts: Sequence[Verdict],
) -> TrainingJobSummary:
    told = {verdict.type: verdict.status for verdict in verdicts}
    clients = next((role for role in roles if role.name == CLIENT), None)
    target = job.spec.stop.target_accuracy_basis_points
    cuts = list(dict.fromkeys(role.cut for role in roles if role.cut))
    return TrainingJobSummary(
        state=_state(standing, told, progress),
        round="" if progress is None or roles[0].name == COMPRESSOR else f"{progress.round}/{job.spec.rounds.max}",
        clients=f"{clients.ready}/{clients.pods}" if clients else "",
        metric=_percent(progress.accuracy_basis_points if progress else None),
        cut=", ".join(cuts)[:256],
        target=_percent(target),
        remaining=f"{progress.remaining_seconds}s" if progress and progress.remaining_seconds is not None else "",
    )


def _state(standing: Standing, told: Mapping[str, str], progress: JobProgress | None) -> str:
    for kind in ("Complete", "Failed", "Suspended"):
        if told.get(kind) == "True":
            return "Preempted" if standing.held_back is Reason.PREEMPTED else kind
    if not standing.placements:
        return "Pending"
    return progress.phase if progress else "Starting"


def _percent(basis_points: int | None) -> str:
    return "" if basis_points is None else f"{basis_points / 100:g}%"


def _rejected(one: Shortage) -> Rejected:
    return Rejected(
        reason=one.reason,
        variant=one.variant,
        count=one.count,
        nearest=one.nearest,
        required=one.required,
        available=one.available,
    )
