"""The packing score: whole devices on nodes that fill up, for services with devices only."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from aif.planning.packing import Mix, Requests
from aif.scheduling.plugins.packing import Packing
from aif.scheduling.problem import Problem
from tests.builders import CPU_VARIANT, GIB, a_compute_node, a_node, an_aiservice
from tests.scheduling.fleet import POLICY, a_table

NAMES = ("full", "empty", "starved")
ALLOCATABLE = {"memory": 128 * GIB, "pods": 110.0}
HOSTS = {
    "worker-full": {"cpu": 8.0, "nvidia.com/gpu": 1.0},
    "worker-empty": {"cpu": 32.0, "nvidia.com/gpu": 4.0},
    "worker-starved": {"cpu": 3.0, "nvidia.com/gpu": 2.0},
}
"""One free device and cores to spare; four free devices; two of which the second would be left without cores."""


def scores(packing: Packing, **spec: Any) -> list[float]:
    """Return the score of the three nodes."""
    hosts = {name: a_node(name, allocatable={**ALLOCATABLE, **free}) for name, free in HOSTS.items()}
    table = a_table(*map(a_compute_node, NAMES), nodes=hosts)
    service = an_aiservice(**spec)
    problem = Problem.of(service, service.variants[0], table, POLICY)
    return [float(score) for score in packing.score(problem, np.arange(len(table)))]


def test_the_node_that_fills_up_is_better_than_an_empty_one() -> None:
    full, empty, starved = scores(Packing())

    assert full > empty
    # A second service of two cores no longer fits there, which makes a device useless.
    assert starved < empty


def test_who_else_asks_for_devices_decides_what_is_a_fragment() -> None:
    pairs = Mix.of(Requests(np.array([2.0]), np.ones(1), np.array([2]), np.ones(1)))
    full, empty, _ = scores(Packing(pairs))

    # To those who need two devices the single one was of no use, and a pair of the four stays usable.
    assert full > 50.0 > empty


def test_a_service_without_devices_has_no_packing_score() -> None:
    assert scores(Packing(), variants=[CPU_VARIANT]) == pytest.approx([np.nan] * 3, nan_ok=True)
