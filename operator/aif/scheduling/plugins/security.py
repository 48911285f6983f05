"""Only nodes with the security level that the service asks for ([6GANA])."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from aif.api.conditions import Reason
from aif.scheduling.framework import Rejection, at_least
from aif.scheduling.measures import SECURITY
from aif.scheduling.problem import Problem


@dataclass(frozen=True, slots=True)
class Security:
    """Filters by ``qos.securityLevel``, compared with the level that the administrator granted the node."""

    def filter(self, problem: Problem) -> Iterator[Rejection]:
        """Yield the nodes of a lower level."""
        required = float(problem.service.spec.qos.security_level.rank)
        yield at_least(Reason.SECURITY_INFEASIBLE, required, problem.table.security.astype(np.float64), SECURITY)
