"""What is done about a TrainingJob: accept, place all of it or nothing, run it, watch it, end it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from aif.api.conditions import Reason
from aif.api.trainingjob import THIS_OPERATOR, TrainingJob
from aif.api.trainingjob_status import JobPlan, RolePlacement, TrainingJobStatus
from aif.domain import events
from aif.domain.actions import Action, Delete, WriteStatus
from aif.domain.conditions import Verdict, timestamp
from aif.domain.learning import roles_of
from aif.reconcile.training.acceptance import accept
from aif.reconcile.training.approval import choose, plan_of
from aif.reconcile.training.ending import ending
from aif.reconcile.training.report import PROGRESS_SECONDS, report
from aif.reconcile.training.rollout import removal, rollout
from aif.reconcile.training.scene import (
    JobDecision,
    JobSnapshot,
    Standing,
    moment,
    reference,
    started,
    stopped,
    timers_of,
)
from aif.reconcile.training.signing import signer_missing
from aif.reconcile.training.starting import circle, waits
from aif.reconcile.training.verdicts import changed
from aif.scheduling.learning import claims_for, fits_still
from aif.scheduling.ledger import Claim
from aif.scheduling.roles import JobSelection

YIELD_SECONDS: Final = 60.0
"""A job that made way for a service is tried again after so long."""

LOOK_SECONDS: Final = 5.0
"""A job that runs is looked at so often: its deadline passes without an event."""

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


def reconcile(job: TrainingJob, snapshot: JobSnapshot, now: datetime) -> JobDecision:
    """Return what is done about ``job``, its status included."""
    if job.spec.managed_by != THIS_OPERATOR or job.metadata.deletion_timestamp is not None:
        return JobDecision()
    if _condition(job, "Complete") or _condition(job, "Failed"):
        return _finished(job, snapshot, now)
    if (fault := _fault(job, snapshot)) is not None:
        return _refused(job, snapshot, fault, now)
    if not job.spec.suspend and (ended := ending(job, snapshot, now)) is not None:
        return _end(job, snapshot, ended, now)
    return _stopped(job, snapshot, now) or _awaiting(job, snapshot, now) or _run(job, snapshot, now)


def _fault(job: TrainingJob, snapshot: JobSnapshot) -> Verdict | None:
    missing = signer_missing(job, served=snapshot.signer_served)
    return accept(job, snapshot.policy) or missing or circle(job, snapshot.others)


def _stopped(job: TrainingJob, snapshot: JobSnapshot, now: datetime) -> JobDecision | None:
    """Return what follows where the job is not to run for now; None where it is."""
    if job.spec.suspend:
        return _held_back(job, snapshot, now, Reason.SUSPENDED, "spec.suspend is true")
    if snapshot.wanted_by and job.status.placements:
        message = f"Made way for {snapshot.wanted_by}, whose contract comes first; no finished round is lost"
        return _held_back(job, snapshot, now, Reason.PREEMPTED, message, YIELD_SECONDS)
    if (wait := _waits(job, now)) > 0.0:
        message = next((c.message for c in job.status.conditions if c.type == "Suspended"), "")
        return _held_back(job, snapshot, now, Reason.PREEMPTED, message, None, again=wait)
    return None


def _awaiting(job: TrainingJob, snapshot: JobSnapshot, now: datetime) -> JobDecision | None:
    """Return what follows where the job is yet to start, and writes down once it may; None where it may."""
    timers, run = timers_of(job), job.status.run or 0
    if job.spec.start is None or timers.released_at or timers.started_at:
        return None
    if not (message := waits(job, snapshot.others)):
        released = timers.model_copy(update={"released_at": timestamp(now)})
        status = report(job, snapshot, Standing((), released, run), now)
        return JobDecision((WriteStatus(reference(job), status.to_dict()),), status, (), again_after=0.1)
    standing = Standing((), timers, run, unplaced=Reason.WAITING_FOR_START, message=message)
    status = report(job, snapshot, standing, now)
    new = changed(job.status.conditions, status.conditions, "Placed")
    news = [events.job_waits(reference(job), message)] if new else []
    return JobDecision((*_write(job, status, now)[0], *news), status)


def _run(job: TrainingJob, snapshot: JobSnapshot, now: datetime) -> JobDecision:
    kept, own, selection = select(job, snapshot)
    if selection is None:
        return _go_on(job, snapshot, Standing(tuple(kept), timers_of(job), job.status.run or 1), now)
    decision = _chosen(job, snapshot, selection, kept, own, now)
    return replace(decision, selection=selection)


def _chosen(
    job: TrainingJob,
    snapshot: JobSnapshot,
    selection: JobSelection,
    kept: Sequence[RolePlacement],
    own: Sequence[Claim],
    now: datetime,
) -> JobDecision:
    if not selection.choices:
        return _unplaced(job, snapshot, selection, now)
    if (plan := plan_of(job, selection.choices)) is not None:
        return _proposed(job, snapshot, plan, kept, now)
    placements = (*kept, *(choice.placement for choice in selection.choices))
    fresh = not job.status.placements
    timers = started(timers_of(job), now) if fresh else timers_of(job)
    standing = Standing(placements, timers, (job.status.run or 0) + fresh or 1)
    status = report(job, snapshot, standing, now)
    claims = (*(c for c in snapshot.claims if c not in own), *(choice.claim for choice in selection.choices))
    news = events.job_placed(reference(job), selection.message, again=not fresh or standing.run > 1)
    # The place is written down before anything is made from it: whoever takes over finds what was begun.
    return JobDecision((WriteStatus(reference(job), status.to_dict()), news), status, claims, again_after=0.1)


def select(
    job: TrainingJob, snapshot: JobSnapshot
) -> tuple[list[RolePlacement], tuple[Claim, ...], JobSelection | None]:
    """Return the placements that stay, the claims of those that do not, and what is chosen; None where all stay."""
    kept = _kept(job, snapshot)
    names = {each.role for each in kept}
    own = tuple(claim for claim in snapshot.claims if claim.copy not in names)
    if names == {role.name for role in roles_of(job)}:
        return kept, own, None
    table = snapshot.table.without(own).besides(snapshot.barred)
    return kept, own, choose(job, table, snapshot.policy, kept)


def _kept(job: TrainingJob, snapshot: JobSnapshot) -> list[RolePlacement]:
    """Return the placements that stay: those of roles none of whose nodes is gone."""
    table = snapshot.table.without(snapshot.claims)
    gone = {
        each.role
        for each in job.status.placements
        if each.node in snapshot.barred or fits_still(job, each, table, snapshot.policy) in FATAL
    }
    return [each for each in job.status.placements if each.role not in gone]


def _go_on(job: TrainingJob, snapshot: JobSnapshot, standing: Standing, now: datetime) -> JobDecision:
    status = report(job, snapshot, standing, now)
    claims = snapshot.claims or claims_for(job, snapshot.table, snapshot.policy)
    children = rollout(job, standing.placements, snapshot)
    written, again = _write(job, status, now)
    return JobDecision((*children, *written, *_news(job, status)), status, claims, min(again, LOOK_SECONDS))


def _write(job: TrainingJob, status: TrainingJobStatus, now: datetime) -> tuple[list[Action], float]:
    """Return the status if it is worth a write now, and after how long it is otherwise."""
    if status.to_dict() == job.status.to_dict():
        return [], LOOK_SECONDS
    if job.status.progress and _but_progress(status) == _but_progress(job.status):
        last = moment(job.status.progress.measured_at)
        left = PROGRESS_SECONDS - (now - last).total_seconds() if last else 0.0
        if left > 0.0:
            return [], left
    return [WriteStatus(reference(job), status.to_dict())], LOOK_SECONDS


def _but_progress(status: TrainingJobStatus) -> object:
    """Return what is told at once: where it stands; figures wait their turn."""
    told = [(c.type, c.status, c.reason) for c in status.conditions]
    places = [each.to_dict() for each in status.placements]
    return told, places, status.timers, status.run, status.plan, status.observed_generation


def _news(job: TrainingJob, status: TrainingJobStatus) -> list[Action]:
    here, news = reference(job), list[Action]()
    for kind in ("Training", "Degraded", "ThresholdAlarm"):
        after = next((c for c in status.conditions if c.type == kind), None)
        if after is not None and changed(job.status.conditions, status.conditions, kind):
            if kind == "Training" and after.status == "True":
                news.append(events.job_trains(here, status.run or 1))
            elif after.reason != Reason.PROGRESSING and (kind != "Training" or after.status == "False"):
                news.append(events.job_alarm(here, after.reason, after.message))
    return news


def _end(job: TrainingJob, snapshot: JobSnapshot, ended: Verdict, now: datetime) -> JobDecision:
    timers = stopped(timers_of(job), now).model_copy(update={"finished_at": timestamp(now)})
    standing = Standing((), timers, job.status.run or 1, message=ended.message)
    status = report(job, snapshot, standing, now, ended=ended)
    news = events.job_ended(reference(job), ended.reason, ended.message, failed=ended.type == "Failed")
    # First the verdict: its pods go because of it, and must not be made again by whoever takes over.
    return JobDecision((WriteStatus(reference(job), status.to_dict()), news), status, (), again_after=0.1)


def _finished(job: TrainingJob, snapshot: JobSnapshot, now: datetime) -> JobDecision:
    """Take away what still runs of a job that has ended, and the job itself once its time is over."""
    ttl, ended = job.spec.ttl_seconds_after_finished, moment(timers_of(job).finished_at)
    if ttl is not None and ended is not None:
        left = ttl - (now - ended).total_seconds()
        if left <= 0.0:
            return JobDecision((Delete(reference(job), job.metadata.resource_version),))
        return JobDecision(tuple(removal(job, snapshot.view, finished=True)), again_after=left)
    return JobDecision(tuple(removal(job, snapshot.view, finished=True)))


def _held_back(
    job: TrainingJob,
    snapshot: JobSnapshot,
    now: datetime,
    why: Reason,
    message: str,
    retry: float | None = None,
    again: float | None = None,
) -> JobDecision:
    """Stop a job that keeps its rounds: its pods go, and its place is free."""
    runs = bool(job.status.placements)
    timers = stopped(timers_of(job), now, retry) if runs else timers_of(job)
    standing = Standing((), timers, job.status.run or 0, held_back=why, message=message)
    status = report(job, snapshot, standing, now)
    written = _write(job, status, now)[0]
    news = [events.job_held_back(reference(job), why, message)] if runs else []
    # Told before the pods go: a removal that has to be tried again finds the status written, and nothing left to tell.
    return JobDecision(
        (*written, *news, *removal(job, snapshot.view, finished=False)), status, (), again_after=again or retry
    )


def _refused(job: TrainingJob, snapshot: JobSnapshot, fault: Verdict, now: datetime) -> JobDecision:
    standing = Standing((), timers_of(job), job.status.run or 0, unplaced=fault.reason, message=fault.message)
    status = report(job, snapshot, standing, now, fault=fault)
    new = changed(job.status.conditions, status.conditions, "Accepted")
    news = [events.refused(reference(job), fault.reason, fault.message)] if new else []
    return JobDecision((*_write(job, status, now)[0], *news), status)


def _unplaced(job: TrainingJob, snapshot: JobSnapshot, selection: JobSelection, now: datetime) -> JobDecision:
    """Hold nothing: a part of a job without its quorum would keep others from their place for nothing."""
    timers = stopped(timers_of(job), now) if job.status.placements else timers_of(job)
    standing = Standing((), timers, job.status.run or 0, unplaced=selection.reason, message=selection.message)
    status = report(job, snapshot, standing, now, shortages=selection.rejections)
    new = changed(job.status.conditions, status.conditions, "Placed")
    news = [events.refused(reference(job), selection.reason, selection.message)] if new else []
    written = _write(job, status, now)[0] if new or job.status.placements or not job.status.conditions else []
    actions = (*written, *news, *removal(job, snapshot.view, finished=False))
    return JobDecision(actions, status, (), waiting=True)


def _proposed(
    job: TrainingJob, snapshot: JobSnapshot, plan: JobPlan, kept: Sequence[RolePlacement], now: datetime
) -> JobDecision:
    """Ask a person, and hold nothing for what may not be; roles that lost nothing stay where they are meanwhile."""
    run, roles = job.status.run or 0, {each.role for each in kept}
    standing = Standing(tuple(kept), timers_of(job), run, unplaced=Reason.AWAITING_APPROVAL, message=plan.reason)
    status = report(job, snapshot, standing, now, plan=plan)
    token = job.status.plan.token if job.status.plan else ""
    news = [events.refused(reference(job), Reason.AWAITING_APPROVAL, plan.reason)] if token != plan.token else []
    claims = tuple(claim for claim in snapshot.claims if claim.copy in roles)
    again = LOOK_SECONDS if kept else None
    return JobDecision((*_write(job, status, now)[0], *news), status, claims, again)


def _waits(job: TrainingJob, now: datetime) -> float:
    """Return for how long a job that made way is not tried again."""
    until = moment(timers_of(job).retry_at)
    return 0.0 if until is None else (until - now).total_seconds()


def _condition(job: TrainingJob, kind: str) -> bool:
    return any(c.type == kind and c.status == "True" for c in job.status.conditions)
