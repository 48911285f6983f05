"""Local or network compute, band by band."""

from __future__ import annotations

from math import nan
from typing import Any

import pytest

from aif.api.aiservice import AIService, Offload
from aif.planning.offload import NetworkSide, decide
from tests.builders import VGG16, an_aiservice

# T_UE of the worked example: 31 GFLOP at 1.4 TFLOP/s = 22.14 ms, 0.66 J at 30 W.
PHONE = {"count": 40, "peakFlops": "1400G", "watts": 30}
STRONG, WEAK = 19.5e12, 1e12


def a_service(**spec: Any) -> AIService:
    """Return a service that may run on either side."""
    return an_aiservice(**{"offload": "Auto", "ue": PHONE, "qos": {}, **spec})


def side(communication: float, compute: float, attainable: float = STRONG) -> NetworkSide:
    """Return a network side by its times in milliseconds."""
    return NetworkSide(communication / 1e3, compute / 1e3, attainable)


LATENCY_20 = {"latency": {"maxP99Microseconds": 20_000}}
LATENCY_25 = {"latency": {"maxP99Microseconds": 25_000}}
ENERGY_HALF_JOULE = {"energy": {"maxMillijoulesPerRequest": 500}}


@pytest.mark.parametrize(
    ("service", "network", "chosen"),
    [
        pytest.param(a_service(), side(30, 1), Offload.LOCAL, id="done before the data has travelled"),
        pytest.param(a_service(), side(2.5, 1.6), Offload.NETWORK, id="network faster, travel included"),
        pytest.param(a_service(), side(20, 10), Offload.NETWORK, id="between: network attains more"),
        pytest.param(a_service(), side(20, 10, WEAK), Offload.LOCAL, id="between: device attains more"),
        pytest.param(a_service(qos=LATENCY_25), side(20, 10), Offload.LOCAL, id="between: network misses the target"),
        pytest.param(
            a_service(qos=ENERGY_HALF_JOULE), side(20, 10, WEAK), Offload.NETWORK, id="between: too much energy"
        ),
        pytest.param(a_service(load={"requestsPerSecond": 2000}), side(30, 1), Offload.NETWORK, id="device overloaded"),
        pytest.param(a_service(load=None), side(30, 1), Offload.LOCAL, id="without a declared load"),
        pytest.param(a_service(ue=None), side(30, 1), Offload.NETWORK, id="device not described"),
        pytest.param(a_service(), None, Offload.LOCAL, id="no node fits"),
        pytest.param(a_service(qos=LATENCY_25), None, Offload.LOCAL, id="no node fits and the device is quick enough"),
        pytest.param(a_service(qos=LATENCY_20), None, None, id="no node fits and the device is too slow"),
        pytest.param(a_service(ue=None), None, None, id="no node fits and no device is described"),
        pytest.param(a_service(offload="Local"), side(1, 1), Offload.LOCAL, id="asked for local"),
        pytest.param(a_service(offload="Network"), side(99, 99), Offload.NETWORK, id="asked for network"),
    ],
)
def test_the_side_is_chosen_by_time_and_roofline(
    service: AIService, network: NetworkSide | None, chosen: Offload | None
) -> None:
    decision = decide(service, network)
    assert decision.chosen is chosen
    assert decision.reason


def test_a_soft_target_lets_a_slow_device_serve_where_no_node_fits() -> None:
    soft = {"latency": {"maxP99Microseconds": 20_000, "enforcement": "Soft"}}
    assert decide(a_service(qos=soft), None).chosen is Offload.LOCAL


def test_the_decision_keeps_the_times_it_was_made_from() -> None:
    decision = decide(a_service(), side(2.5, 1.6))
    assert decision.local.seconds == pytest.approx(22.14e-3, abs=1e-5)
    assert decision.local.joules == pytest.approx(0.664, abs=1e-3)
    assert decision.local.utilisation == pytest.approx(30 / 40 * 0.02214, abs=1e-4)
    assert decision.network is not None
    assert decision.network.seconds == pytest.approx(4.1e-3)


def test_without_a_known_link_the_roofline_alone_decides() -> None:
    assert decide(a_service(), NetworkSide(nan, 1e-3, STRONG)).chosen is Offload.NETWORK


def test_neither_side_serves_a_target_that_it_misses() -> None:
    for network in (side(20, 10), side(30, 10)):
        assert decide(a_service(qos=LATENCY_25, model=VGG16), network).chosen is Offload.LOCAL
