"""Figures of products."""

from __future__ import annotations

import pytest

from aif.api.base import Precision
from aif.api.computenode import Device
from aif.planning.catalogue import PRODUCTS, Product, accelerator, cpu_estimate


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.model)
def test_every_product_is_a_valid_device_with_a_source(product: Product) -> None:
    device = Device.model_validate({"name": "gpu", "type": "nvidia.com/gpu"} | product.to_dict())
    assert device.power is not None
    assert product.source
    assert {rate.precision for rate in device.peak_flops} == set(product.teraflops)
    assert device.memory is not None
    assert float(device.memory) == product.gigabytes * 1e9 if product.gigabytes else True


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.model)
def test_a_narrower_format_is_never_slower(product: Product) -> None:
    order = [Precision.FP64, Precision.FP32, Precision.TF32, Precision.FP16, Precision.INT8, Precision.INT4]
    rates = [product.teraflops[precision] for precision in order if precision in product.teraflops]
    assert rates == sorted(rates)


@pytest.mark.parametrize(
    "label",
    [
        pytest.param("NVIDIA-A100-SXM4-40GB", id="recent drivers"),
        pytest.param("A100-SXM4-40GB", id="drivers before the vendor's name was added"),
    ],
)
def test_a_product_is_found_by_its_label(label: str) -> None:
    product = accelerator(label)
    assert product is not None
    assert product.to_dict()["peakFlops"][1] == {"precision": "FP32", "flopsPerSecond": "19500G"}


@pytest.mark.parametrize(
    "label",
    [
        pytest.param("", id="no label"),
        pytest.param("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb", id="a slice"),
        pytest.param("NVIDIA-A100-SXM4-40GB-SHARED", id="a share"),
    ],
)
def test_what_is_not_a_whole_known_device_has_no_figures(label: str) -> None:
    assert accelerator(label) is None


def test_a_processor_is_estimated_by_its_threads_and_says_so() -> None:
    product = cpu_estimate(128)
    assert product.teraflops[Precision.FP32] == pytest.approx(5.0176)
    assert product.gigabytes_per_second == pytest.approx(204.8)
    assert product.watts == 280
    assert "estimate" in product.source
    assert "memory" not in product.to_dict()


def test_names_are_unique() -> None:
    assert len({product.model for product in PRODUCTS}) == len(PRODUCTS)
