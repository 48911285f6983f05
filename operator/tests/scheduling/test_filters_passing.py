"""What a filter lets pass, what is only taken, and how nodes are shared."""

from __future__ import annotations

from typing import Any

import pytest

from aif.api.base import Tier
from aif.api.conditions import Reason
from aif.domain.cluster import Taint
from aif.domain.policy import Policy
from tests.builders import (
    CPU_32,
    CPU_VARIANT,
    GIB,
    VGG16,
    a_compute_node,
    a_device,
    a_link,
    a_node,
    a_pod,
    an_aiservice,
)
from tests.scheduling.fleet import a_claim, selected
from tests.scheduling.test_filters import GPU, a_workload, shortage


@pytest.mark.parametrize(
    ("spec", "node"),
    [
        pytest.param(
            {"placement": {"tiers": ["RAN"], "nodeSelector": {"kubernetes.io/hostname": "worker-gnb-7"}}},
            {},
            id="chosen",
        ),
        pytest.param({"qos": {"privacyLevel": "Medium", "securityLevel": "Medium"}}, {}, id="own network, same level"),
        pytest.param(
            {"qos": {"bandwidth": {"maxJitterMicroseconds": 100, "minReliabilityPpm": 999_900}}}, {}, id="link just so"
        ),
        pytest.param({"qos": {"latency": {"maxP99Microseconds": 6156}}}, {}, id="latency just so"),
        pytest.param({"qos": {"energy": {"maxMillijoulesPerRequest": 2202}}}, {}, id="energy just so"),
        pytest.param(
            {"qos": {"accuracy": {"minBasisPoints": 7158}, "availability": {"minPpm": 999_900}}},
            {},
            id="right often enough",
        ),
        pytest.param(
            {"qos": {}, "load": None, "model": {"name": "secret"}},
            {"devices": [a_device(peakFlops=None), CPU_32], "links": []},
            id="nothing asked, nothing told",
        ),
        pytest.param({"qos": {"latency": {"maxP99Microseconds": 1, "enforcement": "Soft"}}}, {}, id="soft latency"),
        pytest.param({"qos": {"energy": {"maxMillijoulesPerRequest": 1, "enforcement": "Soft"}}}, {}, id="soft energy"),
        pytest.param({"qos": {"accuracy": {"minBasisPoints": 9999, "enforcement": "Soft"}}}, {}, id="soft accuracy"),
        pytest.param({"qos": {"availability": {"minPpm": 999_999, "enforcement": "Soft"}}}, {}, id="soft availability"),
        pytest.param({"qos": {"compute": {"minFlopsPerSecond": "1P", "enforcement": "Soft"}}}, {}, id="soft compute"),
        pytest.param(
            {"qos": {"bandwidth": {"minBitsPerSecond": "9G", "enforcement": "Soft"}}},
            {"links": []},
            id="soft bandwidth",
        ),
        pytest.param(a_workload(cpu=32, memory="128Gi"), {}, id="all of the node"),
        pytest.param({"qos": {}, "variants": [CPU_VARIANT], "load": {"requestsPerSecond": 16}}, {}, id="on the cpu"),
    ],
)
def test_a_limit_that_is_met_or_soft_refuses_nobody(spec: dict[str, Any], node: dict[str, Any]) -> None:
    assert selected(an_aiservice(**spec), a_compute_node(**node)).chosen is not None


def test_output_tokens_need_no_link() -> None:
    generation = {"flopsPerToken": "1G", "memoryTrafficBytesPerToken": "1G", "tokensPerRequest": 10}
    qos = {"latency": {"maxP99Microseconds": 1000, "indicator": "OutputToken"}, "bandwidth": {"enforcement": "Soft"}}
    service = an_aiservice(model=VGG16 | {"generation": generation}, qos=qos)
    assert selected(service, a_compute_node(links=[])).chosen is not None


@pytest.mark.parametrize(
    ("spec", "table", "required", "available"),
    [
        pytest.param({}, {"claims": [a_claim()]}, f"1 {GPU}", f"0 {GPU}", id="accelerator promised"),
        pytest.param({}, {"pods": [a_pod(requests={GPU: 1.0})]}, f"1 {GPU}", f"0 {GPU}", id="accelerator used"),
        pytest.param(
            {}, {"pods": [a_pod(requests={"memory": 126 * GIB})]}, f"{4 * 2**30} byte", f"{2 * 2**30} byte", id="memory"
        ),
        pytest.param({}, {"pods": [a_pod(requests={"cpu": 31.5})]}, "2000 millicores", "500 millicores", id="cores"),
        pytest.param({}, {"pods": [a_pod(requests={"cpu": 40.0})]}, "2000 millicores", "0 millicores", id="overfull"),
        pytest.param(
            {},
            {"claims": [a_claim(resources={}, device=GPU, utilisation=0.96)]},
            f"{93 * 10**10} FLOP/s",
            f"{78 * 10**10} FLOP/s",
            id="compute rate",
        ),
        pytest.param(
            {},
            {"claims": [a_claim(resources={}, site="gnb-7", up_bits_per_second=1.85e9)]},
            f"{144 * 10**6} bit/s",
            f"{100 * 10**6} bit/s",
            id="uplink",
        ),
        pytest.param(
            {"model": VGG16 | {"outputBits": "1M"}},
            {"claims": [a_claim(resources={}, site="gnb-7", down_bits_per_second=1.94e9)]},
            f"{30 * 10**6} bit/s",
            f"{10 * 10**6} bit/s",
            id="downlink",
        ),
    ],
)
def test_what_is_only_taken_is_reserved_and_not_infeasible(
    spec: dict[str, Any], table: dict[str, Any], required: str, available: str
) -> None:
    found = shortage(spec, a_compute_node(), **table)
    assert (found.reason, found.required, found.available) == (Reason.CAPACITY_RESERVED, required, available)


def test_users_with_their_own_link_are_not_held_up_by_others() -> None:
    own = a_link()
    own.pop("to")
    hog = a_claim(resources={}, site="gnb-7", up_bits_per_second=1.95e9)
    assert selected(an_aiservice(ue={"link": own}), a_compute_node(), claims=[hog]).chosen is not None


def test_attached_users_share_the_link_of_their_site() -> None:
    fleet = [a_compute_node(), a_compute_node("edge-1", links=[a_link("gnb-7")])]
    hog = a_claim(resources={}, site="gnb-7", up_bits_per_second=1.95e9)
    selection = selected(an_aiservice(ue={"attachedTo": "gnb-7"}), *fleet, claims=[hog])
    assert selection.reason is Reason.CAPACITY_RESERVED
    assert selection.rejections[0].count == 2


@pytest.mark.parametrize(
    ("key", "fits"),
    [pytest.param("nvidia.com/gpu", True, id="tolerated"), pytest.param("team", False, id="not tolerated")],
)
def test_a_taint_keeps_off_pods_that_do_not_tolerate_it(key: str, *, fits: bool) -> None:
    node = a_node(taints=(Taint(key, "", "NoSchedule"),))
    selection = selected(an_aiservice(), a_compute_node(), nodes={node.name: node})
    assert (selection.chosen is not None) == fits
    assert fits or selection.reason is Reason.NODE_CORDONED


def test_pods_without_an_accelerator_do_not_tolerate_its_taint() -> None:
    node = a_node(taints=(Taint("nvidia.com/gpu", "", "NoSchedule"),))
    service = an_aiservice(variants=[CPU_VARIANT], qos={}, load=None)
    assert selected(service, a_compute_node(), nodes={node.name: node}).reason is Reason.NODE_CORDONED


def test_a_tier_that_the_ladder_leaves_out_is_not_selected() -> None:
    policy = Policy(ladder=(frozenset({Tier.EDGE}),))
    assert selected(an_aiservice(), policy=policy).reason is Reason.NOT_SELECTED


def test_a_node_that_lost_a_device_offers_what_is_left() -> None:
    node = a_node(allocatable={"cpu": 32.0, "memory": 128 * GIB, GPU: 0.0})
    found = shortage({}, a_compute_node(), nodes={node.name: node})
    assert found.reason is Reason.ACCELERATOR_UNAVAILABLE
