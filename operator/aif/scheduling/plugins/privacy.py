"""Data stays as near as its privacy level asks ([6GANA])."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from aif.api.base import Level
from aif.api.conditions import Reason
from aif.scheduling.framework import Rejection, unless
from aif.scheduling.measures import Fact
from aif.scheduling.problem import Problem

_AT_HOME = Fact("raw input stays with the user", "raw input travels", "raw input would travel to")
_IN_NETWORK = Fact("InNetwork", "External", "not of the own network")


@dataclass(frozen=True, slots=True)
class Privacy:
    """Filters by ``qos.privacyLevel``: Medium keeps data in the own network, High keeps raw input with the user."""

    def filter(self, problem: Problem) -> Iterator[Rejection]:
        """Yield external nodes at Medium; every node at High, since the whole model would run in the network."""
        level, external = problem.service.spec.qos.privacy_level, problem.table.external
        if level is Level.HIGH:
            yield unless(Reason.PRIVACY_INFEASIBLE, np.zeros_like(external), _AT_HOME)
        elif level is Level.MEDIUM:
            yield unless(Reason.PRIVACY_INFEASIBLE, ~external, _IN_NETWORK)
