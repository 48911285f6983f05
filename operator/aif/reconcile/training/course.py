"""What is done about a TrainingJob: accept, place all of it or nothing, run it, watch it, end it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from aif.api.aiservice import ApprovalStep, AutonomyLevel
from aif.api.conditions import Reason
from aif.api.trainingjob import THIS_OPERATOR, TrainingJob
from aif.api.trainingjob_status import JobPlan, JobTimers, RolePlacement, TrainingJobStatus
from aif.domain import events
from aif.domain.actions import Action, Delete, WriteStatus
from aif.domain.conditions import Verdict, timestamp
from aif.domain.learning import COMPRESSOR, leader_of, roles_of
from aif.reconcile.approval import APPROVE
from aif.reconcile.training.acceptance import accept
from aif.reconcile.training.files import service_name
from aif.reconcile.training.report import PROGRESS_SECONDS, report
from aif.reconcile.training.rollout import removal, rollout
from aif.reconcile.training.scene import (
    JobDecision,
    JobSnapshot,
    Standing,
    moment,
    ran_seconds,
    reference,
    started,
    stopped,
)
from aif.reconcile.training.staying import kept_of, lost_of, waiting_clients
from aif.reconcile.training.verdicts import changed, overdue, reason_of
from aif.scheduling.learning import JobSelection, claims_for, place
from aif.scheduling.ledger import Claim

YIELD_SECONDS: Final = 60.0
"""A job that made way for a service is tried again after so long."""

LOOK_SECONDS: Final = 5.0
"""A job that runs is looked at so often: its deadline passes without an event."""

LAST_WORDS_SECONDS: Final = 30.0
"""For so long the last words of the leading role are waited for: they have the result."""


def reconcile(job: TrainingJob, snapshot: JobSnapshot, now: datetime) -> JobDecision:
    """Return what is done about ``job``, its status included."""
    if job.spec.managed_by != THIS_OPERATOR or job.metadata.deletion_timestamp is not None:
        return JobDecision()
    if _condition(job, "Complete") or _condition(job, "Failed"):
        return _finished(job, snapshot, now)
    if (fault := accept(job, snapshot.policy)) is not None:
        return _refused(job, snapshot, fault, now)
    if not job.spec.suspend and (ended := _ending(job, snapshot, now)) is not None:
        return _end(job, snapshot, ended, now)
    return _stopped(job, snapshot, now) or _run(job, snapshot, now)


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


def _run(job: TrainingJob, snapshot: JobSnapshot, now: datetime) -> JobDecision:
    lost = lost_of(job, snapshot)
    kept = kept_of(job, lost)
    if _is_whole(job, kept):
        return _go_on(job, snapshot, Standing(tuple(kept), _timers(job), job.status.run or 1), now)
    selection, own = _selected(job, snapshot, kept)
    if not selection.choices and (clients := waiting_clients(job, lost)):
        kept = [each for each in job.status.placements if each in kept or each in clients]
        if _is_whole(job, kept):
            standing = Standing(tuple(kept), _timers(job), job.status.run or 1)
            return replace(_go_on(job, snapshot, standing, now), waiting=True)
        selection, own = _selected(job, snapshot, kept)
    if not selection.choices:
        return _unplaced(job, snapshot, selection, now)
    if (plan := _plan(job, selection)) is not None:
        return _proposed(job, snapshot, plan, now)
    placements = (*kept, *(choice.placement for choice in selection.choices))
    fresh = not job.status.placements
    timers = started(_timers(job), now) if fresh else _timers(job)
    standing = Standing(placements, timers, (job.status.run or 0) + fresh or 1)
    status = report(job, snapshot, standing, now)
    claims = (*(c for c in snapshot.claims if c not in own), *(choice.claim for choice in selection.choices))
    news = events.job_placed(reference(job), selection.message, again=not fresh or standing.run > 1)
    # The place is written down before anything is made from it: whoever takes over finds what was begun.
    return JobDecision((WriteStatus(reference(job), status.to_dict()), news), status, claims, again_after=0.1)


def _is_whole(job: TrainingJob, placements: Sequence[RolePlacement]) -> bool:
    return {each.role for each in placements} == {role.name for role in roles_of(job)}


def _selected(
    job: TrainingJob, snapshot: JobSnapshot, kept: Sequence[RolePlacement]
) -> tuple[JobSelection, tuple[Claim, ...]]:
    """Return places for the roles that are not ``kept``, and what these held so far."""
    own = tuple(claim for claim in snapshot.claims if claim.copy not in {each.role for each in kept})
    return place(job, snapshot.table.without(own).besides(snapshot.barred), snapshot.policy, kept), own


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


def _ending(job: TrainingJob, snapshot: JobSnapshot, now: datetime) -> Verdict | None:
    """Return how the job has ended; None while it goes on."""
    told, stop = snapshot.view.told, job.spec.stop
    if told is not None and told.phase == "Failed":
        return Verdict("Failed", "True", reason_of(told.reason), told.message or "It failed")
    if (told is not None and told.phase == "Complete") or _is_silent_about_its_end(job, snapshot, now):
        return _complete(job, snapshot)
    if job.status.placements and ran_seconds(_timers(job), now) > stop.deadline_seconds:
        return overdue(job, told)
    return None


def _is_silent_about_its_end(job: TrainingJob, snapshot: JobSnapshot, now: datetime) -> bool:
    """Tell whether the leading role has done its work, and will not say with what result any more."""
    leader = snapshot.view.child("Job", service_name(job, leader_of(job)))
    status = (leader.body.get("status") or {}) if leader else {}
    if not status.get("succeeded"):
        return False
    ended = moment(status.get("completionTime"))
    overdue = ended is not None and (now - ended).total_seconds() > LAST_WORDS_SECONDS
    return overdue or leader_of(job) == COMPRESSOR


def _complete(job: TrainingJob, snapshot: JobSnapshot) -> Verdict:
    told, stop = snapshot.view.told, job.spec.stop
    done = told.round if told else job.spec.rounds.max
    target, reached = stop.target_accuracy_basis_points, told.accuracy_basis_points if told else None
    if target is not None and reached is not None and reached >= target:
        return Verdict("Complete", "True", Reason.TARGET_REACHED, f"Accuracy {reached / 100:g}% after {done} rounds")
    if stop.patience_rounds is not None and done < job.spec.rounds.max:
        message = f"No better model for {stop.patience_rounds} rounds; {done} rounds are done"
        return Verdict("Complete", "True", Reason.CONVERGED, message)
    return Verdict("Complete", "True", Reason.ROUNDS_REACHED, f"{done} rounds are done")


def _end(job: TrainingJob, snapshot: JobSnapshot, ended: Verdict, now: datetime) -> JobDecision:
    timers = stopped(_timers(job), now).model_copy(update={"finished_at": timestamp(now)})
    standing = Standing((), timers, job.status.run or 1, message=ended.message)
    status = report(job, snapshot, standing, now, ended=ended)
    news = events.job_ended(reference(job), ended.reason, ended.message, failed=ended.type == "Failed")
    # First the verdict: its pods go because of it, and must not be made again by whoever takes over.
    return JobDecision((WriteStatus(reference(job), status.to_dict()), news), status, (), again_after=0.1)


def _finished(job: TrainingJob, snapshot: JobSnapshot, now: datetime) -> JobDecision:
    """Take away what still runs of a job that has ended, and the job itself once its time is over."""
    ttl, ended = job.spec.ttl_seconds_after_finished, moment(_timers(job).finished_at)
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
    timers = stopped(_timers(job), now, retry) if runs else _timers(job)
    standing = Standing((), timers, job.status.run or 0, held_back=why, message=message)
    status = report(job, snapshot, standing, now)
    written = _write(job, status, now)[0]
    news = [events.job_held_back(reference(job), why, message)] if runs else []
    # Told before the pods go: a removal that has to be tried again finds the status written, and nothing left to tell.
    return JobDecision(
        (*written, *news, *removal(job, snapshot.view, finished=False)), status, (), again_after=again or retry
    )


def _refused(job: TrainingJob, snapshot: JobSnapshot, fault: Verdict, now: datetime) -> JobDecision:
    standing = Standing((), _timers(job), job.status.run or 0, unplaced=fault.reason, message=fault.message)
    status = report(job, snapshot, standing, now, fault=fault)
    new = changed(job.status.conditions, status.conditions, "Accepted")
    news = [events.refused(reference(job), fault.reason, fault.message)] if new else []
    return JobDecision((*_write(job, status, now)[0], *news), status)


def _unplaced(job: TrainingJob, snapshot: JobSnapshot, selection: JobSelection, now: datetime) -> JobDecision:
    """Hold nothing: a part of a job without its quorum would keep others from their place for nothing."""
    timers = stopped(_timers(job), now) if job.status.placements else _timers(job)
    standing = Standing((), timers, job.status.run or 0, unplaced=selection.reason, message=selection.message)
    status = report(job, snapshot, standing, now, shortages=selection.rejections)
    new = changed(job.status.conditions, status.conditions, "Placed")
    news = [events.refused(reference(job), selection.reason, selection.message)] if new else []
    written = _write(job, status, now)[0] if new or job.status.placements or not job.status.conditions else []
    actions = (*written, *news, *removal(job, snapshot.view, finished=False))
    return JobDecision(actions, status, (), waiting=True)


def _plan(job: TrainingJob, selection: JobSelection) -> JobPlan | None:
    """Return what waits for a person; None where the job may go on."""
    autonomy = job.spec.autonomy
    places = "+".join(sorted(f"{c.placement.role}/{c.placement.node}/{c.placement.variant}" for c in selection.choices))
    text = f"{job.metadata.uid}/{job.metadata.generation}/{places}"
    token = hashlib.sha256(text.encode()).hexdigest()[:8]
    if job.metadata.annotations.get(APPROVE) == token or autonomy.level is AutonomyLevel.FULL:
        return None
    steps: Sequence[ApprovalStep] = autonomy.approval_steps
    if autonomy.level is AutonomyLevel.MANUAL:
        steps = [ApprovalStep.PLACE]
    first = not job.status.placements
    taken = {
        ApprovalStep.PLACE: first,
        ApprovalStep.MIGRATE: not first,
        ApprovalStep.RISE_TIER: False,  # a job has no tier to rise from
        ApprovalStep.USE_EXTERNAL: any(choice.external for choice in selection.choices),
    }
    waits = [step for step in steps if taken[step] or (autonomy.level is AutonomyLevel.MANUAL)]
    if not waits:
        return None
    reason = f"Would place {selection.message}; waits for approval of {', '.join(waits)}: set {APPROVE}={token}"
    return JobPlan(reason=reason[:256], token=token, waits_for=[str(step) for step in waits])


def _proposed(job: TrainingJob, snapshot: JobSnapshot, plan: JobPlan, now: datetime) -> JobDecision:
    standing = Standing((), _timers(job), job.status.run or 0, unplaced=Reason.AWAITING_APPROVAL, message=plan.reason)
    status = report(job, snapshot, standing, now, plan=plan)
    new = job.status.plan != plan
    news = [events.refused(reference(job), Reason.AWAITING_APPROVAL, plan.reason)] if new else []
    return JobDecision((*_write(job, status, now)[0], *news), status, ())


def _waits(job: TrainingJob, now: datetime) -> float:
    """Return for how long a job that made way is not tried again."""
    until = moment(_timers(job).retry_at)
    return 0.0 if until is None else (until - now).total_seconds()


def _timers(job: TrainingJob) -> JobTimers:
    return job.status.timers or JobTimers()


def _condition(job: TrainingJob, kind: str) -> bool:
    return any(c.type == kind and c.status == "True" for c in job.status.conditions)
