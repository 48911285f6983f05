"""Only nodes whose link to the users carries the traffic, steadily and reliably enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aif.api.conditions import Reason
from aif.scheduling import measures
from aif.scheduling.framework import Rejection, at_least, at_most, hard, soft
from aif.scheduling.problem import Problem

_NO_LINK = "no link to the users is declared"


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """Filters by rate in both directions, jitter and reliability; rates follow from the load unless they are given."""

    def filter(self, problem: Problem) -> Iterator[Rejection]:
        """Yield the nodes whose link is too slow, those whose link others hold, the unsteady, the unreliable."""
        if soft(problem.service.spec.qos.bandwidth):
            return
        demand, links, free = problem.demand, problem.links, problem.free_rates
        directions = (
            (demand.up_bits_per_second, links.up, free.up, measures.UPLINK),
            (demand.down_bits_per_second, links.down, free.down, measures.DOWNLINK),
        )
        for required, offered, left, measure in directions:
            if required > 0.0:
                yield at_least(Reason.BANDWIDTH_INFEASIBLE, required, offered, measure, _NO_LINK)
                yield at_least(Reason.CAPACITY_RESERVED, required, left, measure, _NO_LINK)
        yield from self._steadiness(problem)

    def _steadiness(self, problem: Problem) -> Iterator[Rejection]:
        asked, links = hard(problem.service.spec.qos.bandwidth), problem.links
        if asked is not None and asked.max_jitter_microseconds is not None:
            limit = asked.max_jitter_microseconds / 1e6
            yield at_most(Reason.BANDWIDTH_INFEASIBLE, limit, links.jitter, measures.JITTER, _NO_LINK)
        if asked is not None and asked.min_reliability_ppm is not None:
            limit = asked.min_reliability_ppm / 1e6
            yield at_least(Reason.BANDWIDTH_INFEASIBLE, limit, links.reliability, measures.RELIABILITY, _NO_LINK)
