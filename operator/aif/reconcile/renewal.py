"""A changed template: new copies beside those that serve, on the same node where that has room."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from aif.api.aiservice import AIService, UpdateStrategy
from aif.api.conditions import Reason
from aif.api.migration_status import Placement
from aif.domain.conditions import Verdict
from aif.reconcile.gate import gate
from aif.reconcile.outcome import Outcome
from aif.reconcile.snapshot import Snapshot
from aif.scheduling.cycle import select
from aif.scheduling.selection import Selection

MOST_CANDIDATES = 5
"""Candidates that a status shows."""


def renew(service: AIService, current: tuple[Placement, ...], snapshot: Snapshot) -> Outcome:
    """Plan copies of a changed template, from what is free beside those that serve and must go on serving."""
    offered = snapshot.table.besides(snapshot.barred)
    vacated = offered.without(snapshot.claims)
    may_break = _may_break(service, current, snapshot)
    beside = vacated if may_break else offered
    here = select(service, beside.only({placement.node for placement in current}), snapshot.policy)
    if here.chosen is not None and not here.shortfall:
        return gate(service, snapshot, _staying(here, select(service, beside, snapshot.policy)), ())
    anywhere = select(service, beside, snapshot.policy)
    if anywhere.chosen is not None and (may_break or _as_many(service, anywhere, current)):
        return gate(service, snapshot, anywhere, ())
    return _serves_on(current, snapshot, anywhere, select(service, vacated, snapshot.policy))


def _may_break(service: AIService, current: Iterable[Placement], snapshot: Snapshot) -> bool:
    """Tell whether the old copies need not be waited for: the user said so, or they answer nothing."""
    answering = any(snapshot.view.ready_pods(placement.copy_id) for placement in current)
    return service.spec.update is UpdateStrategy.RECREATE or not answering


def _as_many(service: AIService, selection: Selection, current: Iterable[Placement]) -> bool:
    """Tell whether the new copies would be no fewer than the old ones, unless fewer are asked for."""
    wanted = service.spec.workload.replicas if service.spec.workload else 0
    fresh = sum(choice.replicas for choice in selection.choices)
    return fresh >= min(wanted, sum(placement.replicas for placement in current))


def _staying(here: Selection, everywhere: Selection) -> Selection:
    """Return the evidence of staying: the nodes that are kept before those that would fit as well."""
    kept = {choice.node for choice in here.choices}
    others = [candidate for candidate in everywhere.candidates if candidate.node not in kept]
    names = ", ".join(choice.node for choice in here.choices)
    message = f"stays on {names}, which still meets every hard limit, with score {here.choices[0].score}"
    candidates = (*here.choices, *others)[:MOST_CANDIDATES]
    return replace(everywhere, choices=here.choices, candidates=candidates, message=message, demand=here.demand)


def _serves_on(current: tuple[Placement, ...], snapshot: Snapshot, now: Selection, alone: Selection) -> Outcome:
    """Keep the old copies: the changed spec finds no place, or none beside the copies that serve."""
    tail = f"; the copy on {_names(current)} serves on"
    if alone.chosen is not None:
        message = f"No room for the new copy beside the old one: {now.message}{tail}"
        verdict = Verdict("Placed", "False", Reason.NO_SURGE_CAPACITY, message)
        return Outcome(verdict, current, snapshot.claims, now)
    # What the old copies take is not what is short.
    verdict = Verdict("Placed", "False", alone.reason, alone.message + tail)
    return Outcome(verdict, current, snapshot.claims, alone)


def _names(placements: Iterable[Placement]) -> str:
    return ", ".join(placement.node for placement in placements)
