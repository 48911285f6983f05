"""Where a service runs: placements that hold are kept while they can, others are chosen anew ([AIF] 4, 6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from aif.api.aiservice import AIService, Offload
from aif.contract.alarms import Phase
from aif.domain.conditions import Verdict
from aif.planning import offload
from aif.reconcile.gate import gate
from aif.reconcile.moving.causes import pressed
from aif.reconcile.moving.course import carry_on, refuse_abort
from aif.reconcile.moving.departure import depart
from aif.reconcile.outcome import Outcome, locally
from aif.reconcile.plans import local_plan, standing_plan
from aif.reconcile.renewal import renew
from aif.reconcile.snapshot import Snapshot
from aif.reconcile.tenure import same_pods
from aif.reconcile.upholding import uphold
from aif.scheduling.cycle import select
from aif.scheduling.selection import Selection


def place(service: AIService, snapshot: Snapshot, now: datetime) -> Outcome:
    """Return where ``service`` runs.

    A placement stays while its node meets every hard limit; a changed template is a move of the copy, to the same node
    where that has room, so that no service moves without need. A move that is under way goes on before anything else.
    """
    return refuse_abort(service, _without_lapsed(service, _place(service, snapshot, now), snapshot))


def _without_lapsed(service: AIService, outcome: Outcome, snapshot: Snapshot) -> Outcome:
    """Drop a proposal to a person once nothing asks for it: all is as it should be, and no alarm is raised any more."""
    plan, settled = outcome.plan, outcome.verdict.status == "True" and outcome.degraded is None
    if plan is None or plan.token is None or outcome.approval is not None or not settled or not outcome.placements:
        return outcome
    if any(each.limit.hard and each.phase is Phase.RAISED for each in snapshot.judged or ()):
        return outcome
    return replace(outcome, plan=standing_plan(service, outcome.placements[0]))


def _place(service: AIService, snapshot: Snapshot, now: datetime) -> Outcome:
    if service.spec.offload is Offload.LOCAL:
        return locally(local_plan(service, "spec.offload is Local"))
    current = tuple(service.status.placements)
    if not current:
        return _choose(snapshot.located(service), snapshot)
    if service.status.migration is not None:
        return carry_on(service, snapshot, now)
    if any(placement.node in snapshot.table.names and not same_pods(service, placement) for placement in current):
        return depart(service, renew(snapshot.located(service), current, snapshot), snapshot, now)
    planned = uphold(service, current, snapshot, now)
    if list(planned.placements) == service.status.placements and planned.shortfall == 0:
        planned = pressed(service, planned, snapshot, now)
    return depart(service, planned, snapshot, now)


def needs_choice(service: AIService) -> bool:
    """Tell whether ``service`` waits for a first place, so that it is decided together with others that do."""
    settled = service.status.placements or service.metadata.deletion_timestamp is not None
    return not (settled or service.spec.suspend or service.spec.offload is Offload.LOCAL)


def _choose(service: AIService, snapshot: Snapshot) -> Outcome:
    """Choose a first place; where a batch has decided for many services together, take its word."""
    vacated = snapshot.table.without(snapshot.claims).besides(snapshot.barred)
    selection = snapshot.selection or select(service, vacated, snapshot.policy)
    if selection.chosen is None:
        return _nowhere(service, selection)
    return gate(service, snapshot, selection, ())


def _nowhere(service: AIService, selection: Selection) -> Outcome:
    side = offload.decide(service, None)
    if side.chosen is Offload.LOCAL:
        return locally(local_plan(service, side.reason))
    return Outcome(Verdict("Placed", "False", selection.reason, selection.message), selection=selection)
