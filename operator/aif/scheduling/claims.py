"""What a service holds of a node once it is placed there."""

from __future__ import annotations

from math import isfinite

from aif.api.aiservice import AIService
from aif.api.qos import LatencyIndicator
from aif.api.workload import Variant
from aif.domain.policy import Policy
from aif.scheduling.ledger import Claim
from aif.scheduling.node_table import NodeTable
from aif.scheduling.problem import Problem


def claim_on(problem: Problem, row: int) -> Claim:
    """Return the claim of all replicas of ``problem`` on the node in ``row``; a rate that nobody told is held at 0."""
    meta, demand, table = problem.service.metadata, problem.demand, problem.table
    site = int(problem.links.site[row])
    return Claim(
        owner=meta.uid,
        namespace=meta.namespace,
        service=meta.name,
        node=table.names[row],
        node_name=table.node_names[row],
        resources=demand.total,
        flops_per_second=_told(demand.flops_per_second),
        memory_bandwidth_bytes_per_second=_told(demand.memory_bandwidth),
        up_bits_per_second=_told(demand.up_bits_per_second),
        down_bits_per_second=_told(demand.down_bits_per_second),
        device=demand.device,
        utilisation=_told(float(demand.flops_per_second / problem.node_rate[row])),
        site=table.names[site] if site >= 0 else "",
        requests_per_second=_told(demand.requests_per_second),
        latency_seconds=_left(problem, row),
    )


def _left(problem: Problem, row: int) -> float:
    """Return what the target leaves for the input and for compute, beside round trip, answer and wait."""
    latency, prediction = problem.service.spec.qos.latency, problem.prediction
    if latency is None or latency.indicator is not LatencyIndicator.REQUEST:
        return 0.0
    sending = problem.demand.up_bits / problem.links.up[row]
    beside = prediction.communication[row] - sending + prediction.wait[row]
    return max(0.0, _told(float(latency.max_p99_microseconds / 1e6 - beside)))


def claim_for(
    service: AIService, variant: Variant, node: str, table: NodeTable, policy: Policy, replicas: int | None = None
) -> Claim | None:
    """Return what so many replicas of ``service`` hold of ``node`` as ``variant``; None without such a node.

    They are all replicas unless told, and bear a proportional share of the load.
    """
    row = table.room.rows.get(node)
    return None if row is None else claim_on(Problem.of(service, variant, table, policy, replicas), row)


def _told(figure: float) -> float:
    return figure if isfinite(figure) else 0.0
