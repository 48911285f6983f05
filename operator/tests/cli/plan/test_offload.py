"""`aif plan offload`: bands, demands, roofline, and profiles that are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Aif

SAMPLES = Path(__file__).parents[4] / "docs" / "samples"
PROFILE: dict[str, Any] = {
    "model": {"accuracy": 0.7, "inputBits": 1e6, "totalFlop": 1e9},
    "user": {"flopPerSecond": 1e12, "watts": 10},
    "network": {"flopPerSecond": 1e13, "watts": 100},
    "link": {"bitPerSecond": 1e9, "watts": 100},
}
"""T_UE, T_comm and the compute time of the network are 1 ms, 1 ms and 0.1 ms."""


def decided(aif: Aif, **changes: Any) -> dict[str, Any]:
    """Return what is printed for the profile with parts of it changed."""
    body = {**PROFILE, **{k: {**PROFILE[k], **v} if isinstance(v, dict) else v for k, v in changes.items()}}
    result = aif("plan", "offload", "-f", "-", "-o", "json", stdin=yaml.safe_dump(body))
    assert (result.status, result.err) == (0, "")
    structure: dict[str, Any] = json.loads(result.out)
    return structure


def test_the_structure_has_exactly_these_keys(aif: Aif) -> None:
    assert list(decided(aif)) == [
        "decision",
        "chosen",
        "reason",
        "userSeconds",
        "transferSeconds",
        "networkSeconds",
    ]


@pytest.mark.parametrize(
    ("changes", "band", "chosen", "reason"),
    [
        pytest.param({}, "Local", "Local", "done before data arrives", id="equal to the transfer"),
        pytest.param({"user": {"flopPerSecond": 9e11}}, "Network", "Network", "faster", id="slower than the network"),
        pytest.param({"link": {"bitPerSecond": 1.05e9}}, "Compare", "Network", "network attains", id="between"),
        pytest.param(
            {"link": {"bitPerSecond": 1.05e9}, "latencyDemandSeconds": 1.01e-3},
            "Compare",
            "Local",
            "network misses the latency target",
            id="between, the network misses the demand",
        ),
        pytest.param(
            {"link": {"bitPerSecond": 1.05e9}, "latencyDemandSeconds": 1.1e-3},
            "Compare",
            "Network",
            "network attains",
            id="between, both meet the demand",
        ),
        pytest.param(
            {
                "link": {"bitPerSecond": 1.05e9},
                "model": {"memoryTrafficBytes": 1e8},
                "user": {"memoryBytePerSecond": 1e11},
                "network": {"memoryBytePerSecond": 9.9e10},
            },
            "Compare",
            "Local",
            "user's device attains",
            id="between, memory binds the network more",
        ),
        pytest.param(
            {"link": {"bitPerSecond": 1.05e9}, "energyBudgetJoules": 5e-3, "network": {"flopPerSecond": 1e12}},
            "Compare",
            "Network",
            "more energy than granted",
            id="between, local compute takes too much energy",
        ),
        pytest.param({"requestsPerSecond": 1000}, "Local", "Network", "more than the peak", id="device overloaded"),
        pytest.param(
            {"link": {"upBitPerSecond": 1.05e9}}, "Compare", "Network", "network attains", id="rate of the uplink"
        ),
    ],
)
def test_times_and_demands_decide(aif: Aif, changes: dict[str, Any], band: str, chosen: str, reason: str) -> None:
    structure = decided(aif, **changes)
    assert (structure["decision"], structure["chosen"]) == (band, chosen)
    assert reason in structure["reason"]


def test_times_are_those_of_the_roofline(aif: Aif) -> None:
    memory = {"model": {"memoryTrafficBytes": 1e8}, "user": {"memoryBytePerSecond": 1e10}}
    structure = decided(aif, **memory)
    assert structure["userSeconds"] == pytest.approx(10e-3)
    assert structure["transferSeconds"] == pytest.approx(1e-3)
    assert structure["networkSeconds"] == pytest.approx(0.1e-3)


def test_a_profile_of_inference_is_taken_as_it_is(aif: Aif) -> None:
    result = aif("plan", "offload", "-f", str(SAMPLES / "kpi-inference.yaml"))
    assert result.status == 0
    assert "Network: the network is faster, travel included (by time: Network)" in result.out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"latencyDemandSeconds": 0}, "latencyDemandSeconds: must be greater than 0", id="zero"),
        pytest.param({"latencyDemandSeconds": -1}, "latencyDemandSeconds: must be greater than 0", id="negative"),
        pytest.param({"latencyDemandSeconds": float("nan")}, "latencyDemandSeconds: must be a finite", id="NaN"),
        pytest.param({"latencyDemand": 1}, "latencyDemand: there is no such field; did you mean", id="unknown"),
        pytest.param({"user": {"watts": "3"}}, "user.watts: must be a valid number", id="text"),
        pytest.param({"model": {"totalFlop": None}}, "model.totalFlop: is required", id="missing"),
        pytest.param({"user": {"memoryBytePerSecond": 0}}, "user.memoryBytePerSecond: must be greater", id="no memory"),
    ],
)
def test_a_profile_that_breaks_a_rule_is_refused_by_field(aif: Aif, changes: dict[str, Any], message: str) -> None:
    body = {**PROFILE, **{k: {**PROFILE.get(k, {}), **v} if isinstance(v, dict) else v for k, v in changes.items()}}
    result = aif("plan", "offload", "-f", "-", stdin=yaml.safe_dump(body))
    assert (result.status, result.out) == (1, "")
    assert f"error: stdin: {message}" in result.err


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_the_roofline_can_be_drawn(aif: Aif, tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / f"roofline.{suffix}"
    assert aif("plan", "offload", "-f", str(SAMPLES / "plan-offload.yaml"), "--plot", str(picture)).status == 0
    assert picture.stat().st_size > 1000
