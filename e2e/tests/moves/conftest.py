"""Nodes of a test's own, a Prometheus that scrapes simulated requests of every pod, and an operator that asks it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import prometheus_server
import pytest
from contract_moves import Moves
from network import a_compute_node
from operator_process import Operators
from pod_traffic import PodTraffic, following
from pool import Pool
from rest import Rest
from services import Services

from cluster.api import Cluster


@pytest.fixture
def moves(cluster: Cluster, rest: Rest, operators: Operators, services: Services, tmp_path: Path) -> Iterator[Moves]:
    """Two nodes without accelerators that no other test has, and everything around them; no operator yet."""
    traffic = PodTraffic()
    pool = Pool(cluster, rest, f"moves-{secrets.token_hex(3)}", 2, 0)
    with prometheus_server.running(tmp_path, traffic) as prometheus:
        pool.create(pool.nodes)
        for name in pool.nodes:
            rest.apply("computenodes", a_compute_node(name))
        world = Moves(pool, traffic, prometheus, operators, services, rest)
        try:
            with following(rest, services.namespace, traffic, prometheus):
                yield world
        finally:
            for replica in world.replicas:
                if replica.alive:
                    replica.end()
            pool.raze()
