"""Only nodes that are predicted to meet the latency target: a latency-sensitive service takes no other ([AIF])."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from aif.api.conditions import Reason
from aif.api.qos import LatencyIndicator
from aif.scheduling.framework import Rejection, at_most, hard
from aif.scheduling.measures import LATENCY
from aif.scheduling.problem import Problem


@dataclass(frozen=True, slots=True)
class Latency:
    """Filters by the predicted 99th percentile: link, wait for a server at the declared load, roofline compute time."""

    def filter(self, problem: Problem) -> Iterator[Rejection]:
        """Yield the nodes that users do not reach, and those that are too slow."""
        asked = hard(problem.service.spec.qos.latency)
        if asked is None:
            return
        limit, predicted = asked.max_p99_microseconds / 1e6, problem.prediction.latency
        unreached = np.isnan(problem.links.rtt) & (asked.indicator is not LatencyIndicator.OUTPUT_TOKEN)
        no_link = "no link to the users is declared"
        yield Rejection(Reason.LATENCY_INFEASIBLE, unreached, limit, predicted, LATENCY, no_link)
        yield at_most(Reason.LATENCY_INFEASIBLE, limit, predicted, LATENCY, problem.missing)
