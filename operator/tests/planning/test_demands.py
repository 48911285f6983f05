"""The template of a service, taken apart into resource demands."""

from __future__ import annotations

import math
from typing import Any

import pytest

from aif.api.base import Precision
from aif.planning.demands import translate
from tests.builders import CPU_VARIANT, GIB, GPU_VARIANT, VGG16, an_aiservice

LANGUAGE_MODEL: dict[str, Any] = VGG16 | {
    "generation": {"flopsPerToken": "16G", "memoryTrafficBytesPerToken": "16G", "tokensPerRequest": 100},
    "outputBits": "8k",
}


def test_rates_are_amounts_per_request_times_the_load() -> None:
    service = an_aiservice()
    demand = translate(service, service.variants[0])
    assert demand.flops_per_second == pytest.approx(930e9)
    assert demand.memory_bandwidth == pytest.approx(18e9)
    assert demand.up_bits_per_second == pytest.approx(144e6)
    assert demand.down_bits_per_second == 0.0
    assert demand.accuracy == pytest.approx(0.7159)


def test_generated_text_adds_the_work_of_every_token() -> None:
    service = an_aiservice(model=LANGUAGE_MODEL)
    demand = translate(service, service.variants[0])
    assert demand.prompt.flops == 31e9
    assert demand.request.flops == pytest.approx(31e9 + 1600e9)
    assert demand.request.traffic == pytest.approx(0.6e9 + 1600e9)
    assert demand.flops_per_second == pytest.approx(30 * 1631e9)
    assert demand.down_bits_per_second == pytest.approx(240e3)


def test_the_contract_may_name_rates_itself() -> None:
    qos = {"compute": {"minFlopsPerSecond": "5T"}, "bandwidth": {"minBitsPerSecond": "200M"}}
    service = an_aiservice(qos=qos)
    demand = translate(service, service.variants[0])
    assert demand.flops_per_second == 5e12
    assert demand.up_bits_per_second == 200e6


def test_a_contract_that_names_no_rate_keeps_the_derived_one() -> None:
    service = an_aiservice(qos={"compute": {}, "bandwidth": {"maxJitterMicroseconds": 10}})
    demand = translate(service, service.variants[0])
    assert demand.flops_per_second == pytest.approx(930e9)
    assert demand.up_bits_per_second == pytest.approx(144e6)


def test_replicas_multiply_what_kubernetes_accounts_for() -> None:
    workload = {
        "image": "plates:1.4",
        "replicas": 3,
        "resources": {"cpu": 2, "memory": "4Gi", "ephemeralStorage": "1Gi"},
    }
    service = an_aiservice(workload=workload, variants=[{**GPU_VARIANT, "count": 2}])
    demand = translate(service, service.variants[0])
    assert demand.total == {
        "cpu": 6.0,
        "memory": 12 * GIB,
        "ephemeral-storage": 3 * GIB,
        "nvidia.com/gpu": 6.0,
        "pods": 3.0,
    }
    assert demand.servers == 6


def test_a_variant_replaces_figures_one_by_one() -> None:
    variant = {
        "name": "small",
        "resources": {"cpu": 8},
        "precision": "INT8",
        "accuracyBasisPoints": 7000,
        "flopsPerRequest": "8G",
    }
    service = an_aiservice(variants=[variant])
    demand = translate(service, service.variants[0])
    assert demand.per_replica == {"cpu": 8.0, "memory": 4 * GIB, "pods": 1.0}
    assert demand.precision is Precision.INT8
    assert demand.accuracy == pytest.approx(0.7)
    assert demand.request.flops == 8e9
    assert demand.device == "cpu"


def test_on_the_cpu_each_replica_is_one_server() -> None:
    service = an_aiservice(variants=[CPU_VARIANT])
    demand = translate(service, service.variants[0])
    assert (demand.device, demand.devices, demand.servers, demand.cores) == ("cpu", 1, 1, 8.0)


def test_a_service_without_variants_runs_on_the_cpu() -> None:
    service = an_aiservice(variants=None)
    assert translate(service, service.variants[0]).device == "cpu"


def test_a_service_scaled_to_nothing_holds_nothing_and_is_planned_as_one() -> None:
    service = an_aiservice(workload={"image": "plates:1.4", "replicas": 0, "resources": {"cpu": 2}})
    demand = translate(service, service.variants[0])
    assert demand.total["cpu"] == 0.0
    assert demand.servers == 1


def test_what_the_template_does_not_tell_is_unknown_and_not_nothing() -> None:
    service = an_aiservice(model={"name": "secret"}, load=None, qos={}, workload=None)
    demand = translate(service, service.variants[0])
    unknown = (
        demand.requests_per_second,
        demand.request.flops,
        demand.up_bits,
        demand.flops_per_second,
        demand.accuracy,
    )
    assert all(math.isnan(figure) for figure in unknown)
    assert math.isnan(demand.cores)
    assert demand.replicas == 0
