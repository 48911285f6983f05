"""Replicas over several nodes: the best node takes what it can hold, the next best what is left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aif.api.aiservice import AIService
from aif.api.computenode import CPU
from aif.api.workload import Variant
from aif.domain.policy import Policy
from aif.planning.arrays import BoolArray, FloatArray, IntArray
from aif.scheduling.claims import claim_on
from aif.scheduling.framework import soft
from aif.scheduling.judgement import Judgement
from aif.scheduling.node_table import NodeTable
from aif.scheduling.plugins import FILTERS
from aif.scheduling.problem import Problem
from aif.scheduling.ranking import Ranking

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Replicas for one node.

    Attributes:
        problem: These replicas with their share of the load.
        ranking: The nodes that take as many, the chosen one first.
        step: Step of the ladder on which it stands.
    """

    problem: Problem
    ranking: Ranking
    step: int


def spread(service: AIService, table: NodeTable, policy: Policy, replicas: int) -> list[Part]:
    """Return the nodes that take up to ``replicas`` of ``service``, one after the other, the best one first.

    Each node takes as many as it can hold. What one takes is held while the next one is looked for.
    """
    parts: list[Part] = []
    while replicas and (part := _best(service, table, policy, replicas)) is not None:
        row = int(part.ranking.rows[0])
        table = table.holding([claim_on(part.problem, row)]).besides({table.names[row]})
        replicas -= part.problem.demand.replicas
        parts.append(part)
    return parts


def capacity(problem: Problem) -> IntArray:
    """Return how many replicas of ``problem`` fit on each node by all that is counted, at most those asked for.

    Each takes its resources, and its share of compute rate and link where these are hard limits.
    """
    demand, room, qos = problem.demand, problem.table.room, problem.service.spec.qos
    replicas = max(1, demand.replicas)
    limits = [_times(room.free_of(resource), amount) for resource, amount in demand.per_replica.items() if amount > 0.0]
    if demand.device != CPU:
        limits.append(_times(problem.table.device(demand.device).count, demand.devices))
    if demand.flops_per_second > 0.0 and not soft(qos.compute):
        left = problem.node_rate * (1.0 - room.busy_of(demand.device))
        limits.append(_times(left, demand.flops_per_second / replicas))
    if not soft(qos.bandwidth):
        rates = zip(problem.free_rates, (demand.up_bits_per_second, demand.down_bits_per_second), strict=True)
        limits += [_times(free, rate / replicas) for free, rate in rates if rate > 0.0]
    return np.asarray(np.clip(np.min(np.array(limits), axis=0), 0, replicas), dtype=np.int64)


def _times(free: FloatArray, each: float) -> FloatArray:
    return np.nan_to_num(np.floor(free / each * (1.0 + _ROUNDING)), nan=0.0)


def _best(service: AIService, table: NodeTable, policy: Policy, replicas: int) -> Part | None:
    for step, tiers in enumerate(policy.ladder):
        here = table.considered & table.of_tiers(tiers)
        for variant in service.variants:
            sizes = np.minimum(replicas, capacity(Problem.of(service, variant, table, policy)))
            parts = [
                part
                for size in np.unique(sizes[here & (sizes > 0)]).tolist()
                if (part := _of_size(service, variant, table, policy, size, here & (sizes == size), step)) is not None
            ]
            if parts:
                return max(parts, key=_merit)
    return None


def _of_size(
    service: AIService, variant: Variant, table: NodeTable, policy: Policy, size: int, rows: BoolArray, step: int
) -> Part | None:
    """Return the part of ``size`` replicas on the best of ``rows``; None where none of them takes it."""
    problem = Problem.of(service, variant, table, policy, size)
    fitting = np.flatnonzero(Judgement.of(problem, FILTERS).fits & rows)
    return Part(problem, Ranking.of(problem, fitting), step) if len(fitting) else None


def _merit(part: Part) -> tuple[float, int]:
    return float(part.ranking.totals[0]), -int(part.problem.table.rank[part.ranking.rows[0]])
