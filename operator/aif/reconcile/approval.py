"""The contract on who acts: which steps of a choice wait for a person, and how a person lets them go on ([6GANA])."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from aif.api.aiservice import AIService, ApprovalStep, AutonomyLevel
from aif.api.computenode import Origin
from aif.domain.policy import Policy
from aif.scheduling.selection import Choice, Selection

APPROVE = "net4ai.io/approve"
"""Annotation whose value, the token of the plan, lets a waiting step go on."""


def waiting_steps(service: AIService, policy: Policy, choices: Sequence[Choice]) -> list[ApprovalStep]:
    """Return the steps of this choice of nodes that a person has to approve and has not.

    What stays on its node in its variant asks nobody.
    """
    autonomy = service.spec.autonomy
    held = {(placement.node, placement.variant) for placement in service.status.placements}
    new = [choice for choice in choices if (choice.node, choice.variant.name) not in held]
    if not new or service.metadata.annotations.get(APPROVE) == token(service, choices):
        return []
    if autonomy.level is AutonomyLevel.MANUAL:
        return [ApprovalStep.MIGRATE if held else ApprovalStep.PLACE]
    taken = {
        ApprovalStep.PLACE: not held,
        ApprovalStep.MIGRATE: bool(held),
        ApprovalStep.RISE_TIER: any(choice.tier not in policy.ladder[0] for choice in new),
        ApprovalStep.USE_EXTERNAL: any(choice.origin is Origin.EXTERNAL for choice in new),
    }
    return [step for step in autonomy.approval_steps if taken[step]]


def proposed_before(service: AIService, selection: Selection) -> Choice | None:
    """Return the node that a person was asked about, while it still takes all: a proposal does not change with scores.

    None where the selection is what was proposed, or nothing was.
    """
    plan = service.status.plan
    if plan is None or plan.token is None or plan.token == token(service, selection.choices):
        return None
    whole = [choice for choice in selection.candidates if choice.replicas == selection.demand.replicas]
    return next((choice for choice in whole if token(service, [choice]) == plan.token), None)


def token(service: AIService, choices: Sequence[Choice]) -> str:
    """Return what approves exactly these nodes, in any order, for exactly this spec."""
    places = "+".join(sorted(f"{choice.node}/{choice.variant.name}" for choice in choices))
    text = f"{service.metadata.uid}/{service.metadata.generation}/{places}"
    return hashlib.sha256(text.encode()).hexdigest()[:8]
