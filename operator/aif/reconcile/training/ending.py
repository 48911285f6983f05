"""How a training job ends: done, failed, too late, or without a word."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from aif.api.conditions import Reason
from aif.api.trainingjob import TrainingJob
from aif.domain.conditions import Verdict
from aif.domain.learning import COMPRESSOR, leader_of, roles_of
from aif.reconcile.training.files import service_name
from aif.reconcile.training.scene import JobSnapshot, moment, ran_seconds, timers_of
from aif.reconcile.training.verdicts import reason_of

LAST_WORDS_SECONDS: Final = 30.0
"""For so long the last words of the leading role are waited for: they have the result."""


def ending(job: TrainingJob, snapshot: JobSnapshot, now: datetime) -> Verdict | None:
    """Return how the job has ended; None while it goes on."""
    told, stop = snapshot.view.told, job.spec.stop
    if told is not None and told.phase == "Failed":
        return Verdict("Failed", "True", reason_of(told.reason), told.message or "It failed")
    if (told is not None and told.phase == "Complete") or _is_silent_about_its_end(job, snapshot, now):
        return _complete(job, snapshot)
    if job.status.placements and ran_seconds(timers_of(job), now) > stop.deadline_seconds:
        message = f"It has run for more than spec.stop.deadlineSeconds, {stop.deadline_seconds} s"
        return Verdict("Failed", "True", Reason.DEADLINE_EXCEEDED, message)
    return None


def _is_silent_about_its_end(job: TrainingJob, snapshot: JobSnapshot, now: datetime) -> bool:
    """Tell whether the leading role has done its work, and will not say with what result any more."""
    leader = snapshot.view.child("Job", service_name(job, leader_of(job)))
    status = (leader.body.get("status") or {}) if leader else {}
    if (status.get("succeeded") or 0) < roles_of(job)[0].pods:
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
