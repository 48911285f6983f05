"""What no placement can exceed: the linear programme over the pairs on which a contract can hold at all.

A pair of service and node counts where the contract holds in the replay with nobody else in the network; beside others
it only gets worse. Kubernetes hands out cores, memory and devices to no more than there are. So a placement that keeps
k contracts is a point of the linear programme of value k, and its bound, recomputed from prices without a solver, holds
for every policy.
"""

from __future__ import annotations

from math import floor
from typing import NamedTuple

import numpy as np

from aif.planning.placement.joint import JointPlacement, Problem, bound, place
from melbourne.policies import Table
from melbourne.replay import NOWHERE, Placement

SECONDS = 60.0


class Certificate(NamedTuple):
    """The bound, and the placement that the same programme found.

    Attributes:
        most: No placement keeps more contracts.
        possible: Services whose contract holds on some node at all.
        oracle: A placement made with the replay's own verdicts; what it keeps shows how near the bound is.
    """

    most: int
    possible: int
    oracle: Placement


def certificate(table: Table) -> Certificate:
    """Return the bound for the network and services of ``table``."""
    problem = _problem(table)
    made: JointPlacement = place(problem, seconds=SECONDS)
    possible = int(np.count_nonzero((problem.value > -np.inf).reshape(len(table.services), -1).any(axis=1)))
    nodes = [int(node) for node in made.node]
    oracle = Placement(nodes, [int(way) if node != NOWHERE else 0 for node, way in zip(nodes, made.way, strict=True)])
    return Certificate(floor(bound(problem, made.prices) + 1e-6), possible, oracle)


def _problem(table: Table) -> Problem:
    services, nodes = len(table.services), len(table.nodes)
    ways = max(len(row) for row in table.wanted)
    demand = np.zeros((services, ways, table.size.shape[1]))
    score = np.full((services, ways, nodes), np.nan)
    for at, (rows, possible) in enumerate(zip(table.wanted, table.replay.possible, strict=True)):
        demand[at] = rows[0]
        demand[at, : len(rows)] = rows
        score[at, : len(rows)] = np.where(np.array(possible) > 0.0, 0.0, np.nan)
    return Problem(demand, table.size, score, np.ones(services))
