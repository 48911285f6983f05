"""A service in another size bears its share of the load."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.api.aiservice import AIService
from aif.reconcile.sizing import sized
from tests.builders import CPU_VARIANT, GPU_VARIANT, an_aiservice


def a_service(replicas: int = 4, rate: float | str = 30, **spec: Any) -> AIService:
    workload = {"image": "plates:1", "replicas": replicas, "resources": {"cpu": 2}}
    return an_aiservice(workload=workload, load={"requestsPerSecond": rate}, **spec)


def size_of(service: AIService) -> tuple[int, float]:
    assert service.spec.workload is not None
    assert service.spec.load is not None
    return service.spec.workload.replicas, float(service.spec.load.requests_per_second.value)


@pytest.mark.parametrize(
    ("replicas", "rate"),
    [
        pytest.param(1, 7.5, id="a quarter"),
        pytest.param(3, 22.5, id="most of it"),
        pytest.param(8, 60.0, id="more than there is"),
        pytest.param(0, 30.0, id="nothing, which has no share"),
    ],
)
def test_the_load_follows_the_replicas(replicas: int, rate: float) -> None:
    assert size_of(sized(a_service(), replicas)) == (replicas, rate)


def test_a_share_of_the_load_keeps_its_other_figures() -> None:
    service = a_service()
    assert sized(service, 1).spec.model_dump(exclude={"load", "workload"}) == service.spec.model_dump(
        exclude={"load", "workload"}
    )


def test_a_service_of_the_same_size_is_the_same_service() -> None:
    service = a_service()
    assert sized(service, 4) is service


def test_only_the_named_variant_is_left() -> None:
    service = a_service(variants=[GPU_VARIANT, CPU_VARIANT])
    assert [variant.name for variant in sized(service, 4, service.variants[1]).variants] == ["cpu"]


def test_a_service_without_load_stays_without() -> None:
    assert sized(an_aiservice(load=None), 3).spec.load is None


def test_a_service_without_a_workload_has_no_size() -> None:
    service = an_aiservice(
        workload=None, offload="Local", ue={"count": 1, "peakFlops": "100T", "watts": 10}, variants=None
    )
    assert sized(service, 3) is service


@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 10_000))
def test_the_parts_of_a_service_bear_its_whole_load(first: int, second: int, rate: int) -> None:
    service = a_service(first + second, rate)
    parts = [size_of(sized(service, part))[1] for part in (first, second)]
    assert sum(parts) == pytest.approx(rate)


def test_rates_that_the_contract_asks_for_are_shared_as_well() -> None:
    qos = {"compute": {"minFlopsPerSecond": "8T"}, "bandwidth": {"minBitsPerSecond": "100M"}}
    workload = {"image": "plates:1", "replicas": 4, "resources": {"cpu": 2}}
    part = sized(an_aiservice(qos=qos, workload=workload), 1).spec.qos
    assert part.compute is not None
    assert part.bandwidth is not None
    assert float(part.compute.min_flops_per_second or 0) == 2e12
    assert float(part.bandwidth.min_bits_per_second or 0) == 25e6
