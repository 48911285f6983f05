"""The conditions of a TrainingJob."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from aif.api.aiservice_status import DimensionStatus
from aif.api.conditions import Condition, Reason
from aif.api.trainingjob import TrainingJob
from aif.api.trainingjob_status import JobPlan, RoleStatus
from aif.domain.conditions import Verdict
from aif.domain.learning import CLIENT, JobView
from aif.reconcile.training.contract import BREACHES
from aif.reconcile.training.files import quorum_of
from aif.reconcile.training.scene import Standing
from aif.reconcile.training.signing import unsigned

_PAUSES: Final = frozenset(
    {
        Reason.K_ANONYMITY_NOT_REACHED,
        Reason.QUORUM_NOT_REACHED,
        Reason.WAITING_FOR_CONSENT,
        Reason.CLIENT_LOST,
        Reason.DIVERGED,
        Reason.VALIDATION_FAILED,
        Reason.DEADLINE_EXCEEDED,
        Reason.INVALID_SPEC,
    }
)
"""Reasons that the runtime gives, by the same words."""


def reason_of(word: str) -> Reason:
    """Return the reason behind a word of the runtime, and JobFailed for one that is not known."""
    return next((reason for reason in _PAUSES if reason.value == word), Reason.JOB_FAILED)


def verdicts_of(
    job: TrainingJob,
    standing: Standing,
    view: JobView,
    roles: Sequence[RoleStatus],
    qos: Sequence[DimensionStatus],
    fault: Verdict | None,
    ended: Verdict | None,
    plan: JobPlan | None,
) -> list[Verdict]:
    """Return what each condition of ``job`` should say."""
    accepted = fault or Verdict("Accepted", "True", Reason.AS_EXPECTED)
    placed, quorum = _placed(standing, fault), _quorum(job, standing, view, roles, ended)
    failed = ended is not None and ended.type == "Failed"
    parts = [accepted, placed, quorum]
    ready = next((part for part in parts if part.status != "True"), quorum)
    whole = Verdict("Ready", ready.status, ready.reason, ready.message)
    if ended is not None:
        whole = Verdict("Ready", "False" if failed else "True", ended.reason, ended.message)
        placed = quorum = Verdict("Placed", "Unknown" if failed else "True", ended.reason, ended.message)
        quorum = Verdict("QuorumReady", placed.status, ended.reason, ended.message)
    verdicts = [
        whole,
        accepted,
        placed,
        quorum,
        _suspended(standing),
        _training(standing, view, ended),
        _ending("Complete", ended),
        _ending("Failed", ended),
        _approval(plan),
    ]
    return [*verdicts, *_passing(standing, view, roles, qos, fault, ended)]


def _placed(standing: Standing, fault: Verdict | None) -> Verdict:
    if fault is not None:
        return Verdict("Placed", "Unknown", fault.reason, "Not accepted, so not decided")
    if standing.placements and standing.unplaced is None:
        nodes = ", ".join(dict.fromkeys(each.node for each in standing.placements))
        return Verdict("Placed", "True", Reason.AS_EXPECTED, f"On {nodes}")
    return Verdict("Placed", "False", standing.held_back or standing.unplaced or Reason.PROGRESSING, standing.message)


def _quorum(
    job: TrainingJob, standing: Standing, view: JobView, roles: Sequence[RoleStatus], ended: Verdict | None
) -> Verdict:
    if not standing.placements or ended is not None:
        reason = standing.held_back or standing.unplaced or Reason.PROGRESSING
        return Verdict("QuorumReady", "False", reason, standing.message or "Not placed")
    if view.told is None and (waits := unsigned(job, view)):
        return Verdict("QuorumReady", "False", Reason.CERTIFICATE_PENDING, waits)
    return _clients(job, view, roles) if job.client_count else _workers(roles[0])


def _clients(job: TrainingJob, view: JobView, roles: Sequence[RoleStatus]) -> Verdict:
    needed, told = quorum_of(job), view.told
    if told is not None and (told.phase == "Paused" or (told.phase == "Waiting" and told.reason)):
        return Verdict("QuorumReady", "False", reason_of(told.reason), told.message)
    clients = next((role.ready for role in roles if role.name == CLIENT), 0)
    if told is None or told.phase not in ("Training", "Complete"):
        text = f"{clients} of {needed} clients run"
        return _is("QuorumReady", clients >= needed, Reason.QUORUM_NOT_REACHED, text)
    return Verdict("QuorumReady", "True", Reason.AS_EXPECTED, f"{told.live} attached")


def _workers(role: RoleStatus) -> Verdict:
    ready = role.ready == role.pods
    if role.pods > 1:
        return _is("QuorumReady", ready, Reason.PROGRESSING, f"{role.ready} of {role.pods} workers run")
    message = "The worker runs" if ready else "The worker does not run yet"
    return _is("QuorumReady", ready, Reason.PROGRESSING, message)


def _suspended(standing: Standing) -> Verdict:
    held = standing.held_back is not None
    return Verdict(
        "Suspended",
        "True" if held else "False",
        standing.held_back or Reason.AS_EXPECTED,
        standing.message if held else "",
    )


def _training(standing: Standing, view: JobView, ended: Verdict | None) -> Verdict:
    if ended is not None:
        return Verdict("Training", "False", ended.reason, ended.message)
    if not standing.placements:
        return Verdict("Training", "False", standing.held_back or standing.unplaced or Reason.PROGRESSING)
    told = view.told
    if told is None:
        return Verdict("Training", "Unknown", Reason.PROGRESSING, "Nothing is heard of it yet")
    if told.phase == "Training":
        return Verdict("Training", "True", Reason.AS_EXPECTED, f"Round {told.round} of {told.rounds} is done")
    reason = reason_of(told.reason) if told.reason else Reason.PROGRESSING
    return Verdict("Training", "False", reason, told.message or f"It is {told.phase}")


def _ending(kind: str, ended: Verdict | None) -> Verdict:
    if ended is not None and ended.type == kind:
        return ended
    return Verdict(kind, "False", Reason.PROGRESSING if ended is None else ended.reason)


def _approval(plan: JobPlan | None) -> Verdict:
    if plan is not None:
        return Verdict("ApprovalRequired", "True", Reason.AWAITING_APPROVAL, plan.reason)
    return Verdict("ApprovalRequired", "False", Reason.AS_EXPECTED)


def _passing(
    standing: Standing,
    view: JobView,
    roles: Sequence[RoleStatus],
    qos: Sequence[DimensionStatus],
    fault: Verdict | None,
    ended: Verdict | None,
) -> Iterable[Verdict]:
    """Yield the conditions that exist only while they are True."""
    if ended is None and standing.placements and (why := _degraded(view, roles)) is not None:
        yield why
    broken = [one for one in qos if one.verdict == "Breached"]
    if broken:
        told = ", ".join(f"{one.dimension}: {one.measured}, bound {one.target}" for one in broken)
        yield Verdict("ThresholdAlarm", "True", BREACHES[broken[0].dimension], told)
    if (ended is not None and ended.type == "Failed") or fault is not None:
        cause = ended or fault
        if cause is not None:
            yield Verdict("Stalled", "True", cause.reason, cause.message)
    elif ended is None and standing.held_back is not Reason.SUSPENDED and not _is_ready(view, standing):
        yield Verdict("Reconciling", "True", standing.unplaced or Reason.PROGRESSING, standing.message)


def _is_ready(view: JobView, standing: Standing) -> bool:
    return bool(standing.placements) and view.told is not None and view.told.phase == "Training"


def _degraded(view: JobView, roles: Sequence[RoleStatus]) -> Verdict | None:
    """Return what the job has to do without while it goes on; None where it lacks nothing."""
    told = view.told
    if told is None or told.phase == "Complete":
        return None
    lost = [role for role in roles if role.ready < role.pods]
    if told.phase == "Training" and lost:
        text = ", ".join(f"{role.name} {role.ready} of {role.pods}" for role in lost)
        return Verdict("Degraded", "True", Reason.CLIENT_LOST, f"Pods that are not there: {text}")
    if told.named:
        text = "; ".join(f"{name} {state.lower()}: {why}" for name, state, why in told.named[:4])
        return Verdict("Degraded", "True", Reason.CLIENT_LOST, text)
    return None


def _is(kind: str, holds: bool, reason: Reason, message: str) -> Verdict:  # noqa: FBT001 - the verdict itself
    return Verdict(kind, "True" if holds else "False", Reason.AS_EXPECTED if holds else reason, message)


def changed(before: Sequence[Condition], after: Sequence[Condition], kind: str) -> bool:
    """Tell whether the condition ``kind`` says another thing than before."""
    old, new = ({c.type: (c.status, c.reason) for c in each}.get(kind) for each in (before, after))
    return old != new
