"""How a move begins: what serves is left make-before-break, what serves nobody any more is replaced at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from aif.api.aiservice import AIService, UpdateStrategy
from aif.api.conditions import Reason
from aif.api.migration_status import MigrationFigure, Placement
from aif.domain import events
from aif.domain.conditions import Verdict
from aif.reconcile.holding import leaving as marked
from aif.reconcile.measured import in_spec
from aif.reconcile.moving.limits import Hold, hold
from aif.reconcile.moving.state import begun, completed, course_of, names
from aif.reconcile.outcome import Outcome, placed_verdict
from aif.reconcile.rollout import old_copies, reference
from aif.reconcile.snapshot import Snapshot
from aif.reconcile.tenure import LOST, claims_of

TURN_SECONDS = 1.0
"""When a service is looked at again that may not begin to move yet, because others do or an old copy still goes."""


def depart(service: AIService, planned: Outcome, snapshot: Snapshot, now: datetime) -> Outcome:
    """Return ``planned`` as it is begun: placements that serve stay until what replaces them has proved itself."""
    current = service.status.placements
    known, wanted = {each.copy_id for each in current}, {each.copy_id for each in planned.placements}
    leaving = [each for each in current if each.copy_id not in wanted]
    coming = [each for each in planned.placements if each.copy_id not in known]
    if not leaving or not coming:
        return planned
    trigger = planned.moved or Reason.SPEC_CHANGED
    if _at_once(service, leaving, trigger, snapshot):
        move = begun(service, trigger, (leaving, coming), now)
        return replace(planned, ended=completed(service, move, now))
    held = hold(service, trigger, now) or _turn(service, snapshot)
    if held is not None:
        return _stay(service, held, trigger, snapshot)
    return _begin(service, planned, (leaving, coming), snapshot, now)


def _at_once(service: AIService, leaving: Sequence[Placement], trigger: Reason, snapshot: Snapshot) -> bool:
    """Tell whether the copies that are left need not be waited for: nothing of them answers, or the user said so."""
    if service.spec.update is UpdateStrategy.RECREATE:
        return True
    return trigger in LOST or not any(snapshot.view.ready_pods(each.copy_id) for each in leaving)


def _turn(service: AIService, snapshot: Snapshot) -> Hold | None:
    """Return that it is not this service's turn: too many move, or a copy of an earlier move still goes."""
    if snapshot.may_start and not old_copies(service, service.status.placements, snapshot.view):
        return None
    return Hold(Reason.PROGRESSING, "", TURN_SECONDS)


def _stay(service: AIService, held: Hold, trigger: Reason, snapshot: Snapshot) -> Outcome:
    """Keep everything although a part of it should leave."""
    current = tuple(service.status.placements)
    outcome = Outcome(
        placed_verdict(current), current, snapshot.claims, plan=service.status.plan, again_after=held.again_after
    )
    if held.reason is Reason.PROGRESSING:
        return outcome
    if trigger is Reason.SPEC_CHANGED:
        serving = names(each.node for each in current)
        verdict = Verdict("Placed", "False", held.reason, f"{held.message}; the copy on {serving} serves on")
        return replace(outcome, verdict=verdict)
    return replace(outcome, degraded=held.degraded)


def _begin(
    service: AIService,
    planned: Outcome,
    ends: tuple[Sequence[Placement], Sequence[Placement]],
    snapshot: Snapshot,
    now: datetime,
) -> Outcome:
    leaving, trigger = ends[0], planned.moved or Reason.SPEC_CHANGED
    kept = {each.copy_id: each for each in planned.placements}
    placements = tuple(kept.get(each.copy_id, each) for each in service.status.placements)
    why = planned.selection.message if planned.selection else planned.verdict.message
    token = planned.handled.get("last_handled_migrate_to")
    move = begun(service, trigger, ends, now).model_copy(
        update={"figures": _figures(snapshot), "message": why[:256], "request_token": token}
    )
    return replace(
        planned,
        verdict=placed_verdict(placements),
        placements=placements,
        claims=marked((*claims_of(leaving, snapshot), *planned.claims), move),
        migration=move,
        moved=trigger,
        news=(events.move_started(reference(service), course_of(move), trigger, why),),
    )


def _figures(snapshot: Snapshot) -> list[MigrationFigure]:
    """Return what is measured of the service before it moves."""
    return [
        MigrationFigure(
            dimension=each.dimension,
            promised=in_spec(each.limit, each.limit.target),
            source=in_spec(each.limit, each.value),
        )
        for each in snapshot.judged or ()
        if each.value is not None
    ]
