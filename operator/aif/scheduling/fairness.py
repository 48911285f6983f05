"""Whose turn it is: the namespace that has least of what it needs most (dominant resource fairness)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

from aif.domain.cluster import Amounts
from aif.scheduling.ledger import Claim
from aif.scheduling.room import Room


class Shares:
    """What each namespace holds of all nodes together.

    The dominant share of a namespace is the largest of its shares over all resources (Ghodsi et al., 2011).
    """

    def __init__(self, room: Room) -> None:
        self._total = {resource: float(np.sum(column)) for resource, column in room.allocatable.items()}
        self._held: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
        for claims in room.claims:
            self.take(claims)

    def take(self, claims: Iterable[Claim]) -> None:
        """Count ``claims``."""
        for claim in claims:
            for resource, amount in claim.resources.items():
                self._held[claim.namespace][resource] += amount

    def of(self, namespace: str) -> float:
        """Return the dominant share of ``namespace``, 0..1."""
        return self.dominant(self._held[namespace])

    def dominant(self, amounts: Amounts | Mapping[str, float]) -> float:
        """Return the largest share of all nodes that ``amounts`` are; more than all where no node has some of it."""
        shares = [
            amount / total if (total := self._total.get(resource, 0.0)) > 0.0 else np.inf
            for resource, amount in amounts.items()
            if amount > 0.0
        ]
        return float(max(shares, default=0.0))
