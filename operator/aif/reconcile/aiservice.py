"""The AIF's answer to one AIService: accept, place, roll out, report ([AIF]). Start reading here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from aif.api.aiservice import AIService
from aif.api.aiservice_status import AIServiceStatus
from aif.api.conditions import Reason
from aif.api.migration_status import Placement
from aif.domain import events
from aif.domain.actions import Action, Emit, WriteStatus
from aif.domain.conditions import Verdict, transitions
from aif.errors import Denied, NameTaken, Rejected
from aif.reconcile import measured, pressed
from aif.reconcile.acceptance import accept
from aif.reconcile.holding import recorded
from aif.reconcile.leeway import leeway
from aif.reconcile.moving.ending import given_up
from aif.reconcile.outcome import Outcome, standing
from aif.reconcile.placing import place
from aif.reconcile.report import report
from aif.reconcile.rollout import old_copies, reference, removal, rollout
from aif.reconcile.snapshot import Decision, Snapshot
from aif.reconcile.tenure import claims_of


def reconcile(service: AIService, snapshot: Snapshot, now: datetime) -> Decision:
    """Return what to do about ``service``, seeing only ``snapshot``.

    A new placement is written into the status before anything is made from it, so that whoever resumes after a crash
    makes the same children again.
    """
    if service.metadata.deletion_timestamp is not None:
        return Decision()  # garbage collection removes what the service owns
    fault = accept(service, snapshot)
    if fault is not None:
        return _refuse(service, snapshot, fault, now)
    if service.spec.suspend:
        return _suspend(service, snapshot, now)
    outcome = place(service, snapshot, now)
    status = report(service, snapshot, outcome, now)
    moved = _moved(service, outcome)
    record, children = _write(service, status), _children(service, snapshot, outcome)
    return Decision(
        actions=(
            *([*record, *outcome.news, *_quiet(children)] if moved else [*children, *record, *outcome.news]),
            *_announce(service, status, outcome, snapshot),
            *measured.news(service, status.qos, snapshot.judged or ()),
            *pressed.news(service, status.resources),
        ),
        status=status,
        leeway=leeway(service.status, status),
        claims=outcome.claims,
        barred=outcome.barred,
        moved=outcome.moved,
        again_after=outcome.again_after,
        waiting=_waits(outcome),
        selection=outcome.selection,
    )


def _waits(outcome: Outcome) -> bool:
    """Tell whether free capacity would change the outcome; a person's approval is no capacity."""
    approved = outcome.verdict.reason is not Reason.AWAITING_APPROVAL
    return (
        outcome.waits
        or outcome.shortfall > 0
        or outcome.degraded is not None
        or (outcome.verdict.status != "True" and approved)
    )


def _moved(service: AIService, outcome: Outcome) -> bool:
    """Tell whether children follow from what the status does not tell yet: copies, or how far a move has come."""
    known = {placement.copy_id for placement in service.status.placements}
    fresh = any(placement.copy_id not in known for placement in outcome.placements)
    return fresh or outcome.migration != service.status.migration


def _quiet(children: Iterable[Action]) -> Iterator[Action]:
    """Yield ``children`` without the news that an old copy goes: that there is a new one says it."""
    return (action for action in children if not (isinstance(action, Emit) and action.reason == events.RETIRED))


def fail(service: AIService, error: Rejected, snapshot: Snapshot, now: datetime) -> Decision:
    """Return what to report when the API server refused a child: a name that is taken, a quota, a policy."""
    match error:
        case Denied() if "being terminated" in error.message:
            return Decision(claims=snapshot.claims)  # its namespace goes, and it goes with it
        case NameTaken():
            verdict = Verdict("Accepted", "False", Reason.NAME_CONFLICT, error.message)
        case Denied() if "exceeded quota" in error.message:
            verdict = Verdict("WorkloadReady", "False", Reason.QUOTA_EXCEEDED, error.message)
        case _:
            verdict = Verdict("Accepted", "False", Reason.INVALID_SPEC, error.message)
    return _refuse(
        service, snapshot, verdict, now, replace(_as_it_is(service, verdict), migration=service.status.migration)
    )


def _as_it_is(service: AIService, fault: Verdict) -> Outcome:
    current = tuple(service.status.placements)
    return Outcome(standing(current, fault), current)


def _refuse(
    service: AIService, snapshot: Snapshot, fault: Verdict, now: datetime, outcome: Outcome | None = None
) -> Decision:
    """Report a fault; what serves already serves on, and keeps what it holds. A move that is under way is given up."""
    current = service.status.placements
    outcome = outcome or given_up(service, _as_it_is(service, fault), fault.reason, now)
    status = report(service, snapshot, outcome, now, fault)
    news = [events.refused(reference(service), fault.reason, fault.message)] if _changed(service, status) else []
    # What came up for a move that is given up goes all the same
    stray = outcome.migration is None and current and old_copies(service, current, snapshot.view)
    children = _quiet(_children(service, snapshot, outcome)) if stray else ()
    return Decision(
        (*_write(service, status), *outcome.news, *children, *news),
        status,
        (claims_of(current, snapshot) if outcome.ended else snapshot.claims) if current else (),
        waiting=fault.reason is Reason.REF_NOT_FOUND,  # for a node that comes
    )


def _suspend(service: AIService, snapshot: Snapshot, now: datetime) -> Decision:
    verdict = Verdict("Placed", "False", Reason.SUSPENDED, "spec.suspend is true")
    outcome = given_up(service, Outcome(verdict), Reason.SUSPENDED, now)
    status = report(service, snapshot, outcome, now)
    news = [events.suspended(reference(service))] if service.status.placements else []
    actions = (*removal(service, snapshot.view), *_write(service, status), *outcome.news, *news)
    return Decision(actions, status)


def _write(service: AIService, status: AIServiceStatus) -> list[Action]:
    if status.to_dict() == service.status.to_dict() or _still_waits(service.status, status):
        return []
    return [WriteStatus(reference(service), status.to_dict())]


def _still_waits(before: AIServiceStatus, after: AIServiceStatus) -> bool:
    """Tell whether a service waits as before: that other figures are short by now is not worth a write each time."""
    if any(each.type == "Placed" and each.status == "True" for each in after.conditions):
        return False
    if transitions(before.conditions, after.conditions):
        return False
    return _unchanging(before) == _unchanging(after)


def _unchanging(status: AIServiceStatus) -> object:
    """Return what a service that waits for a place tells besides conditions and figures."""
    proposal = status.plan and status.plan.token
    return status.observed_generation, status.placements, status.replicas, proposal, status.migration, status.migrations


def _children(service: AIService, snapshot: Snapshot, outcome: Outcome) -> list[Action]:
    if outcome.local:
        return removal(service, snapshot.view)
    return rollout(service, outcome.placements, snapshot, outcome.migration) if outcome.placements else []


def _announce(service: AIService, status: AIServiceStatus, outcome: Outcome, snapshot: Snapshot) -> list[Emit]:
    """Tell people what changed: a new place, a refusal, a proposal."""
    here = reference(service)
    known = {each.copy_id for each in recorded(service)}
    new = [each for each in outcome.placements if each.copy_id not in known]
    if new:
        return [_arrival(service, new, outcome, snapshot)]
    if outcome.news:
        return []
    if outcome.verdict.status == "True" or not _changed(service, status):
        return []
    if outcome.plan is not None and outcome.plan.token is not None and outcome.plan.node is not None:
        return [events.proposed(here, outcome.plan.node, outcome.plan.token)]
    return [events.refused(here, outcome.verdict.reason, outcome.verdict.message)]


def _arrival(service: AIService, new: Sequence[Placement], outcome: Outcome, snapshot: Snapshot) -> Emit:
    """Tell of new copies, and what becomes of those that they replace."""
    here, after, view = reference(service), outcome.placements, snapshot.view
    targets = ", ".join(each.node for each in new)
    sources = ", ".join(each.node for each in service.status.placements if each not in after)
    if not sources or not old_copies(service, after, view):
        variants = ", ".join(dict.fromkeys(each.variant for each in new))
        return events.placed(here, targets, variants, _why(outcome))
    return events.replaced(here, sources, targets, _why(outcome))


def _why(outcome: Outcome) -> str:
    return outcome.selection.message if outcome.selection else outcome.verdict.message


def _changed(service: AIService, status: AIServiceStatus) -> bool:
    return any(c.type in ("Accepted", "Placed") for c in transitions(service.status.conditions, status.conditions))
