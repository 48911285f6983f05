"""What a choice has to pass before it is taken: the roofline rule, and the contract on who acts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aif.api.aiservice import AIService, ApprovalStep, Offload
from aif.api.aiservice_status import Placement
from aif.api.conditions import Reason
from aif.domain.conditions import Verdict
from aif.planning import offload
from aif.reconcile import evidence
from aif.reconcile.approval import APPROVE, proposed_before, token, waiting_steps
from aif.reconcile.copies import copy_id
from aif.reconcile.holding import claims_for
from aif.reconcile.offloading import network_side
from aif.reconcile.outcome import Outcome, locally, placed_verdict, short
from aif.reconcile.plans import local_plan, network_plan
from aif.reconcile.sharing import for_replica
from aif.reconcile.snapshot import Snapshot
from aif.scheduling.selection import Choice, Selection
from aif.scheduling.sharing import SiteShare, share_of


def gate(service: AIService, snapshot: Snapshot, selection: Selection, kept: Sequence[Placement]) -> Outcome:
    """Let the roofline rule and the contract on autonomy pass the choice, or hold it back."""
    proposed = proposed_before(service, selection)
    if proposed is not None:
        message = f"{proposed.node} was proposed to a person, and still fits"
        selection = replace(selection, choices=(proposed,), message=message, shortfall=0)
    # Where a copy stays, offloading has been decided: further ones need only meet the hard limits.
    if service.spec.offload is Offload.AUTO and not kept:
        side = offload.decide(service, network_side(selection.choices[0]))
        if side.chosen is Offload.LOCAL:
            return locally(local_plan(service, side.reason, selection.choices[0]))
    waits_for = waiting_steps(service, snapshot.policy, selection.choices)
    if waits_for:
        return _proposed(service, snapshot, selection, waits_for)
    return taken(service, selection, kept, snapshot)


def taken(service: AIService, selection: Selection, kept: Sequence[Placement], snapshot: Snapshot) -> Outcome:
    """Return that the choice is taken, beside the placements that are ``kept``."""
    shares = [share_of(choice.claim, snapshot.table) for choice in selection.choices]
    site = service.spec.ue.attached_to if snapshot.users is not None and service.spec.ue is not None else None
    new = [_placement(service, choice, share, site) for choice, share in zip(selection.choices, shares, strict=True)]
    placements = (*kept, *new)
    claims = [replace(choice.claim, copy=place.copy_id) for choice, place in zip(selection.choices, new, strict=True)]
    degraded = None
    if selection.shortfall:
        wanted = service.spec.workload.replicas if service.spec.workload else 0
        degraded = short(selection.shortfall, wanted, selection)
    return Outcome(
        placed_verdict(placements),
        placements,
        (*claims_for(service, tuple(kept), snapshot), *claims),
        selection,
        network_plan(service, selection, selection.choices[0], shares[0]),
        degraded,
        shortfall=selection.shortfall,
    )


def _placement(service: AIService, choice: Choice, share: SiteShare | None, users_at: str | None) -> Placement:
    return Placement(
        node=choice.node,
        node_name=choice.node_name,
        tier=choice.tier,
        variant=choice.variant.name,
        replicas=choice.replicas,
        score=choice.score,
        copy_id=copy_id(service, choice.node_name, choice.variant),
        predicted_latency_microseconds=evidence.microseconds(choice),
        predicted_network_microseconds=evidence.network_microseconds(choice),
        predicted_millijoules_per_request=evidence.millijoules(choice),
        users_at=users_at,
        share=for_replica(share, choice.claim, choice.replicas),
    )


def _proposed(service: AIService, snapshot: Snapshot, selection: Selection, steps: list[ApprovalStep]) -> Outcome:
    """Hold the choice back until a person approves it; what serves already serves on."""
    mark = token(service, selection.choices)
    plan = network_plan(service, selection, selection.choices[0]).model_copy(
        update={"token": mark, "waits_for": [str(step) for step in steps]}
    )
    nodes = ", ".join(choice.node for choice in selection.choices)
    message = f"Would place on {nodes}; waits for approval of {', '.join(steps)}: set the annotation {APPROVE}={mark}"
    verdict = Verdict("Placed", "False", Reason.AWAITING_APPROVAL, message)
    current = tuple(service.status.placements)
    return Outcome(verdict, current, snapshot.claims if current else (), selection, plan)
