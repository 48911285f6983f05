"""Parting a service: the best cut by hand and beside all cuts, and what is never acted on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aif.planning.offload import NetworkSide
from aif.planning.split.parting import WORTHWHILE, Parting, parted
from tests.builders import GPU_VARIANT, an_aiservice

CUTS = [
    {"name": "late", "ueFlops": "8G", "dataBits": "1M"},
    {"name": "Input", "ueFlops": "0", "dataBits": "100M"},
    {"name": "early", "ueFlops": "1G", "dataBits": "10M"},
]
NETWORK = NetworkSide(communication_seconds=1.0 + 0.01, compute_seconds=0.1, attainable_flops=100e9)
"""100 Mbit at 100 Mbit/s and 10 ms of round trip; 10 GFLOP at 100 GFLOP/s."""


def a_parting(
    cuts: list[dict[str, Any]] | None = None, network: NetworkSide = NETWORK, rate: float = 100e6, **changes: Any
) -> Parting | None:
    """Return how a service of 10 GFLOP is parted; a user's device has 20 GFLOP/s."""
    model = {"name": "m", "flopsPerRequest": "10G", "cuts": CUTS if cuts is None else cuts, **changes.pop("model", {})}
    spec = {"model": model, "ue": {"peakFlops": "20G", "count": 10}, "load": {"requestsPerSecond": 5}, "qos": {}}
    service = an_aiservice(**{**spec, "offload": "Auto", "variants": [GPU_VARIANT], **changes})
    return parted(service, service.variants[0], network, rate)


def test_the_best_cut_is_taken_whatever_the_order_of_the_cuts() -> None:
    found = a_parting()
    assert found is not None
    # early: 0.05 + 0.1 + 0.09; late: 0.4 + 0.01 + 0.02; each with 10 ms of round trip.
    assert (found.cut, found.user_flops, found.network_flops) == ("early", 1e9, 9e9)
    assert found.user_seconds == pytest.approx(0.05)
    assert found.communication_seconds == pytest.approx(0.11)
    assert found.network_seconds == pytest.approx(0.09)
    assert found.seconds == pytest.approx(0.25)


def test_a_thin_link_moves_the_cut_to_where_less_is_sent() -> None:
    thin = NetworkSide(10.0 + 0.01, 0.1, 100e9)
    middle = {"name": "middle", "ueFlops": "6G", "dataBits": "1M"}
    found = a_parting([*CUTS, middle], network=thin, rate=10e6)
    assert found is not None
    assert found.cut == "middle"


def test_what_waits_in_the_network_waits_at_any_cut() -> None:
    waiting = NetworkSide(1.01, 0.1 + 0.03, 100e9)
    service = an_aiservice(
        model={"name": "m", "flopsPerRequest": "10G", "cuts": CUTS},
        ue={"peakFlops": "20G", "count": 10},
        load={"requestsPerSecond": 5},
        qos={},
        offload="Auto",
    )
    found = parted(service, service.variants[0], waiting, 100e6, 0.03)
    assert found is not None
    assert found.network_seconds == pytest.approx(0.09 + 0.03)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"cuts": CUTS[1:2]}, id="no cut between the ends"),
        pytest.param({"cuts": [CUTS[0], CUTS[2]]}, id="size of the input unknown"),
        pytest.param({"network": NetworkSide(float("nan"), 0.1, 100e9)}, id="link unknown"),
        pytest.param({"network": NetworkSide(1.01, 0.1, float("nan"))}, id="rate of the node unknown"),
        pytest.param({"rate": float("nan")}, id="rate of the link unknown"),
        pytest.param({"ue": {"count": 10}}, id="users' devices unknown"),
        pytest.param({"ue": {"peakFlops": "200G", "count": 10}}, id="the device alone is faster"),
        pytest.param({"ue": {"peakFlops": "1G", "count": 10}}, id="the network alone is faster"),
        pytest.param({"load": {"requestsPerSecond": 250}}, id="more than the devices can bear"),
        pytest.param(
            {
                "model": {
                    "generation": {"flopsPerToken": "1G", "memoryTrafficBytesPerToken": "1G", "tokensPerRequest": 9}
                }
            },
            id="text is generated",
        ),
    ],
)
def test_what_gains_nothing_or_is_not_known_is_not_parted(changes: dict[str, Any]) -> None:
    assert a_parting(**changes) is None


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 200)), min_size=1, max_size=5),
    st.integers(1, 200),
    st.integers(1, 200),
)
@settings(deadline=None)
def test_no_other_cut_is_faster_and_the_gain_is_worthwhile(
    inner: list[tuple[int, int]], peak: int, megabits: int
) -> None:
    cuts = [{"name": f"c{n}", "ueFlops": f"{flop}G", "dataBits": f"{bits}M"} for n, (flop, bits) in enumerate(inner)]
    rate = megabits * 1e6
    network = NetworkSide(100e6 / rate, 0.1, 100e9)
    ue = {"peakFlops": f"{peak}G", "count": 1000}
    found = a_parting([CUTS[1], *cuts], network, rate, ue=ue)
    if found is None:
        return
    times = [flop / peak + bits * 1e6 / rate + (10 - flop) / 100 for flop, bits in inner]
    assert found.seconds == pytest.approx(min(times))
    assert found.seconds * WORTHWHILE <= min(network.seconds, 10 / peak) * (1 + 1e-9)
