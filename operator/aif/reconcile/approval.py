"""The contract on who acts: which steps of a choice wait for a person, and how a person lets them go on ([6GANA])."""

from __future__ import annotations

import hashlib

from aif.api.aiservice import AIService, ApprovalStep, AutonomyLevel
from aif.api.computenode import Origin
from aif.domain.policy import Policy
from aif.scheduling.selection import Choice, Selection

APPROVE = "net4ai.io/approve"
"""Annotation whose value, the token of the plan, lets a waiting step go on."""


def waiting_steps(service: AIService, policy: Policy, choice: Choice) -> list[ApprovalStep]:
    """Return the steps of this choice that a person has to approve and has not."""
    autonomy = service.spec.autonomy
    current = next(iter(service.status.placements), None)
    if current is not None and (current.node, current.variant) == (choice.node, choice.variant.name):
        return []
    if service.metadata.annotations.get(APPROVE) == token(service, choice):
        return []
    if autonomy.level is AutonomyLevel.MANUAL:
        return [ApprovalStep.PLACE if current is None else ApprovalStep.MIGRATE]
    taken = {
        ApprovalStep.PLACE: current is None,
        ApprovalStep.MIGRATE: current is not None,
        ApprovalStep.RISE_TIER: choice.tier not in policy.ladder[0],
        ApprovalStep.USE_EXTERNAL: choice.origin is Origin.EXTERNAL,
    }
    return [step for step in autonomy.approval_steps if taken[step]]


def proposed_before(service: AIService, selection: Selection) -> Choice | None:
    """Return the choice that a person was asked about, while it still fits: a proposal does not change with scores."""
    plan = service.status.plan
    if plan is None or plan.token is None:
        return None
    return next((choice for choice in selection.candidates if token(service, choice) == plan.token), None)


def token(service: AIService, choice: Choice) -> str:
    """Return what approves exactly this choice for exactly this spec."""
    text = f"{service.metadata.uid}/{service.metadata.generation}/{choice.node}/{choice.variant.name}"
    return hashlib.sha256(text.encode()).hexdigest()[:8]
