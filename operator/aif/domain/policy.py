"""What the administrator configured about deciding."""

from __future__ import annotations

from dataclasses import dataclass, field

from aif.api.base import Tier

RAN_FIRST: tuple[frozenset[Tier], ...] = (frozenset({Tier.RAN}), frozenset(Tier))
"""The radio site first, then all other nodes together ([AIF])."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of placement that are configuration.

    Attributes:
        ladder: Sets of tiers, tried in order; a later step also holds what an earlier one left untried.
        operator_weight_percent: Share of stability, packing or balance, cost and carbon in the score under a contract.
        runtime_classes: RuntimeClasses that a workload may name.
        moves_at_once: Services that may move at the same time, losses left aside.
        accelerator_tolerations: Taint keys tolerated by pods that ask for an accelerator, per resource name.
    """

    ladder: tuple[frozenset[Tier], ...] = RAN_FIRST
    operator_weight_percent: int = 30
    runtime_classes: frozenset[str] = frozenset()
    moves_at_once: int = 10
    accelerator_tolerations: dict[str, tuple[str, ...]] = field(
        default_factory=lambda: {"nvidia.com/gpu": ("nvidia.com/gpu",), "amd.com/gpu": ("amd.com/gpu",)}
    )
