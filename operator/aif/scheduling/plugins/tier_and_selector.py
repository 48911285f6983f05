"""Only nodes of the tiers and labels that the service asks for, on the ladder of the administrator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aif.api.conditions import Reason
from aif.scheduling.framework import Rejection, unless
from aif.scheduling.measures import Fact
from aif.scheduling.node_table import TIERS
from aif.scheduling.problem import Problem


@dataclass(frozen=True, slots=True)
class TierAndSelector:
    """Filters by ``placement.tiers`` and ``placement.nodeSelector``."""

    def filter(self, problem: Problem) -> Iterator[Rejection]:
        """Yield the nodes that the user, or the ladder, leaves out."""
        asked, table = problem.service.spec.placement, problem.table
        reachable = {tier for step in problem.policy.ladder for tier in step}
        tiers = [tier for tier in asked.tiers or TIERS if tier in reachable]
        needs = f"tier {' or '.join(tiers) or 'of the ladder'}"
        yield unless(Reason.NOT_SELECTED, table.of_tiers(tiers), Fact(needs, "another tier", f"not of {needs}"))
        if asked.node_selector:
            labels = ",".join(f"{key}={value}" for key, value in sorted(asked.node_selector.items()))
            fact = Fact(labels, "other labels", f"without the labels {labels}")
            yield unless(Reason.NOT_SELECTED, table.carrying(asked.node_selector), fact)
