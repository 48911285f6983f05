"""What measuring is held against: the declared figures, whatever was learnt, or nothing."""

from __future__ import annotations

from math import isnan

import pytest

from aif.scheduling.expectation import NOTHING, expect
from tests.builders import CPU_32, CPU_VARIANT, a_compute_node, an_aiservice
from tests.reconcile.scenes import a_placement
from tests.scheduling.test_node_table import LEARNT


def test_a_request_takes_what_the_roofline_model_says_of_the_declared_device() -> None:
    service = an_aiservice()
    expected = expect(service, a_placement(service), a_compute_node(status={"calibration": [LEARNT]}))
    assert expected.device == "nvidia.com/gpu"
    assert expected.seconds == pytest.approx(31e9 / 19.5e12)
    assert expected.joules == pytest.approx(400 * 31e9 / 19.5e12)
    assert (expected.flops, expected.bits) == (31e9, 4.8e6)


def test_on_the_cpu_a_replica_has_its_share() -> None:
    service = an_aiservice(variants=[CPU_VARIANT])
    placement = a_placement(service).model_copy(update={"variant": "cpu"})
    assert expect(service, placement, a_compute_node()).seconds == pytest.approx(31e9 / (2000e9 * 8 / 32))


def test_of_a_node_that_is_gone_nothing_is_known() -> None:
    service = an_aiservice()
    assert expect(service, a_placement(service), None) is NOTHING


def test_of_a_node_without_the_device_no_time_is_known() -> None:
    service = an_aiservice()
    assert isnan(expect(service, a_placement(service), a_compute_node(devices=[CPU_32])).seconds)


def test_of_a_variant_that_is_gone_nothing_is_known() -> None:
    service = an_aiservice()
    gone = a_placement(service).model_copy(update={"variant": "gone"})
    assert expect(service, gone, a_compute_node()) is NOTHING
