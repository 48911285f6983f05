"""The packing score: nodes fill up so that the accelerators which stay free are of use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aif.planning.placement.packing import Mix, Requests, Room
from aif.scheduling.cycle import select
from aif.scheduling.ledger import Claim
from aif.scheduling.plugins.packing import Packing
from aif.scheduling.problem import Problem
from tests.builders import GIB, a_compute_node, a_node, an_aiservice
from tests.scheduling.fleet import POLICY, a_claim, a_table

GPU = "nvidia.com/gpu"
NAMES = ("full", "empty", "starved")
ALLOCATABLE = {"memory": 128 * GIB, "pods": 110.0}
HOSTS = {
    "worker-full": {"cpu": 8.0, "nvidia.com/gpu": 1.0},
    "worker-empty": {"cpu": 32.0, "nvidia.com/gpu": 4.0},
    "worker-starved": {"cpu": 3.0, "nvidia.com/gpu": 2.0},
}
"""One free device and cores to spare; four free devices; two of which the second would be left without cores."""


CORES = {"image": "x", "resources": {"cpu": 2, "memory": "1Gi"}}


def scores(packing: Packing, claims: Sequence[Claim] = (), **spec: Any) -> list[float]:
    """Return the score of the three nodes."""
    hosts = {name: a_node(name, allocatable={**ALLOCATABLE, **free}) for name, free in HOSTS.items()}
    table = a_table(*map(a_compute_node, NAMES), nodes=hosts, claims=claims)
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


def test_a_service_without_accelerators_leaves_the_cores_beside_them_alone() -> None:
    singles = Mix.of(Requests(np.array([2.0]), np.ones(1), np.array([1]), np.ones(1)))
    full, empty, starved = scores(Packing(singles), variants=[{"name": "cpu"}], workload=CORES)

    # Two of three cores there are all that its two accelerators have left.
    assert starved < full
    assert starved < empty


def test_who_stands_somewhere_decides_what_is_a_fragment() -> None:
    pair = a_claim(
        device=GPU, resources={"cpu": 2.0, "nvidia.com/gpu": 2.0, "pods": 1.0}, node="empty", node_name="worker-empty"
    )
    alone, before = scores(Packing()), scores(Packing(), claims=[pair])

    # With a pair among them, the single accelerator is of less use to the next, so that it is a better place.
    assert before[0] > alone[0]


def test_a_service_without_contract_on_nodes_that_tell_nothing_is_only_packed() -> None:
    hosts = {
        f"worker-{name}": a_node(f"worker-{name}", allocatable={**ALLOCATABLE, **HOSTS["worker-empty"]})
        for name in "ab"
    }
    bare = [
        a_compute_node(
            name,
            devices=[{"name": "gpu", "type": "nvidia.com/gpu", "count": 4}],
            links=[],
            price=None,
            carbonGramsPerKWh=None,
        )
        for name in "ab"
    ]
    service = an_aiservice(qos={}, load=None, workload={"image": "x", "resources": {"cpu": 2}})
    first = a_claim(owner="uid-first", node="b", node_name="worker-b", resources={"nvidia.com/gpu": 1.0, "cpu": 2.0})
    selection = select(service, a_table(*bare, nodes=hosts, claims=[first]), POLICY)

    assert selection.chosen is not None
    assert [term.name for term in selection.chosen.terms] == ["packing"]
    assert selection.chosen.node == "b", "the node that is begun is filled up first"


drawn = st.lists(st.tuples(st.sampled_from([0.5, 2.0, 7.0, 30.0]), st.integers(1, 8)), min_size=1, max_size=6)


@settings(max_examples=50, deadline=None)
@given(kinds=drawn, cores=st.lists(st.floats(-4.0, 64.0), min_size=1, max_size=8), data=st.data())
def test_the_table_says_what_counting_devices_one_by_one_says(
    kinds: list[tuple[float, int]], cores: list[float], data: st.DataObject
) -> None:
    free = data.draw(st.lists(st.integers(0, 8), min_size=len(cores), max_size=len(cores)))
    wanted, devices = np.array(kinds).T
    mix = Mix.of(Requests(wanted, np.ones(len(kinds)), devices.astype(np.int64), np.ones(len(kinds))))
    one_by_one = Room(
        np.array(cores),
        (np.arange(8) < np.array(free)[:, None]).astype(np.float64),
        np.zeros(len(cores), dtype=np.int64),
    )

    expected = mix.fragmentation(one_by_one)
    assert mix.whole_fragmentation(np.array(cores), np.array(free, dtype=np.float64)) == pytest.approx(expected)


def test_a_room_knows_what_its_claims_ask_for_however_they_came() -> None:
    pair = a_claim("uid-pair", device=GPU, resources={"cpu": 12.0, "nvidia.com/gpu": 4.0, "pods": 2.0})
    room = a_table().room

    assert room.asked_of("nvidia.com/gpu") == {}
    assert room.holding([pair]).asked_of("nvidia.com/gpu") == {(8.0, 2): 2.0}
    assert room.holding([pair]).without([pair]).asked_of("nvidia.com/gpu") == {}
    assert room.asked_of("nvidia.com/gpu") == {}, "a copy is one's own"
