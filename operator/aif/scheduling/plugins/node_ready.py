"""Only nodes that are accepted, verified, joined, ready and open to new pods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from aif.api.conditions import Reason
from aif.scheduling.framework import Rejection, unless
from aif.scheduling.measures import Fact
from aif.scheduling.problem import Problem
from aif.scheduling.standing import FREE, REASONS

_FACTS: Final = {
    Reason.VERIFICATION_PENDING: Fact("verified", "not verified yet", "not verified yet"),
    Reason.VERIFICATION_FAILED: Fact("verified", "verification failed", "verification failed"),
    Reason.NODE_NOT_JOINED: Fact("a Node of this cluster", "none", "without a Node in this cluster"),
    Reason.NODE_UNREACHABLE: Fact("Ready", "Unknown", "not reachable"),
    Reason.NODE_NOT_READY: Fact("Ready", "NotReady", "not ready"),
    Reason.NODE_CORDONED: Fact("open to new pods", "cordoned", "cordoned"),
}
_TAINTED: Final = Fact("no taint that is not tolerated", "tainted", "tainted against these pods")


@dataclass(frozen=True, slots=True)
class NodeReady:
    """Filters by what keeps a node from serving anybody, and by taints that these pods do not tolerate."""

    def filter(self, problem: Problem) -> Iterator[Rejection]:
        """Yield a rejection per reason that some node has."""
        bars = problem.table.bars
        barred = bars[bars != FREE]
        for code in np.unique(barred) if len(barred) else ():
            reason = REASONS[code]
            fact = _FACTS.get(reason, Fact("Accepted", reason, f"not accepted ({reason})"))
            yield unless(reason, bars != code, fact)
        tolerated = problem.policy.accelerator_tolerations.get(problem.demand.device, ())
        yield unless(Reason.NODE_CORDONED, ~problem.table.repelling(tolerated), _TAINTED)
