"""What dashboards draw per service and node: the load of each promise, and it goes with its service."""

from __future__ import annotations

import pytest

from aif.contract.alarms import Finding, Phase
from aif.contract.limits import limits_of
from aif.contract.readings import Gap
from aif.contract.telemetry import Hearing, NodeReading
from aif.contract.watch import Judged
from aif.gateways.exposition import Exposition
from aif.handlers.gauges import Gauges
from tests.builders import a_compute_node, an_aiservice


def judged(value: float | None) -> tuple[Judged, ...]:
    """Return what is known of the latency of the default service, whose target is 20 ms."""
    (limit,) = limits_of(an_aiservice())
    return (Judged(limit, Finding.MET, Gap.NONE, value, value, 0.0, Phase.QUIET, 0.0, 0.0, estimated=False),)


def test_the_load_of_a_promise_is_shown_while_it_is_known_and_its_service_there() -> None:
    metrics = Exposition()
    gauges, labels = Gauges(metrics), {"aiservice_namespace": "default", "aiservice": "plates", "dimension": "latency"}
    gauges.contracts([an_aiservice()], lambda _: judged(0.015))
    assert metrics.registry.get_sample_value("aif_contract_load", labels) == pytest.approx(0.75)
    gauges.contracts([an_aiservice()], lambda _: judged(None))
    assert metrics.registry.get_sample_value("aif_contract_load", labels) is None
    gauges.contracts([an_aiservice()], lambda _: None)
    gauges.contracts([], lambda _: judged(0.015))
    assert metrics.registry.get_sample_value("aif_contract_load", labels) is None


def test_the_load_of_a_node_is_shown_while_it_is_known() -> None:
    metrics = Exposition()
    gauges, labels = Gauges(metrics), {"compute_node": "gnb-7"}
    gauges.nodes([a_compute_node()], lambda _: NodeReading(Hearing.FRESH, (), 0.4))
    assert metrics.registry.get_sample_value("aif_node_load", labels) == 0.4
    gauges.nodes([a_compute_node()], lambda _: NodeReading(Hearing.FRESH))
    assert metrics.registry.get_sample_value("aif_node_load", labels) is None
