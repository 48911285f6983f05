"""Nodes of a test's own, a Prometheus that scrapes simulated requests of every pod, and an operator that asks it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import contract_moves
import pytest
from contract_moves import Moves, World
from operator_process import Operators
from rest import Rest
from services import Services

from cluster.api import Cluster


@pytest.fixture
def world(cluster: Cluster, rest: Rest, operators: Operators, services: Services, tmp_path: Path) -> World:
    """Makes so many nodes without accelerators that no other test has, and everything around them; no operator yet."""
    return partial(contract_moves.world, cluster, rest, operators, services, tmp_path)


@pytest.fixture
def moves(world: World) -> Iterator[Moves]:
    """Two nodes, and everything around them."""
    with world(2) as here:
        yield here
