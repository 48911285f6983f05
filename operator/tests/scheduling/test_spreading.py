"""Replicas over several nodes: one node where it can, else the best first, and a shortfall is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aif.api.aiservice import AIService
from aif.api.base import Tier
from aif.api.computenode import ComputeNode
from aif.api.conditions import Reason
from aif.domain.cluster import Node
from aif.domain.policy import Policy
from aif.planning.demands import translate
from aif.scheduling.cycle import select
from aif.scheduling.ledger import Ledger
from aif.scheduling.node_table import NodeTable
from aif.scheduling.selection import Selection
from tests.builders import (
    CPU_32,
    CPU_VARIANT,
    GPU_VARIANT,
    a_compute_node,
    a_device,
    a_link,
    a_node,
    a_pod,
    an_aiservice,
)
from tests.scheduling.fleet import a_claim, selected


def a_service(replicas: int, **spec: Any) -> AIService:
    """Return a service of so many replicas with a light load each."""
    workload = {"image": "plates:1.4", "replicas": replicas, "resources": {"cpu": 2, "memory": "4Gi"}}
    return an_aiservice(**{"workload": workload, "load": {"requestsPerSecond": 30 * replicas}, **spec})


def a_site(name: str, gpus: int, rtt: int = 800, **spec: Any) -> ComputeNode:
    """Return a node with so many accelerators."""
    links = [a_link(rttMicroseconds=rtt, upBitsPerSecond="100G", downBitsPerSecond="100G")]
    return a_compute_node(name, devices=[a_device(count=gpus), CPU_32], links=links, **spec)


def hosts(*sites: ComputeNode) -> dict[str, Node]:
    """Return the Nodes behind ``sites``, with as many accelerators."""
    gpus = {site.spec.node_name or "": float(site.spec.capability.devices[0].count) for site in sites}
    return {
        name: replace(a_node(name), allocatable={**a_node().allocatable, "nvidia.com/gpu": count})
        for name, count in gpus.items()
    }


def chosen(service: AIService, *sites: ComputeNode, **table: Any) -> Selection:
    """Return the selection for ``service`` among ``sites``."""
    return selected(service, *sites, **{"nodes": hosts(*sites), **table})


def parts(selection: Selection) -> list[tuple[str, int]]:
    """Return how many replicas stand where."""
    return [(choice.node, choice.replicas) for choice in selection.choices]


def test_one_node_takes_all_replicas_where_it_can() -> None:
    selection = chosen(a_service(3), a_site("near", 2), a_site("far", 4, rtt=3000))
    assert parts(selection) == [("far", 3)]
    assert (selection.shortfall, selection.reason) == (0, Reason.AS_EXPECTED)


def test_what_the_best_node_cannot_hold_goes_to_the_next_best() -> None:
    selection = chosen(a_service(5), a_site("far", 2, rtt=6000), a_site("near", 2), a_site("mid", 2, rtt=3000))
    assert parts(selection) == [("near", 2), ("mid", 2), ("far", 1)]
    assert (selection.shortfall, selection.reason) == (0, Reason.AS_EXPECTED)
    assert selection.message.endswith("held jointly, ahead of other tiers: 2 on near, 2 on mid, 1 on far")
    assert selection.chosen == selection.choices[0]


def test_the_first_step_of_the_ladder_fills_before_the_second() -> None:
    selection = chosen(a_service(4), a_site("edge", 3, rtt=0, tier="Edge"), a_site("gnb", 2))
    assert parts(selection) == [("gnb", 2), ("edge", 2)]
    assert selection.step == 0


def test_radio_sites_that_hold_a_service_jointly_come_before_one_node_of_another_tier() -> None:
    edge = a_site("edge", 8, rtt=0, tier="Edge")
    selection = chosen(a_service(3), a_site("a", 2), edge, a_site("b", 1, rtt=3000))

    assert parts(selection) == [("a", 2), ("b", 1)]
    assert selection.step == 0
    expected = "No radio site takes all replicas; held jointly, ahead of other tiers: 2 on a, 1 on b"
    assert selection.message == expected
    assert [refused.reason for refused in selection.rejections] == [Reason.ACCELERATOR_UNAVAILABLE]
    assert sum(refused.count for refused in selection.rejections) == 2, "the edge was not needed, and not judged"


def test_radio_sites_that_hold_only_a_part_leave_all_to_one_node_of_the_next_step() -> None:
    selection = chosen(a_service(4), a_site("a", 2), a_site("edge", 8, rtt=0, tier="Edge"), a_site("b", 1))
    assert parts(selection) == [("edge", 4)]


def test_a_part_that_misses_a_limit_is_not_held_jointly() -> None:
    far, edge = a_site("far", 2, rtt=30_000), a_site("edge", 8, rtt=0, tier="Edge")
    assert parts(chosen(a_service(3), a_site("a", 2), far, edge)) == [("edge", 3)]


def test_a_ladder_that_tries_all_tiers_at_once_takes_one_node_first() -> None:
    sites = [a_site("a", 2), a_site("edge", 8, rtt=0, tier="Edge"), a_site("b", 1)]
    policy = Policy(ladder=(frozenset(Tier),))
    table = NodeTable.build(sites, hosts(*sites), [], Ledger())
    assert parts(select(a_service(3), table, policy)) == [("edge", 3)]


def test_one_replica_is_never_held_jointly() -> None:
    service = a_service(1, variants=[{**GPU_VARIANT, "count": 2}])
    selection = chosen(service, a_site("a", 1), a_site("b", 1), a_site("edge", 8, rtt=0, tier="Edge"))
    assert parts(selection) == [("edge", 1)]


def test_a_shortfall_is_a_result_and_says_what_is_short() -> None:
    selection = chosen(a_service(5), a_site("near", 2), a_site("mid", 1, rtt=3000))
    assert parts(selection) == [("near", 2), ("mid", 1)]
    assert (selection.shortfall, selection.reason) == (2, Reason.CAPACITY_RESERVED)
    assert selection.message.startswith("2 replicas find no place (2 on near, 1 on mid do): No node of 2 fits: ")


def test_where_not_even_one_replica_fits_all_are_short() -> None:
    selection = chosen(a_service(3), a_site("far", 8, rtt=30_000))
    assert (selection.choices, selection.shortfall) == ((), 3)
    assert selection.reason is Reason.LATENCY_INFEASIBLE


def test_each_part_holds_its_share_of_resources_and_load() -> None:
    selection = chosen(a_service(3), a_site("near", 2), a_site("mid", 2, rtt=3000))
    first, second = selection.choices
    whole = translate(a_service(3), a_service(3).variants[0])
    assert first.claim.resources == {"cpu": 4.0, "memory": 8 * 2**30, "pods": 2.0, "nvidia.com/gpu": 2.0}
    assert first.claim.up_bits_per_second + second.claim.up_bits_per_second == pytest.approx(whole.up_bits_per_second)
    assert second.claim.flops_per_second == pytest.approx(whole.flops_per_second / 3)
    assert first.demand.requests_per_second == pytest.approx(60.0)


def test_the_wait_is_that_of_the_replicas_on_the_node_under_their_share() -> None:
    split = chosen(a_service(4, load={"requestsPerSecond": 1000}), a_site("a", 2), a_site("b", 2))
    alone = chosen(a_service(2, load={"requestsPerSecond": 500}), a_site("a", 2))
    assert split.choices[0].forecast == alone.choices[0].forecast


def test_a_later_variant_on_one_node_comes_before_two_nodes() -> None:
    service = a_service(2, variants=[GPU_VARIANT, CPU_VARIANT], qos={}, load={"requestsPerSecond": 20})
    selection = chosen(service, a_site("a", 1), a_site("b", 1))
    assert [(choice.variant.name, choice.replicas) for choice in selection.choices] == [("cpu", 2)]


def test_taken_cores_limit_the_replicas_of_a_node() -> None:
    pods = [a_pod(node="worker-a", requests={"cpu": 29.0})]
    selection = chosen(a_service(2), a_site("a", 4), a_site("b", 1, rtt=3000), pods=pods)
    assert parts(selection) == [("a", 1), ("b", 1)]


def test_parts_count_on_the_link_of_a_shared_site_only_once() -> None:
    service = a_service(
        2, ue={"attachedTo": "a"}, load={"requestsPerSecond": 40}, qos={"latency": {"maxP99Microseconds": 200_000}}
    )
    thin = [a_link(upBitsPerSecond="100M")]
    sites = [
        a_compute_node("a", devices=[a_device(count=1), CPU_32], links=thin),
        a_compute_node("b", devices=[a_device(count=1), CPU_32], links=[a_link("a", rttMicroseconds=500)]),
    ]
    selection = chosen(service, *sites)
    assert parts(selection) == [("a", 1)], "96 Mbit/s are needed for each replica, and 100 are there"
    assert selection.shortfall == 1


def test_all_parts_can_be_held_together() -> None:
    sites = [a_site("a", 2), a_site("b", 2)]
    selection = chosen(a_service(3), *sites)
    ledger = Ledger()
    assert ledger.settle("uid", [choice.claim for choice in selection.choices], hosts(*sites), ()) is None
    assert ledger.held("a").services == ledger.held("b").services == 1


def test_what_others_hold_is_not_counted_on() -> None:
    other = a_claim(node="a", node_name="worker-a", resources={"nvidia.com/gpu": 1.0})
    selection = chosen(a_service(3), a_site("a", 2), a_site("b", 1, rtt=3000), claims=[other])
    assert (parts(selection), selection.shortfall) == ([("a", 1), ("b", 1)], 1)
