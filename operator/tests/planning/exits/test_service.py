"""Exit and cut of a service, together: the most accurate that is in time, by hand and beside all pairs."""

from __future__ import annotations

from math import nan
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aif.planning.exits.service import ExitChoice, exit_of
from aif.planning.offload import NetworkSide
from tests.builders import GPU_VARIANT, an_aiservice

EXITS = [
    {"name": "early", "flops": "2G", "accuracyBasisPoints": 6000},
    {"name": "middle", "flops": "6G", "accuracyBasisPoints": 7000},
]
CUTS = [
    {"name": "Input", "ueFlops": "0", "dataBits": "10M"},
    {"name": "pool1", "ueFlops": "1G", "dataBits": "1M"},
    {"name": "pool2", "ueFlops": "5G", "dataBits": "500k"},
]
NETWORK = NetworkSide(communication_seconds=0.1 + 0.01, compute_seconds=0.1, attainable_flops=100e9)
"""10 Mbit at 100 Mbit/s and 10 ms of round trip; 10 GFLOP at 100 GFLOP/s."""

DEVICE = 20e9


def chosen(
    milliseconds: int, *, network: NetworkSide = NETWORK, rate: float = 100e6, wait: float = 0.0, **spec: Any
) -> ExitChoice | None:
    """Return exit and cut of a model of 10 GFLOP and 76 % under a latency target; a device has 20 GFLOP/s."""
    model = {"name": "m", "flopsPerRequest": "10G", "accuracyBasisPoints": 7600, "cuts": CUTS, "exits": EXITS}
    usual: dict[str, Any] = {
        "model": model | spec.pop("model", {}),
        "ue": {"peakFlops": "20G", "count": 10},
        "load": {"requestsPerSecond": 5},
        "offload": "Auto",
        "qos": {"latency": {"maxP99Microseconds": 1000 * milliseconds}},
        "variants": [GPU_VARIANT],
    }
    service = an_aiservice(**usual | spec)
    return exit_of(service, service.variants[0], network, rate, wait_seconds=wait)


@pytest.mark.parametrize(
    ("milliseconds", "name", "cut", "seconds", "in_time"),
    [
        # Output: after Input 0.01 + 0.1 + 0.1; after pool1 0.01 + 0.05 + 0.01 + 0.09; after pool2 0.01 + 0.25 + ...
        pytest.param(161, "Output", "pool1", 0.16, True, id="time for all of the model"),
        pytest.param(125, "middle", "pool1", 0.12, True, id="time for the middle exit"),
        pytest.param(90, "early", "pool1", 0.08, True, id="time for the early exit"),
        pytest.param(50, "early", "pool1", 0.08, False, id="time for none: the quickest"),
    ],
)
def test_the_most_accurate_exit_that_is_in_time_is_taken(
    milliseconds: int, name: str, cut: str, seconds: float, *, in_time: bool
) -> None:
    found = chosen(milliseconds)
    assert found is not None
    assert (found.name, found.cut, found.in_time) == (name, cut, in_time)
    assert found.seconds == pytest.approx(seconds)


def test_a_service_that_asks_for_the_network_is_never_cut() -> None:
    found = chosen(161, offload="Network")
    assert found is not None
    assert (found.name, found.cut) == ("early", "Input")
    assert found.seconds == pytest.approx(0.13)


def test_devices_that_cannot_bear_their_part_get_none() -> None:
    found = chosen(161, ue={"peakFlops": "20G", "count": 10}, load={"requestsPerSecond": 250})
    assert found is not None
    assert found.cut == "Input"


def test_an_exit_below_a_hard_accuracy_is_not_taken_although_it_is_quicker() -> None:
    latency = {"maxP99Microseconds": 90_000}
    found = chosen(90, qos={"latency": latency, "accuracy": {"minBasisPoints": 6500}})
    assert found is not None
    assert (found.name, found.in_time) == ("middle", False)
    soft = chosen(90, qos={"latency": latency, "accuracy": {"minBasisPoints": 6500, "enforcement": "Soft"}})
    assert soft is not None
    assert soft.name == "early"


def test_what_waits_in_the_network_waits_before_any_exit() -> None:
    found = chosen(125, network=NetworkSide(0.11, 0.13, 100e9), wait=0.03)
    assert found is not None
    assert found.name == "early"
    assert found.seconds == pytest.approx(0.11)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"model": {"exits": []}}, id="no exits"),
        pytest.param({"qos": {}}, id="no latency target"),
        pytest.param({"network": NetworkSide(nan, 0.1, 100e9)}, id="an unknown link"),
        pytest.param({"network": NetworkSide(0.11, 0.1, nan)}, id="an unknown node"),
        pytest.param({"rate": 0.0}, id="an unknown rate"),
        pytest.param({"model": {"cuts": []}}, id="an unknown input"),
        pytest.param(
            {
                "model": {
                    "generation": {"flopsPerToken": 1, "memoryTrafficBytesPerToken": 1, "tokensPerRequest": 9},
                }
            },
            id="text",
        ),
    ],
)
def test_nothing_is_chosen(changes: dict[str, Any]) -> None:
    assert chosen(100, **changes) is None


@settings(deadline=None, max_examples=50)
@given(milliseconds=st.integers(1, 400), rate=st.sampled_from([1e6, 20e6, 100e6, 1e9]), device=st.integers(1, 200))
def test_no_pair_of_exit_and_cut_is_better(milliseconds: int, rate: float, device: int) -> None:
    network = NetworkSide(10e6 / rate + 0.01, 0.1, 100e9)
    found = chosen(milliseconds, network=network, rate=rate, ue={"peakFlops": f"{device}G", "count": 10_000})
    assert found is not None
    pairs = [
        (accuracy, 0.01 + bits / rate + flops / (device * 1e9) + (whole - flops) / 100e9)
        for whole, accuracy in ((2e9, 0.6), (6e9, 0.7), (10e9, 0.76))
        for flops, bits in ((0.0, 10e6), (1e9, 1e6), (5e9, 5e5))
        if flops < whole
    ]
    limit = milliseconds / 1e3
    assume(all(abs(seconds - limit) > 1e-9 for _, seconds in pairs))  # either answer is right on the very limit
    in_time = [pair for pair in pairs if pair[1] <= limit]
    if in_time:
        best = max(accuracy for accuracy, _ in in_time)
        quickest = min(seconds for accuracy, seconds in in_time if accuracy == best)
        assert found.accuracy == pytest.approx(best)
        assert found.in_time
    else:
        quickest = min(seconds for _, seconds in pairs)
        assert not found.in_time
    assert found.seconds == pytest.approx(quickest)
