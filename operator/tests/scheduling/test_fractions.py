"""Parts of a device are resources like any other: what a Node lists is counted, what it does not list is not there."""

from __future__ import annotations

from typing import Any

import pytest

from aif.api.aiservice import AIService
from aif.api.conditions import Reason
from aif.planning.demands import translate
from aif.scheduling.ledger import Ledger
from tests.builders import CPU_32, GIB, a_compute_node, a_device, a_node, an_aiservice
from tests.scheduling.fleet import a_claim, selected

MIG = "nvidia.com/mig-1g.5gb"
SHARED = "nvidia.com/gpu.shared"

fractions = pytest.mark.parametrize(
    "resource",
    [
        pytest.param(MIG, id="a slice of a partitioned device"),
        pytest.param(SHARED, id="a turn on a time-sliced device"),
        pytest.param("nvidia.com/gpucores", id="a share of the cores of a virtual device"),
        pytest.param("nvidia.com/gpumem", id="a share of the memory of a virtual device"),
    ],
)


def a_service(resource: str, count: int = 2, **variant: Any) -> AIService:
    """Return a light service that takes so many of ``resource``."""
    own = {"name": "part", "accelerator": resource, "count": count, **variant}
    return an_aiservice(variants=[own], load={"requestsPerSecond": 1}, qos={})


def decided(service: AIService, resource: str, listed: float = 7.0, **options: Any) -> Any:  # noqa: ANN401
    """Return the selection for ``service`` on a node that has seven of ``resource``, of which its Node lists some."""
    part = a_device(name="part", type=resource, count=7, memory="5Gi")
    node = a_node(allocatable={"cpu": 32.0, "memory": 128 * GIB, "pods": 110.0, resource: listed})
    return selected(service, a_compute_node(devices=[part, CPU_32]), nodes={node.name: node}, **options)


@fractions
def test_a_fraction_is_demanded_and_held_under_its_own_name(resource: str) -> None:
    chosen = decided(a_service(resource), resource).chosen
    assert chosen.claim.resources[resource] == 2.0
    assert "nvidia.com/gpu" not in chosen.claim.resources


@fractions
def test_fractions_are_never_promised_twice(resource: str) -> None:
    held = a_claim(resources={resource: 6.0})
    selection = decided(a_service(resource), resource, claims=[held])
    assert selection.reason is Reason.CAPACITY_RESERVED
    assert decided(a_service(resource, 1), resource, claims=[held]).chosen is not None


@fractions
def test_the_ledger_counts_fractions(resource: str) -> None:
    ledger, node = Ledger(), a_node(allocatable={resource: 7.0})
    nodes = {node.name: node}
    assert ledger.settle("one", [a_claim("one", resources={resource: 5.0})], nodes, ()) is None
    short = ledger.settle("two", [a_claim("two", resources={resource: 3.0})], nodes, ())
    assert short is not None
    assert (short.resource, short.free) == (resource, 2.0)


def test_what_the_node_lists_counts_and_not_what_was_declared() -> None:
    assert decided(a_service(MIG, 3), MIG, listed=2.0).reason is Reason.ACCELERATOR_UNAVAILABLE


def test_a_whole_device_is_no_fraction_of_one() -> None:
    assert decided(a_service("nvidia.com/gpu", 1), MIG).reason is Reason.ACCELERATOR_UNAVAILABLE


def test_a_slice_holds_a_model_that_fits_its_own_memory() -> None:
    assert decided(a_service(MIG, deviceMemory="4Gi"), MIG).chosen is not None
    assert decided(a_service(MIG, deviceMemory="20Gi"), MIG).reason is Reason.MEMORY_INFEASIBLE


def test_figures_are_those_of_one_fraction() -> None:
    service = a_service(MIG, 2)
    demand, chosen = translate(service, service.variants[0]), decided(service, MIG).chosen
    assert demand.servers == 2
    assert chosen.forecast.attainable_flops == pytest.approx(19.5e12), "as the device of that type declares it"
