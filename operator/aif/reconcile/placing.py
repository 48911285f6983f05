"""Where a service runs: the placement that holds is kept while it can, else a new one is chosen ([AIF] 4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import nan

from aif.api.aiservice import AIService, ApprovalStep, Offload, UpdateStrategy
from aif.api.aiservice_status import Placement, Plan
from aif.api.conditions import Reason
from aif.api.workload import Variant
from aif.domain.conditions import Verdict
from aif.domain.policy import Policy
from aif.planning import offload
from aif.planning.offload import NetworkSide
from aif.reconcile import evidence
from aif.reconcile.approval import APPROVE, proposed_before, token, waiting_steps
from aif.reconcile.copies import copy_id
from aif.reconcile.rollout import variant_of
from aif.reconcile.snapshot import Snapshot
from aif.scheduling.claims import claim_for
from aif.scheduling.cycle import select
from aif.scheduling.ledger import Claim
from aif.scheduling.node_table import NodeTable
from aif.scheduling.selection import Choice, Selection

MOST_CANDIDATES = 5
"""Candidates that a status shows."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided about the place of a service.

    Attributes:
        verdict: The condition Placed.
        placement: Where it runs from now on; None where nowhere.
        claim: What the ledger holds for it.
        selection: Evidence of a choice made just now; None where the earlier one stays.
        plan: What was planned, or waits for approval.
    """

    verdict: Verdict
    placement: Placement | None = None
    claim: Claim | None = None
    selection: Selection | None = None
    plan: Plan | None = None

    @property
    def local(self) -> bool:
        """Tell whether the users' devices serve themselves."""
        return self.plan is not None and self.plan.offload == Offload.LOCAL


def place(service: AIService, snapshot: Snapshot) -> Outcome:
    """Return where ``service`` runs.

    A placement stays while its spec is the one that it was decided for. A changed spec is planned anew: on the same
    node where that still meets every hard limit, so that no service moves without need.
    """
    if service.spec.offload is Offload.LOCAL:
        return _locally("spec.offload is Local")
    current = next(iter(service.status.placements), None)
    if current is None or current.node not in snapshot.table.names:
        return _choose(service, snapshot, snapshot.table.without(snapshot.claim))
    if service.status.decided_generation == service.metadata.generation:
        return Outcome(_taken_verdict(current), current, snapshot.claim, plan=service.status.plan)
    return _revise(service, current, snapshot)


def _revise(service: AIService, current: Placement, snapshot: Snapshot) -> Outcome:
    """Plan anew for a changed spec, from what is free beside the copy that serves and must go on serving."""
    variant = variant_of(service, current)
    same_pods = variant is not None and copy_id(service, current.node_name, variant) == current.copy_id
    vacated = snapshot.table.without(snapshot.claim)
    beside = vacated if same_pods or _may_break(service, current, snapshot) else snapshot.table
    here = select(_pinned(service, variant if same_pods else None), beside.only({current.node}), snapshot.policy)
    if here.chosen is not None:
        stays = _staying(here.chosen, select(service, beside, snapshot.policy))
        return _gate(service, snapshot, stays, here.chosen)
    anywhere = select(service, snapshot.table if same_pods else beside, snapshot.policy)
    if anywhere.chosen is not None:
        return _gate(service, snapshot, anywhere, anywhere.chosen)
    return _serves_on(snapshot, current, anywhere, select(service, vacated, snapshot.policy))


def _staying(choice: Choice, everywhere: Selection) -> Selection:
    """Return the evidence of staying: the node that is kept before those that would fit as well."""
    others = [candidate for candidate in everywhere.candidates if candidate.node != choice.node]
    message = f"stays on {choice.node} ({choice.tier}), which still meets every hard limit, with score {choice.score}"
    candidates = (choice, *others[: MOST_CANDIDATES - 1])
    return replace(everywhere, chosen=choice, candidates=candidates, message=message, demand=choice.demand)


def _serves_on(snapshot: Snapshot, current: Placement, now: Selection, alone: Selection) -> Outcome:
    """Keep the old copy: the changed spec finds no place, or none beside the copy that serves."""
    tail = f"; the copy on {current.node} serves on"
    if alone.chosen is not None:
        message = f"No room for the new copy beside the old one: {now.message}{tail}"
        verdict = Verdict("Placed", "False", Reason.NO_SURGE_CAPACITY, message)
        return Outcome(verdict, current, snapshot.claim, now)
    # What the old copy takes is not what is short.
    verdict = Verdict("Placed", "False", alone.reason, alone.message + tail)
    return Outcome(verdict, current, snapshot.claim, alone)


def _may_break(service: AIService, current: Placement, snapshot: Snapshot) -> bool:
    """Tell whether the old copy need not be waited for: the user said so, or it answers nothing."""
    return service.spec.update is UpdateStrategy.RECREATE or not snapshot.view.ready_pods(current.copy_id)


def _pinned(service: AIService, variant: Variant | None) -> AIService:
    """Return ``service`` with this variant alone, so that a choice cannot swap it for another."""
    if variant is None:
        return service
    return service.model_copy(update={"spec": service.spec.model_copy(update={"variants": [variant]})})


def _choose(service: AIService, snapshot: Snapshot, table: NodeTable) -> Outcome:
    selection = select(service, table, snapshot.policy)
    if selection.chosen is None:
        return _nowhere(service, selection)
    return _gate(service, snapshot, selection, selection.chosen)


def _nowhere(service: AIService, selection: Selection) -> Outcome:
    side = offload.decide(service, None)
    if side.chosen is Offload.LOCAL:
        return _locally(side.reason)
    return Outcome(Verdict("Placed", "False", selection.reason, selection.message), selection=selection)


def _locally(why: str) -> Outcome:
    verdict = Verdict("Placed", "True", Reason.SERVED_LOCALLY, f"Served on the users' devices: {why}"[:1024])
    return Outcome(verdict, plan=Plan(offload=Offload.LOCAL, reason=why[:256]))


def _gate(service: AIService, snapshot: Snapshot, selection: Selection, choice: Choice) -> Outcome:
    """Let the roofline rule and the contract on autonomy pass the choice, or hold it back."""
    if service.spec.offload is Offload.AUTO:
        side = offload.decide(service, _network_side(choice))
        if side.chosen is Offload.LOCAL:
            return _locally(side.reason)
    proposed = proposed_before(service, selection)
    if proposed is not None and proposed != choice:
        choice = proposed
        selection = replace(selection, chosen=choice, message=f"{choice.node} was proposed to a person, and still fits")
    waits_for = waiting_steps(service, snapshot.policy, choice)
    if waits_for:
        return _proposed(service, snapshot, selection, choice, waits_for)
    return _taken(service, selection, choice)


def _network_side(choice: Choice) -> NetworkSide:
    forecast = choice.forecast
    waiting, computing = forecast.wait_seconds or 0.0, forecast.compute_seconds
    return NetworkSide(
        communication_seconds=_or_nan(forecast.communication_seconds),
        compute_seconds=_or_nan(computing) + waiting,
        attainable_flops=_or_nan(forecast.attainable_flops),
    )


def _or_nan(value: float | None) -> float:
    return nan if value is None else value


def _taken(service: AIService, selection: Selection, choice: Choice) -> Outcome:
    placement = Placement(
        node=choice.node,
        node_name=choice.node_name,
        tier=choice.tier,
        variant=choice.variant.name,
        replicas=choice.replicas,
        score=choice.score,
        copy_id=copy_id(service, choice.node_name, choice.variant),
        predicted_latency_microseconds=evidence.microseconds(choice),
        predicted_millijoules_per_request=evidence.millijoules(choice),
    )
    plan = Plan(
        offload=Offload.NETWORK,
        node=choice.node,
        variant=choice.variant.name,
        score=choice.score,
        reason=selection.message[:256],
    )
    claim = replace(choice.claim, copy=placement.copy_id)
    return Outcome(_taken_verdict(placement), placement, claim, selection, plan)


def _taken_verdict(placement: Placement) -> Verdict:
    message = f"On {placement.node} ({placement.tier}) as variant {placement.variant}, score {placement.score}"
    return Verdict("Placed", "True", Reason.AS_EXPECTED, message)


def standing(current: Placement | None, fault: Verdict) -> Verdict:
    """Return the condition Placed while ``fault`` keeps anything new from being decided."""
    if current is not None:
        return _taken_verdict(current)
    return Verdict("Placed", "Unknown", fault.reason, "Not decided: the service is not accepted")


def _proposed(
    service: AIService, snapshot: Snapshot, selection: Selection, choice: Choice, steps: list[ApprovalStep]
) -> Outcome:
    """Hold the choice back until a person approves it; what serves already serves on."""
    plan = Plan(
        offload=Offload.NETWORK,
        node=choice.node,
        variant=choice.variant.name,
        score=choice.score,
        reason=selection.message[:256],
        token=token(service, choice),
        waits_for=[str(step) for step in steps],
    )
    message = (
        f"Would place on {choice.node}; waits for approval of {', '.join(steps)}: "
        f"set the annotation {APPROVE}={plan.token}"
    )
    verdict = Verdict("Placed", "False", Reason.AWAITING_APPROVAL, message)
    current = next(iter(service.status.placements), None)
    return Outcome(verdict, current, snapshot.claim if current else None, selection, plan)


def held(service: AIService, table: NodeTable, policy: Policy) -> Claim | None:
    """Return what the placed ``service`` holds, as after a restart; None where its node or variant is gone."""
    current = next(iter(service.status.placements), None)
    variant = variant_of(service, current) if current else None
    if current is None or variant is None:
        return None
    claim = claim_for(service, variant, current.node, table, policy)
    return claim and replace(claim, copy=current.copy_id)
