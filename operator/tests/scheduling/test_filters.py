"""Each filter: a node that meets the limit fits, one that misses it is told by how much."""

from __future__ import annotations

from typing import Any

import pytest

from aif.api.computenode import ComputeNode
from aif.api.conditions import Reason
from aif.scheduling.selection import Shortage
from tests.builders import CPU_32, GIB, GPU_VARIANT, VGG16, a_compute_node, a_device, a_link, a_node, an_aiservice
from tests.scheduling.fleet import selected
from tests.scheduling.test_node_table import CLOUD, a_condition

GPU = "nvidia.com/gpu"
GEN_8: dict[str, Any] = {"name": "gpu", "accelerator": GPU, "count": 8}
LATENCY_5: dict[str, Any] = {"latency": {"maxP99Microseconds": 5000}}


def shortage(spec: dict[str, Any], node: ComputeNode, **table: Any) -> Shortage:
    """Return why the service with ``spec`` does not fit on ``node``."""
    selection = selected(an_aiservice(**spec), node, **table)
    assert selection.chosen is None
    assert selection.reason is selection.rejections[0].reason
    return selection.rejections[0]


def a_workload(replicas: int = 1, **resources: Any) -> dict[str, Any]:
    """Return a workload as it stands in a manifest."""
    return {"workload": {"image": "plates:1.4", "replicas": replicas, "resources": resources}}


@pytest.mark.parametrize(
    ("spec", "node", "reason", "required", "available"),
    [
        pytest.param(
            {"placement": {"tiers": ["Edge", "Cloud"]}},
            {},
            Reason.NOT_SELECTED,
            "tier Edge or Cloud",
            "another tier",
            id="tier",
        ),
        pytest.param(
            {"placement": {"nodeSelector": {"zone": "north"}}},
            {},
            Reason.NOT_SELECTED,
            "zone=north",
            "other labels",
            id="label",
        ),
        pytest.param(
            {},
            {"status": a_condition("TelemetryFresh", "False")},
            Reason.CAPABILITY_STALE,
            "fresh telemetry",
            "stale telemetry",
            id="stale",
        ),
        pytest.param(
            {},
            {"status": a_condition("Accepted", "False", "NameConflict")},
            Reason.NAME_CONFLICT,
            "Accepted",
            "NameConflict",
            id="refused",
        ),
        pytest.param(
            {"qos": {"privacyLevel": "Medium"}},
            {**CLOUD, "status": a_condition("Verified", "True")},
            Reason.PRIVACY_INFEASIBLE,
            "InNetwork",
            "External",
            id="privacy",
        ),
        pytest.param(
            {"qos": {"privacyLevel": "High"}},
            {},
            Reason.PRIVACY_INFEASIBLE,
            "raw input stays with the user",
            "raw input travels",
            id="raw input stays",
        ),
        pytest.param(
            {"qos": {"securityLevel": "High"}}, {}, Reason.SECURITY_INFEASIBLE, "High", "Medium", id="security"
        ),
        pytest.param(
            {}, {"devices": [CPU_32]}, Reason.ACCELERATOR_UNAVAILABLE, f"1 {GPU}", f"0 {GPU}", id="no accelerator"
        ),
        pytest.param(
            {"variants": [GEN_8]}, {}, Reason.ACCELERATOR_UNAVAILABLE, f"8 {GPU}", f"1 {GPU}", id="too few accelerators"
        ),
        pytest.param(
            {"variants": [{**GPU_VARIANT, "precision": "FP8"}]},
            {},
            Reason.ACCELERATOR_UNAVAILABLE,
            "FP8",
            "no FP8",
            id="number format",
        ),
        pytest.param(
            {"variants": [{**GPU_VARIANT, "deviceMemory": "80Gi"}]},
            {},
            Reason.MEMORY_INFEASIBLE,
            f"{80 * 2**30} byte",
            f"{40 * 2**30} byte",
            id="device memory",
        ),
        pytest.param(
            {"variants": [{**GPU_VARIANT, "deviceMemory": "8Gi"}]},
            {"devices": [a_device(memory=None), CPU_32]},
            Reason.MEMORY_INFEASIBLE,
            f"{8 * 2**30} byte",
            "unknown: not declared",
            id="device memory not told",
        ),
        pytest.param(
            a_workload(memory="256Gi"),
            {},
            Reason.MEMORY_INFEASIBLE,
            f"{256 * 2**30} byte",
            f"{128 * 2**30} byte",
            id="memory",
        ),
        pytest.param(
            a_workload(ephemeralStorage="1Gi"), {}, Reason.MEMORY_INFEASIBLE, f"{2**30} byte", "0 byte", id="local disk"
        ),
        pytest.param(
            a_workload(cpu=33), {}, Reason.COMPUTE_INFEASIBLE, "33000 millicores", "32000 millicores", id="cores"
        ),
        pytest.param(
            {"load": {"requestsPerSecond": 1000}, "model": VGG16 | {"cuts": []}},
            {},
            Reason.COMPUTE_INFEASIBLE,
            f"{31 * 10**12} FLOP/s",
            f"{195 * 10**11} FLOP/s",
            id="compute rate",
        ),
        pytest.param(
            {"qos": {"compute": {"minFlopsPerSecond": "20T"}}},
            {},
            Reason.COMPUTE_INFEASIBLE,
            f"{20 * 10**12} FLOP/s",
            f"{195 * 10**11} FLOP/s",
            id="compute rate asked for",
        ),
        pytest.param(
            {},
            {"devices": [a_device(peakFlops=None), CPU_32]},
            Reason.COMPUTE_INFEASIBLE,
            f"{93 * 10**10} FLOP/s",
            "unknown: peak rate at FP32, memory bandwidth or power of nvidia.com/gpu not declared",
            id="peak rate not told",
        ),
        pytest.param(
            {"variants": [{"name": "cpu"}], **a_workload()},
            {},
            Reason.COMPUTE_INFEASIBLE,
            f"{93 * 10**10} FLOP/s",
            "unknown: resources.cpu of the workload is not set",
            id="cores not asked for",
        ),
        pytest.param(
            {"qos": {"bandwidth": {"minBitsPerSecond": "3G"}}},
            {},
            Reason.BANDWIDTH_INFEASIBLE,
            f"{3 * 10**9} bit/s",
            f"{195 * 10**7} bit/s",
            id="uplink",
        ),
        pytest.param(
            {"model": VGG16 | {"outputBits": "100M"}},
            {},
            Reason.BANDWIDTH_INFEASIBLE,
            f"{3 * 10**9} bit/s",
            f"{195 * 10**7} bit/s",
            id="downlink",
        ),
        pytest.param(
            {"qos": {}},
            {"links": []},
            Reason.BANDWIDTH_INFEASIBLE,
            f"{144 * 10**6} bit/s",
            "unknown: no link to the users is declared",
            id="no link",
        ),
        pytest.param(
            {"qos": {"bandwidth": {"maxJitterMicroseconds": 50}}},
            {},
            Reason.BANDWIDTH_INFEASIBLE,
            "50 us",
            "100 us",
            id="jitter",
        ),
        pytest.param(
            {"qos": {"bandwidth": {"minReliabilityPpm": 999_950}}},
            {},
            Reason.BANDWIDTH_INFEASIBLE,
            "999950 ppm",
            "999900 ppm",
            id="reliability",
        ),
        pytest.param({"qos": LATENCY_5}, {}, Reason.LATENCY_INFEASIBLE, "5000 us", "6156 us", id="latency"),
        pytest.param(
            {"qos": {**LATENCY_5, "bandwidth": {"enforcement": "Soft"}}},
            {"links": []},
            Reason.LATENCY_INFEASIBLE,
            "5000 us",
            "unknown: no link to the users is declared",
            id="latency without a link",
        ),
        pytest.param(
            {"qos": LATENCY_5, "load": None},
            {},
            Reason.LATENCY_INFEASIBLE,
            "5000 us",
            "unknown: spec.load.requestsPerSecond is not set",
            id="latency without a load",
        ),
        pytest.param(
            {"qos": LATENCY_5, "model": {"name": "secret"}},
            {},
            Reason.LATENCY_INFEASIBLE,
            "5000 us",
            "unknown: spec.model.flopsPerRequest is not set",
            id="latency without figures",
        ),
        pytest.param(
            {"qos": LATENCY_5, "model": VGG16 | {"cuts": []}},
            {},
            Reason.LATENCY_INFEASIBLE,
            "5000 us",
            "unknown: spec.model.cuts has no cut named Input",
            id="latency without the size of the input",
        ),
        pytest.param(
            {"qos": {**LATENCY_5, "compute": {"enforcement": "Soft"}}, "load": {"requestsPerSecond": 1000}},
            {"links": [a_link(upBitsPerSecond="10G")]},
            Reason.LATENCY_INFEASIBLE,
            "5000 us",
            "unbounded",
            id="latency under overload",
        ),
        pytest.param(
            {"qos": {"accuracy": {"minBasisPoints": 7159}}},
            {},
            Reason.ACCURACY_INFEASIBLE,
            "7159 basis points",
            "7158 basis points",
            id="accuracy",
        ),
        pytest.param(
            {"qos": {"availability": {"minPpm": 999_950}}},
            {},
            Reason.AVAILABILITY_INFEASIBLE,
            "999950 ppm",
            "999900 ppm",
            id="availability",
        ),
        pytest.param(
            {"qos": {"energy": {"maxMillijoulesPerRequest": 2000}}},
            {},
            Reason.ENERGY_BUDGET_EXCEEDED,
            "2000 mJ",
            "2202 mJ",
            id="energy",
        ),
    ],
)
def test_a_missed_limit_is_told_with_need_and_offer(
    spec: dict[str, Any], node: dict[str, Any], reason: Reason, required: str, available: str
) -> None:
    found = shortage(spec, a_compute_node(**node))
    assert (found.reason, found.required, found.available) == (reason, required, available)
    assert (found.count, found.nearest) == (1, "gnb-7")
    assert (found.available_value is None) == found.available.startswith("unknown")


def test_a_node_that_takes_no_pods_takes_no_replica() -> None:
    node = a_node(allocatable={"cpu": 32.0, "memory": 128 * GIB, "pods": 0.0})
    service = an_aiservice(variants=[{"name": "cpu"}], qos={}, load=None)
    (found,) = selected(service, nodes={node.name: node}).rejections
    assert (found.reason, found.required, found.available) == (Reason.COMPUTE_INFEASIBLE, "1 pods", "0 pods")
