"""ComputeNodes as columns."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from aif.api.base import Precision
from aif.api.conditions import Reason
from aif.domain.cluster import Node, Taint
from aif.planning.demands import translate
from aif.scheduling.ledger import Ledger
from aif.scheduling.node_table import NodeTable
from aif.scheduling.standing import FREE, REASONS
from tests.builders import (
    A100,
    CPU_32,
    CPU_VARIANT,
    GIB,
    NOON,
    a_compute_node,
    a_device,
    a_node,
    a_pod,
    an_aiservice,
)
from tests.scheduling.fleet import a_claim, a_table

GPU = "nvidia.com/gpu"
CLOUD: dict[str, Any] = {"tier": "Cloud", "origin": "External", "provider": {"name": "acme"}}


def a_condition(type_: str, status: str, reason: str = "AsExpected") -> dict[str, Any]:
    """Return the status with one condition."""
    condition = {"type": type_, "status": status, "reason": reason, "lastTransitionTime": "2030-01-01T00:00:00Z"}
    return {"conditions": [condition]}


@pytest.mark.parametrize(
    ("spec", "node", "expected"),
    [
        pytest.param({}, {}, None, id="ready"),
        pytest.param({}, {"ready": "False"}, Reason.NODE_NOT_READY, id="not ready"),
        pytest.param({}, {"ready": "Unknown"}, Reason.NODE_UNREACHABLE, id="not heard of"),
        pytest.param({}, {"unschedulable": True}, Reason.NODE_CORDONED, id="cordoned"),
        pytest.param({"metadata": {"deletionTimestamp": NOON}}, {}, Reason.NODE_CORDONED, id="being deleted"),
        pytest.param(
            {**CLOUD, "nodeName": None, "status": a_condition("Verified", "True")},
            {},
            Reason.NODE_NOT_JOINED,
            id="external, verified, not joined",
        ),
        pytest.param({**CLOUD, "nodeName": None}, {}, Reason.VERIFICATION_PENDING, id="external, never judged"),
        pytest.param(
            {**CLOUD, "status": a_condition("Verified", "False", "VerificationFailed")},
            {},
            Reason.VERIFICATION_FAILED,
            id="external, refused",
        ),
        pytest.param({**CLOUD, "status": a_condition("Verified", "True")}, {}, None, id="external, verified"),
        pytest.param(
            {**CLOUD, "status": a_condition("Verified", "Unknown", "VerificationPending")},
            {},
            Reason.VERIFICATION_PENDING,
            id="external, in doubt",
        ),
        pytest.param({"status": a_condition("Verified", "Unknown")}, {}, None, id="own, not judged yet"),
        pytest.param(
            {"status": a_condition("Accepted", "False", "NameConflict")}, {}, Reason.NAME_CONFLICT, id="not accepted"
        ),
        pytest.param(
            {"status": a_condition("Accepted", "False", "Mystery")}, {}, Reason.INVALID_SPEC, id="refused in new words"
        ),
        pytest.param({"status": a_condition("Accepted", "True")}, {}, None, id="accepted"),
    ],
)
def test_a_node_serves_nobody_until_nothing_bars_it(
    spec: dict[str, Any], node: dict[str, Any], expected: Reason | None
) -> None:
    bars = a_table(a_compute_node(**spec), nodes={"worker-gnb-7": a_node(**node)}).bars
    assert bars[0] == (FREE if expected is None else REASONS.index(expected))


def test_figures_that_nobody_gave_are_unknown() -> None:
    bare = {"name": "gpu", "type": GPU}
    table = a_table(a_compute_node(devices=[bare], links=[], price=None, carbonGramsPerKWh=None))
    device = table.device(GPU)
    figures = [device.memory, device.bandwidth, device.watts, *device.peak.values(), table.price, table.carbon]
    assert all(np.isnan(column[0]) for column in figures)
    assert device.count[0] == 1
    assert not device.rated[0]
    assert np.isnan(table.device("cpu").count[0])


def test_a_type_that_no_node_has_is_unknown_everywhere() -> None:
    device = a_table().device("amd.com/gpu")
    assert np.isnan(device.count).all()
    assert not device.rated.any()


def test_of_two_products_of_a_type_the_lowest_figure_is_promised() -> None:
    older = a_device(name="old", count=3, memory="16G", peakFlops=[{"precision": "FP32", "flopsPerSecond": "8100G"}])
    device = a_table(a_compute_node(devices=[A100, older])).device(GPU)
    assert device.count[0] == 4
    assert device.memory[0] == 16e9
    assert device.peak[Precision.FP32][0] == 8.1e12


def test_of_two_products_an_untold_figure_is_not_promised() -> None:
    device = a_table(a_compute_node(devices=[A100, a_device(name="old", memory=None)])).device(GPU)
    assert np.isnan(device.memory[0])


def test_a_measured_node_is_calibrated() -> None:
    measured = a_compute_node(status={"observed": {"efficiencyPercent": 80}})
    assert a_table(measured).device(GPU).peak[Precision.FP32][0] == pytest.approx(0.8 * 19.5e12)


LEARNT = {
    "device": GPU,
    "updatedAt": "2030-01-01T12:00:00Z",
    "compute": {
        "measuredPercent": 40,
        "efficiencyPercent": 50,
        "confidencePercent": 80,
        "spreadPercent": 5,
        "observations": 40,
    },
    "power": {
        "measuredPercent": 80,
        "efficiencyPercent": 80,
        "confidencePercent": 80,
        "spreadPercent": 5,
        "observations": 40,
    },
}


def test_each_type_of_device_is_calibrated_by_what_was_learnt_of_it() -> None:
    table = a_table(a_compute_node(status={"calibration": [LEARNT], "observed": {"efficiencyPercent": 50}}))
    gpu, cpu = table.device(GPU), table.device("cpu")
    assert gpu.peak[Precision.FP32][0] == pytest.approx(0.5 * 19.5e12)
    assert gpu.bandwidth[0] == pytest.approx(0.5 * 1555e9)
    assert gpu.watts[0] == pytest.approx(400 / 0.8)
    assert cpu.peak[Precision.FP32][0] == pytest.approx(2000e9), "of the CPU nothing was learnt"


def test_what_was_declared_can_still_be_looked_at() -> None:
    gpu = a_table(a_compute_node(status={"calibration": [LEARNT]})).declared().device(GPU)
    assert gpu.peak[Precision.FP32][0] == pytest.approx(19.5e12)
    assert gpu.bandwidth[0] == pytest.approx(1555e9)
    assert gpu.watts[0] == pytest.approx(400)


def test_on_the_cpu_a_replica_gets_the_share_of_its_cores() -> None:
    service = an_aiservice(variants=[CPU_VARIANT])
    servers = a_table().servers(translate(service, service.variants[0]))
    assert servers.peak[0] == pytest.approx(2000e9 / 4)
    assert servers.bandwidth[0] == pytest.approx(200e9 / 4)
    assert servers.watts[0] == pytest.approx(50)


def test_a_replica_with_more_cores_than_the_node_gets_all_of_it() -> None:
    service = an_aiservice(variants=[{"name": "cpu", "resources": {"cpu": 64}}])
    assert a_table().servers(translate(service, service.variants[0])).peak[0] == pytest.approx(2000e9)


def test_labels_and_taints_are_found_by_key() -> None:
    fleet = [a_compute_node("a"), a_compute_node("b")]
    nodes = {
        "worker-a": a_node("worker-a", labels={"zone": "north", "disk": "ssd"}),
        "worker-b": a_node("worker-b", labels={"zone": "north"}, taints=(Taint("team", "x", "NoSchedule"),)),
    }
    table = a_table(*fleet, nodes=nodes)
    assert list(table.carrying({"zone": "north"})) == [True, True]
    assert list(table.carrying({"zone": "north", "disk": "ssd"})) == [True, False]
    assert list(table.carrying({"zone": "south"})) == [False, False]
    assert list(table.repelling(())) == [False, True]
    assert list(table.repelling({"team"})) == [False, False]


def test_a_taint_that_only_makes_a_node_less_liked_keeps_nobody_off() -> None:
    node = a_node(taints=(Taint("team", "x", "PreferNoSchedule"),))
    assert not a_table(nodes={node.name: node}).repelling(()).any()


def test_pods_and_claims_take_room() -> None:
    room = a_table(pods=[a_pod(requests={"cpu": 3.0})], claims=[a_claim()]).room
    assert room.free_of("cpu")[0] == 32 - 3 - 4
    assert room.free_of(GPU)[0] == 0
    assert room.free_of("pods")[0] == 109
    assert room.allocatable_of("cpu")[0] == 32
    assert room.free_of("amd.com/gpu")[0] == room.allocatable_of("amd.com/gpu")[0] == 0


def test_a_node_that_has_not_joined_has_no_room() -> None:
    nodes: dict[str, Node] = {"worker-a": a_node("worker-a")}
    table = NodeTable.build([a_compute_node("a"), a_compute_node("b")], nodes, (), Ledger())
    assert list(table.room.free_of("memory")) == [128 * GIB, 0.0]
    assert table.node_names == ("worker-a", "")
    assert table.bars[1] == REASONS.index(Reason.NODE_NOT_JOINED)


def test_claims_keep_devices_busy_and_hold_the_link_of_their_site() -> None:
    claim = a_claim(device=GPU, utilisation=0.25, site="gnb-7", up_bits_per_second=1e6, down_bits_per_second=2e6)
    table = a_table(claims=[claim])
    assert table.room.busy_of(GPU)[0] == 0.25
    assert table.room.busy_of("cpu")[0] == 0.0
    assert (table.room.up_held[0], table.room.down_held[0]) == (1e6, 2e6)


def test_without_a_claim_the_table_is_as_if_it_and_its_pods_were_gone() -> None:
    claim = a_claim(service="plates", device=GPU, utilisation=0.25, site="gnb-7", up_bits_per_second=1e6)
    pods = [a_pod("plates-0", service="plates", requests={"cpu": 6.0}), a_pod("stranger", requests={"cpu": 1.0})]
    full, empty = a_table(pods=pods, claims=[claim]), a_table(pods=pods[1:])
    vacated = full.without([claim])
    assert {r: c[0] for r, c in vacated.room.free.items()} == {r: c[0] for r, c in empty.room.free.items()}
    assert vacated.room.busy_of(GPU)[0] == 0.0
    assert vacated.room.up_held[0] == 0.0
    assert full.room.free_of(GPU)[0] == 0.0, "the first table stays as it was"


def test_without_no_claim_the_table_stays() -> None:
    table = a_table()
    assert table.without([]) is table


def test_a_claim_on_a_node_that_is_gone_changes_no_row() -> None:
    vacated = a_table().without([a_claim(node="gone")])
    assert vacated.room.free_of("cpu")[0] == 32


def test_only_narrows_what_is_looked_at() -> None:
    table = a_table(a_compute_node("a"), a_compute_node("b")).only({"b"})
    assert list(table.considered) == [False, True]
    assert len(table) == 2


def test_readiness_counts_from_the_last_change() -> None:
    ready = a_node(ready_since=NOON - timedelta(hours=2))
    assert a_table(nodes={ready.name: ready}, now=NOON).ready_seconds[0] == 7200
    assert np.isnan(a_table(nodes={ready.name: ready}).ready_seconds[0]), "nobody told the time"
    assert np.isnan(a_table(now=NOON).ready_seconds[0]), "nobody told since when"


def test_stale_telemetry_is_told_by_the_condition() -> None:
    stale = a_compute_node(status=a_condition("TelemetryFresh", "False", "MetricsStale"))
    assert list(a_table(stale).stale) == [True]
    assert list(a_table(a_compute_node(status=a_condition("TelemetryFresh", "Unknown"))).stale) == [False]


def test_rank_is_alphabetical() -> None:
    assert list(a_table(a_compute_node("b"), a_compute_node("c"), a_compute_node("a")).rank) == [1, 2, 0]


def test_a_cluster_without_compute_nodes_has_an_empty_table() -> None:
    table = NodeTable.build([], {}, (), Ledger())
    assert len(table) == 0
    assert len(table.device("cpu").count) == 0


def test_a_node_with_processors_alone_has_no_accelerators() -> None:
    table = a_table(a_compute_node("a"), a_compute_node("b", devices=[CPU_32]))
    assert np.isnan(table.device(GPU).count[1])
