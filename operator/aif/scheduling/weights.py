"""How much each term of a score weighs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from aif.api.aiservice import AIService
from aif.api.qos import Dimension
from aif.domain.policy import Policy
from aif.scheduling.plugins import CONTRACT, HOUSEKEEPING, STABILITY

_USUAL: Final = 10.0
"""Weight of a dimension that names none."""


def asked(service: AIService) -> dict[str, float]:
    """Return the weight of each dimension that the contract names, Hard or Soft."""
    dimensions = {score.name: getattr(service.spec.qos, score.name) for score in CONTRACT}
    return {name: float(value.weight) for name, value in dimensions.items() if isinstance(value, Dimension)}


def weights(service: AIService, policy: Policy, known: Collection[str]) -> dict[str, float]:
    """Return the share of each term of ``known`` in the score; the shares add up to 1.

    A service with a latency target is judged by its contract first: its dimensions share what is left by
    ``operator_weight_percent``, which stability, packing or balance, cost and carbon share equally.

    A service without one goes where it is least likely to have to move ([AIF]): stability alone takes what is left by
    ``operator_weight_percent`` (70 of 100 by default), so it decides wherever it differs by more than the rest can make
    up; dimensions of the contract and housekeeping share the remainder, the latter at the usual weight each.

    Args:
        service: Whose contract it is.
        policy: What the administrator configured.
        known: Names of the terms that some node has a figure for; the others leave their share to those of their group.
    """
    contract = asked(service)
    housekeeping = {score.name: _USUAL for score in HOUSEKEEPING}
    if service.spec.qos.latency is not None:
        first, second = contract, {STABILITY.name: _USUAL, **housekeeping}
    else:
        first, second = {STABILITY.name: _USUAL}, {**contract, **housekeeping}
    operator = policy.operator_weight_percent / 100
    return _grouped(((first, 1.0 - operator), (second, operator)), known)


def _grouped(groups: tuple[tuple[dict[str, float], float], ...], known: Collection[str]) -> dict[str, float]:
    """Return the shares of all terms, each group's own weights scaled to its share; equal ones where nothing weighs."""
    shares: dict[str, float] = {}
    for group, share in groups:
        present = {name: weight for name, weight in group.items() if name in known}
        total = sum(present.values())
        shares |= {name: share * weight / total for name, weight in present.items() if weight > 0.0}
    whole = sum(shares.values())
    return (
        {name: share / whole for name, share in shares.items()} if whole else {name: 1 / len(known) for name in known}
    )
