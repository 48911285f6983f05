"""Each score, by hand; and how much it weighs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from aif.api.computenode import ComputeNode
from aif.domain.policy import Policy
from aif.scheduling.framework import Score, against_lowest, met
from aif.scheduling.plugins import CONTRACT, HOUSEKEEPING, STABILITY
from aif.scheduling.problem import Problem
from aif.scheduling.weights import weights
from tests.builders import (
    CPU_VARIANT,
    GIB,
    GPU_VARIANT,
    NOON,
    VGG16,
    a_compute_node,
    a_link,
    a_node,
    a_pod,
    an_aiservice,
)
from tests.scheduling.fleet import POLICY, a_table

STEADY = 100 * 1000 / 1100
"""Steadiness of a link with 100 us of jitter."""

PLUGINS: dict[str, Score] = {score.name: score for score in (*CONTRACT, STABILITY, *HOUSEKEEPING)}


def scores(name: str, *nodes: ComputeNode, table: dict[str, Any] | None = None, **spec: Any) -> list[float]:
    """Return the score called ``name`` of every node."""
    service = an_aiservice(**spec)
    problem = Problem.of(service, service.variants[0], a_table(*nodes, **(table or {})), POLICY)
    return [float(score) for score in PLUGINS[name].score(problem, np.arange(len(problem.table)))]


@pytest.mark.parametrize(
    ("value", "limit", "expected"),
    [
        pytest.param(0.0, 4.0, 100.0, id="nothing"),
        pytest.param(1.0, 4.0, 87.5, id="a quarter"),
        pytest.param(4.0, 4.0, 50.0, id="on the limit"),
        pytest.param(8.0, 4.0, 25.0, id="twice the limit"),
        pytest.param(np.inf, 4.0, 0.0, id="unbounded"),
        pytest.param(np.nan, 4.0, np.nan, id="unknown"),
        pytest.param(0.0, 0.0, 100.0, id="nothing granted, nothing taken"),
        pytest.param(0.1, 0.0, 0.0, id="nothing granted, something taken"),
        pytest.param(np.nan, 0.0, np.nan, id="nothing granted, unknown"),
    ],
)
def test_a_limit_is_met_by_degrees(value: float, limit: float, expected: float) -> None:
    assert met(np.array([value]), limit) == pytest.approx([expected], nan_ok=True)


def test_the_lowest_is_best_and_twice_as_much_is_half_as_good() -> None:
    assert list(against_lowest(np.array([2.0, 4.0, np.nan]))) == pytest.approx([100, 50, np.nan], nan_ok=True)
    assert list(against_lowest(np.array([0.0, 4.0]))) == [100, 0]
    assert np.isnan(against_lowest(np.array([np.nan]))).all()


FAR = a_compute_node("far", links=[a_link(rttMicroseconds=10_800)])
NO_LINK = a_compute_node("lost", links=[])


@pytest.mark.parametrize(
    ("name", "spec", "expected"),
    [
        # 6.155 ms and 16.155 ms of 20 ms
        pytest.param("latency", {}, [100 - 50 * 6.155 / 20, 100 - 50 * 16.155 / 20, np.nan], id="latency"),
        # 2.2014 J of 4 J
        pytest.param(
            "energy",
            {"qos": {"energy": {"maxMillijoulesPerRequest": 4000}}},
            [100 - 50 * 2.2014 / 4, 100 - 50 * 2.2014 / 4, np.nan],
            id="energy",
        ),
        # 28.417 % wrong of 30 % granted
        pytest.param(
            "accuracy",
            {"qos": {"accuracy": {"minBasisPoints": 7000}}},
            [100 - 50 * 0.28417 / 0.3, 100 - 50 * 0.28417 / 0.3, np.nan],
            id="accuracy",
        ),
        # 100 of 1 000 ppm lost
        pytest.param(
            "availability", {"qos": {"availability": {"minPpm": 999_000}}}, [95, 95, np.nan], id="availability"
        ),
        # 144 of 1 950 Mbit/s, 100 of 400 us, 100 of 200 ppm: the last is worst
        pytest.param(
            "bandwidth",
            {"qos": {"bandwidth": {"maxJitterMicroseconds": 400, "minReliabilityPpm": 999_800}}},
            [75, 75, np.nan],
            id="bandwidth",
        ),
        pytest.param("bandwidth", {"qos": {"bandwidth": {}}, "load": None}, [np.nan] * 3, id="bandwidth of nothing"),
        # 0.93 of 19.5 TFLOP/s
        pytest.param("compute", {}, [100 - 50 * 0.93 / 19.5] * 3, id="compute"),
        pytest.param("carbon", {}, [100, 100, np.nan], id="carbon"),
        pytest.param("cost", {}, [100, 100, 100], id="cost"),
    ],
)
def test_a_score_is_what_a_pencil_gives(name: str, spec: dict[str, Any], expected: list[float]) -> None:
    found = scores(name, a_compute_node(), FAR, NO_LINK, **spec)
    assert found == pytest.approx(expected, abs=0.01, nan_ok=True)


@pytest.mark.parametrize("name", ["latency", "energy", "accuracy", "availability", "bandwidth"])
def test_a_dimension_that_nobody_asked_for_has_no_score(name: str) -> None:
    assert np.isnan(scores(name, a_compute_node(), qos={})).all()


def test_cost_counts_the_devices_that_are_taken() -> None:
    cheap = a_compute_node("cheap", price={"microUnitsPerDeviceHour": 450_000})
    untold = a_compute_node("untold", price=None)
    assert scores("cost", a_compute_node(), cheap, untold) == pytest.approx([50, 100, np.nan], nan_ok=True)


def test_on_the_cpu_cost_counts_the_share_of_the_processor() -> None:
    half = a_compute_node("half", devices=[{"name": "cpu", "type": "cpu", "count": 16}])
    assert scores("cost", a_compute_node(), half, variants=[CPU_VARIANT]) == [100, 50]


def test_carbon_follows_the_intensity_of_the_electricity() -> None:
    clean = a_compute_node("clean", carbonGramsPerKWh=38)
    assert scores("carbon", a_compute_node(), clean) == pytest.approx([10, 100])


def plain(*names: str) -> dict[str, Any]:
    """Return Nodes without accelerators for ComputeNodes of those names."""
    room = {"cpu": 32.0, "memory": 128 * GIB, "pods": 110.0}
    return {f"worker-{name}": a_node(f"worker-{name}", allocatable=room) for name in names}


def test_balance_likes_empty_nodes_with_evenly_used_resources() -> None:
    # Of cores and memory 24/32 and 124/128 stay free.
    free = np.array([24 / 32, 124 / 128])
    expected = 50 * free.mean() + 50 * (1 - 2 * free.std())
    found = scores("balance", a_compute_node(), table={"nodes": plain("gnb-7")}, variants=[CPU_VARIANT])
    assert found == pytest.approx([expected])


def test_where_a_candidate_has_accelerators_nodes_are_packed_and_not_balanced() -> None:
    mixed = (a_compute_node(), a_compute_node("b"))
    table = {"nodes": plain("b")}

    assert np.isnan(scores("balance", *mixed, table=table, variants=[CPU_VARIANT])).all()
    assert np.isnan(scores("packing", mixed[1], table=table, variants=[CPU_VARIANT])).all()
    beside, apart = scores("packing", *mixed, table=table, variants=[CPU_VARIANT])
    assert apart == pytest.approx(beside, abs=1.0), "nobody asks for accelerators yet"


def test_stability_is_headroom_and_a_steady_link_while_nobody_tells_how_long_a_node_has_been_ready() -> None:
    headroom = 100 * (1 - 144 / 1950)
    assert scores("stability", a_compute_node()) == pytest.approx([(headroom + STEADY) / 2])


def test_a_node_that_has_been_ready_for_long_is_less_likely_to_fail() -> None:
    old, new = a_node("worker-old", ready_since=NOON - timedelta(hours=9)), a_node("worker-new", ready_since=NOON)
    fleet = a_compute_node("old"), a_compute_node("new")
    found = scores("stability", *fleet, table={"nodes": {old.name: old, new.name: new}, "now": NOON})
    assert found[0] - found[1] == pytest.approx(90 / 3)


def test_a_full_node_is_less_stable() -> None:
    table = {"pods": [a_pod(requests={"cpu": 20.0})], "nodes": plain("gnb-7", "b")}
    nodes, qos = (a_compute_node(), a_compute_node("b")), {"compute": {"enforcement": "Soft"}}
    found = scores("stability", *nodes, table=table, variants=[CPU_VARIANT], load={"requestsPerSecond": 1}, qos=qos)
    assert found[0] == pytest.approx((100 * 4 / 32 + STEADY) / 2)
    assert found[0] < found[1]


def test_nodes_with_accelerators_are_no_less_stable_for_being_full() -> None:
    pod = a_pod(requests={"cpu": 26.0})
    first, second = scores("stability", a_compute_node(), a_compute_node("b"), table={"pods": [pod]})
    assert first == pytest.approx(second)


def test_a_node_whose_speed_is_not_told_has_no_headroom_to_show() -> None:
    qos = {"compute": {"enforcement": "Soft"}}
    dark = a_compute_node(devices=[{"name": "gpu", "type": "nvidia.com/gpu"}])
    assert scores("stability", dark, qos=qos) == pytest.approx([STEADY / 2])


def test_a_link_without_jitter_is_steady() -> None:
    wire = a_compute_node(links=[a_link(rttMicroseconds=0, jitterMicroseconds=0)])
    assert scores("stability", wire) == pytest.approx([(100 * (1 - 144 / 1950) + 100) / 2])


ALL = tuple(PLUGINS)
TWO_DIMENSIONS = {
    "latency": {"maxP99Microseconds": 20_000, "weight": 50},
    "energy": {"maxMillijoulesPerRequest": 3000, "enforcement": "Soft", "weight": 20},
}


def test_with_a_latency_target_the_contract_comes_first() -> None:
    shares = weights(an_aiservice(qos=TWO_DIMENSIONS), POLICY, ALL)
    housekeeping = dict.fromkeys(("stability", "packing", "balance", "cost", "carbon"), 0.06)
    assert shares == pytest.approx({"latency": 0.7 * 5 / 7, "energy": 0.7 * 2 / 7, **housekeeping})


def test_without_a_latency_target_stability_decides_first() -> None:
    shares = weights(an_aiservice(qos={"energy": TWO_DIMENSIONS["energy"]}), POLICY, ALL)
    assert shares == pytest.approx(
        {"stability": 0.7, "energy": 0.1} | dict.fromkeys(("packing", "balance", "cost", "carbon"), 0.05)
    )


def test_a_term_that_no_node_tells_leaves_its_share_to_its_group() -> None:
    shares = weights(an_aiservice(), POLICY, ("latency", "stability", "balance"))
    assert shares == pytest.approx({"latency": 0.7, "stability": 0.15, "balance": 0.15})


def test_a_group_without_terms_leaves_its_share_to_the_other() -> None:
    assert weights(an_aiservice(), POLICY, ("stability", "balance")) == pytest.approx(
        {"stability": 0.5, "balance": 0.5}
    )


@pytest.mark.parametrize(
    ("percent", "contract"),
    [pytest.param(0, 1.0, id="the user's alone"), pytest.param(60, 0.4, id="the operator's too")],
)
def test_the_administrator_sets_the_share_of_housekeeping(percent: int, contract: float) -> None:
    policy = Policy(operator_weight_percent=percent)
    assert weights(an_aiservice(), policy, ALL)["latency"] == pytest.approx(contract)


def test_dimensions_of_no_weight_leave_the_score_to_the_rest() -> None:
    shares = weights(an_aiservice(qos={"latency": {"maxP99Microseconds": 20_000, "weight": 0}}), POLICY, ALL)
    assert "latency" not in shares
    assert sum(shares.values()) == pytest.approx(1.0)


def test_where_nothing_weighs_the_known_terms_weigh_alike() -> None:
    service = an_aiservice(qos={"latency": {"maxP99Microseconds": 20_000, "weight": 0}})
    shares = weights(service, Policy(operator_weight_percent=0), ALL)
    assert sum(shares.values()) == pytest.approx(1.0)


def test_every_variant_is_scored_by_its_own_figures() -> None:
    quick = scores("latency", a_compute_node(), variants=[GPU_VARIANT])
    slow = scores("latency", a_compute_node(), variants=[{**GPU_VARIANT, "flopsPerRequest": "62G"}], model=VGG16)
    assert slow[0] < quick[0]
