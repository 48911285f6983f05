"""The status of a TrainingJob: conditions, roles, progress, the contract, the printer columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from math import isfinite
from typing import Final

from aif.api.aiservice_status import DimensionStatus, Rejected
from aif.api.base import Precision
from aif.api.computenode import CPU
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
    TrainingJobStatus,
    TrainingJobSummary,
)
from aif.domain.conditions import Verdict, settle, timestamp
from aif.domain.learning import CLIENT, COMPRESSOR, TRAINER, JobView, RoleGroup, Told, groups_of, roles_of
from aif.planning.learning import expected, joules
from aif.reconcile.training.files import service_name
from aif.reconcile.training.scene import JobSnapshot, Standing, ran_seconds
from aif.reconcile.training.verdicts import heard, verdicts_of
from aif.scheduling.node_table import NodeTable
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
    progress = _progress(job, standing, view.told, snapshot.table) or job.status.progress
    roles = [_role(role, standing.placements, view, job) for role in roles_of(job)]
    qos = _contract(job, standing, progress, now)
    current = replace(view, told=heard(view.told, now))
    verdicts = verdicts_of(job, standing, current, roles, qos, fault, ended, plan)
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


def _progress(job: TrainingJob, standing: Standing, told: Told | None, table: NodeTable) -> JobProgress | None:
    if told is None or not (standing.placements or told.phase in ("Complete", "Failed")):
        return None
    takes = expected(job)
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
        transferred_bytes=told.transferred_bytes,
        expected_bytes=round(takes.total_bytes) if isfinite(takes.total_bytes) else None,
        millijoules=_millijoules(job, standing.placements, table, told.round),
        measured_at=timestamp(told.at),
        clients=[NamedClient(name=n[:253], state=s[:256], message=m[:256]) for n, s, m in told.named[:_SHOWN]],
        history=[RoundPoint(round=at, accuracy_basis_points=accuracy) for at, accuracy in reversed(points)],
    )


def _millijoules(job: TrainingJob, placements: Sequence[RolePlacement], table: NodeTable, rounds: int) -> int | None:
    """Return the energy of so many rounds, counted for the first node that learns; None where it tells no figures."""
    learners = [each for each in placements if each.role in (CLIENT, TRAINER)]
    row = table.room.rows.get(learners[0].node) if learners else None
    if row is None:
        return None
    device, links = table.device(CPU), table.network.links(None)
    whole = joules(
        job,
        float(device.watts[row]),
        float(device.peak[Precision.FP32][row]),
        float(links.up[row]),
        float(links.watts[row]),
    )
    return round(1000 * whole * rounds / job.spec.rounds.max) if isfinite(whole) else None


def _contract(
    job: TrainingJob, standing: Standing, progress: JobProgress | None, now: datetime
) -> list[DimensionStatus]:
    """Return each bound beside what was predicted and measured."""
    qos, takes = job.spec.qos, expected(job)
    at = progress.measured_at if progress else None
    found: list[DimensionStatus] = []
    if qos.time:
        ran = round(ran_seconds(standing.timers, now)) if at else None
        found.append(_bound("time", qos.time.max_seconds, None, ran, Reason.TIME_BREACHED, at))
    if qos.transfer:
        sent = progress.transferred_bytes if progress else None
        total = round(takes.total_bytes) if isfinite(takes.total_bytes) else None
        limit = int(float(qos.transfer.max_bytes))
        found.append(_bound("transfer", limit, total, sent, Reason.TRANSFER_BREACHED, at))
    if qos.energy:
        spent = progress.millijoules if progress else None
        kilojoules = None if spent is None else round(spent / 1e6)
        found.append(_bound("energy", qos.energy.max_kilojoules, None, kilojoules, Reason.ENERGY_BREACHED, at))
    if qos.accuracy:
        reached = progress.accuracy_basis_points if progress else None
        done = progress is not None and progress.phase == "Complete"
        low = done and reached is not None and reached < qos.accuracy.min_basis_points
        met = reached is not None and reached >= qos.accuracy.min_basis_points
        found.append(
            DimensionStatus(
                dimension="accuracy",
                target=qos.accuracy.min_basis_points,
                measured=reached,
                measured_at=at,
                verdict="Breached" if low else "Met" if met else "Unknown",
                reason=Reason.ACCURACY_BREACHED if low else None,
            )
        )
    return found


def _bound(
    dimension: str, target: int, predicted: int | None, measured: int | None, reason: Reason, at: str | None
) -> DimensionStatus:
    broken = measured is not None and measured > target
    return DimensionStatus(
        dimension=dimension,
        target=target,
        predicted=predicted,
        measured=measured,
        measured_at=at if measured is not None else None,
        verdict="Unknown" if measured is None else "Breached" if broken else "Met",
        reason=reason if broken else None,
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
