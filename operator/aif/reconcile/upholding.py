"""An unchanged template: placements that may stay do, in the number asked for, and others are replaced."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from aif.api.aiservice import AIService
from aif.api.migration_status import Placement
from aif.domain.conditions import Verdict
from aif.reconcile import tenure
from aif.reconcile.gate import gate
from aif.reconcile.holding import claims_for
from aif.reconcile.outcome import Outcome, placed_verdict, short
from aif.reconcile.rollout import variant_of
from aif.reconcile.sharing import reshared
from aif.reconcile.sizing import sized
from aif.reconcile.snapshot import Snapshot
from aif.reconcile.tenure import Tenure, claims_of
from aif.scheduling.cycle import select
from aif.scheduling.node_table import NodeTable
from aif.scheduling.selection import Selection

RATE_SECONDS = 0.2
"""When a service that has to move is looked at again while too many others move."""


def uphold(service: AIService, current: tuple[Placement, ...], snapshot: Snapshot, now: datetime) -> Outcome:
    """Keep the placements that may stay, in the number that is asked for, and replace the others."""
    judged = [tenure.judge(service, placement, snapshot, now) for placement in current]
    leaving = [each for each in judged if not each.stays]
    # What is lost is replaced first, and by itself: what still serves moves afterwards, as slowly as it must.
    lost = [each for each in leaving if each.lost]
    if lost and len(lost) < len(leaving):
        outcome = _leave(service, judged, lost, snapshot)
        if outcome.moved is not None:
            return outcome
    return _leave(service, judged, leaving, snapshot)


def _leave(service: AIService, judged: Sequence[Tenure], leaving: list[Tenure], snapshot: Snapshot) -> Outcome:
    """Replace what is ``leaving``, in the number that is asked for."""
    current = tuple(each.placement for each in judged)
    kept = [each.placement for each in judged if each not in leaving]
    if leaving and not snapshot.may_move:
        return _kept(service, current, snapshot, leaving, RATE_SECONDS)
    wanted = service.spec.workload.replicas if service.spec.workload else 0
    kept = _shrunk(kept, wanted)
    missing = wanted - sum(placement.replicas for placement in kept)
    if not missing and not leaving:
        return _confirmed(service, tuple(kept), snapshot, judged)
    return _replace(service, kept, leaving, missing, snapshot)


def _shrunk(placements: Sequence[Placement], wanted: int) -> list[Placement]:
    """Return ``placements`` with at most ``wanted`` replicas in all, the best node keeping most."""
    left, kept = wanted, list[Placement]()
    for place, placement in enumerate(sorted(placements, key=lambda each: -each.score)):
        replicas = min(left, placement.replicas)
        if replicas or place == 0:
            kept.append(placement.model_copy(update={"replicas": replicas}))
        left -= replicas
    return kept


def _confirmed(
    service: AIService, placements: tuple[Placement, ...], snapshot: Snapshot, judged: Iterable[Tenure]
) -> Outcome:
    """Return that everything stays as it is."""
    again = [each.again_after for each in judged if each.again_after is not None]
    claims = claims_for(service, placements, snapshot)
    return Outcome(
        placed_verdict(placements),
        placements,
        claims,
        plan=reshared(service.status.plan, claims, snapshot.table),
        again_after=min(again, default=None),
    )


def _kept(
    service: AIService,
    current: tuple[Placement, ...],
    snapshot: Snapshot,
    leaving: Sequence[Tenure],
    again_after: float | None = None,
) -> Outcome:
    """Keep everything although some of it should leave: there is no other place, or not yet."""
    first = leaving[0]
    if all(each.harmless for each in leaving):
        verdict = placed_verdict(current)
    else:
        verdict = Verdict("Placed", "False", first.reason, first.message)
    degraded = Verdict("Degraded", "True", first.reason, first.message)
    plan = service.status.plan
    return Outcome(verdict, current, snapshot.claims, plan=plan, degraded=degraded, again_after=again_after)


def _replace(
    service: AIService, kept: list[Placement], leaving: list[Tenure], missing: int, snapshot: Snapshot
) -> Outcome:
    """Find places for the replicas that have none, beside those that stay."""
    service = snapshot.located(service)
    kept = _grown(service, kept, missing, snapshot) if not leaving else kept
    wanted = service.spec.workload.replicas if service.spec.workload else 0
    missing = wanted - sum(placement.replicas for placement in kept)
    if not missing and not leaving:
        return _resized(service, kept, snapshot)
    barred = {each.placement.node for each in leaving if each.barred}
    alive = [each for each in leaving if not each.lost]
    gone = claims_of((each.placement for each in leaving), snapshot)
    table = snapshot.table.without(gone).besides(snapshot.barred | barred)
    selection = _beyond(kept, alive, sized(service, missing), table, snapshot)
    if selection.chosen is None or (alive and selection.shortfall):
        return _stranded(service, kept, leaving, selection, snapshot)
    outcome = gate(service, snapshot, selection, kept)
    return replace(outcome, barred=frozenset(barred), moved=leaving[0].reason if leaving else None)


def _beyond(
    kept: Iterable[Placement], alive: Iterable[Tenure], missing: AIService, table: NodeTable, snapshot: Snapshot
) -> Selection:
    """Return places off the nodes that are left; on those only beside what serves there, in another variant."""
    left = {each.placement.node for each in alive}
    off = _beside(kept, missing, table.besides(left), snapshot) if left else None
    if off is not None and off.chosen is not None:
        return off
    if left:
        beside = _beside(kept, missing, snapshot.table.besides(snapshot.barred).only(left), snapshot)
        if beside.chosen is not None:
            return beside
    return _beside(kept, missing, table, snapshot) if off is None else off


def _beside(kept: Iterable[Placement], missing: AIService, table: NodeTable, snapshot: Snapshot) -> Selection:
    """Return places for ``missing`` beside the nodes of ``kept``; where there are none, what all nodes are short of."""
    others = select(missing, table.besides({placement.node for placement in kept}), snapshot.policy)
    if others.chosen is not None:
        return others
    everywhere = select(missing, table, snapshot.policy)
    return others if everywhere.chosen is not None else everywhere


def _grown(service: AIService, kept: list[Placement], missing: int, snapshot: Snapshot) -> list[Placement]:
    """Return ``kept`` with the first of them as much larger as its node allows."""
    if not kept or not missing:
        return kept
    first, variant = kept[0], variant_of(service, kept[0])
    table = snapshot.table.without(claims_of([first], snapshot)).only({first.node})
    larger = select(sized(service, first.replicas + missing, variant), table, snapshot.policy).chosen
    if larger is None or larger.replicas <= first.replicas:
        return kept
    return [first.model_copy(update={"replicas": larger.replicas}), *kept[1:]]


def _resized(service: AIService, kept: list[Placement], snapshot: Snapshot) -> Outcome:
    placements = tuple(kept)
    claims = claims_for(service, placements, snapshot)
    return Outcome(placed_verdict(placements), placements, claims, plan=service.status.plan)


def _stranded(
    service: AIService, kept: list[Placement], leaving: list[Tenure], selection: Selection, snapshot: Snapshot
) -> Outcome:
    """Report replicas that find no place: what serves serves on, what is lost waits for its node or for another."""
    current = (*kept, *(each.placement for each in leaving))
    wanted = service.spec.workload.replicas if service.spec.workload else 0
    shortfall = wanted - sum(placement.replicas for placement in kept)
    if not leaving:
        outcome = _resized(service, kept, snapshot)
        return replace(outcome, shortfall=shortfall, degraded=short(shortfall, wanted, selection), selection=None)
    if all(each.harmless for each in leaving):
        return _kept(service, current, snapshot, leaving)
    first = leaving[0]
    message = _plight(leaving, selection)
    degraded = Verdict("Degraded", "True", first.reason, message)
    verdict = Verdict("Placed", "False", first.reason, message)
    return Outcome(verdict, current, snapshot.claims, selection, service.status.plan, degraded, shortfall=shortfall)


def _plight(leaving: Sequence[Tenure], selection: Selection) -> str:
    """Return what is lost, or what serves on although it should not, and why there is no other place."""
    alive = ", ".join(each.placement.node for each in leaving if not each.lost)
    if alive:
        return f"{selection.message}; the copy on {alive} serves on"
    return f"{leaving[0].message}; {selection.message}"
