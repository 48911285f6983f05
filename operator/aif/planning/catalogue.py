"""Public figures of accelerators, by the product name that feature discovery puts on a Node.

Rates are dense: a data sheet's rate "with sparsity" counts half. Memory is in powers of ten, as data sheets give it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aif.api.base import Precision

TERA: Final = 1e12
GIGA: Final = 1e9
_UNITS: Final = (("G", 10**9), ("M", 10**6), ("k", 10**3), ("", 1))


@dataclass(frozen=True, slots=True)
class Product:
    """What one device of a product can do.

    Attributes:
        model: Product name, as in the label.
        teraflops: Peak rate per precision, in 10^12 operations a second, without sparsity.
        gigabytes: Memory in 10^9 bytes; None where it depends on the machine.
        gigabytes_per_second: Memory bandwidth.
        watts: Power under full load.
        source: Public document that the figures are from.
    """

    model: str
    teraflops: Mapping[Precision, float]
    gigabytes: float | None
    gigabytes_per_second: float
    watts: int
    source: str

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as they stand in a device of a ComputeNode."""
        rates = sorted(self.teraflops.items(), key=lambda item: tuple(Precision).index(item[0]))
        memory = {} if self.gigabytes is None else {"memory": _amount(self.gigabytes * GIGA)}
        return {
            "model": self.model,
            **memory,
            "memoryBandwidthBytesPerSecond": _amount(self.gigabytes_per_second * GIGA),
            "peakFlops": [
                {"precision": precision.value, "flopsPerSecond": _amount(rate * TERA)} for precision, rate in rates
            ],
            "power": {"maxWatts": self.watts},
        }


def accelerator(product: str) -> Product | None:
    """Return the product of that label value, with or without the vendor's prefix; None where it is not known.

    Devices that are shared or partitioned bear a suffix in their name, so they are not taken for whole ones.
    """
    return _BY_NAME.get(product.removeprefix("NVIDIA-"))


def cpu_estimate(cores: float) -> Product:
    """Return a cautious estimate for ``cores`` hardware threads of a processor that nobody described.

    Each is taken for a thread of an EPYC 7763: 64 cores with two threads each, 2.45 GHz, two 256-bit fused
    multiply-adds a cycle (32 FLOP at FP32), eight channels of DDR4-3200 (204.8 GB/s), 280 W. Narrower formats count as
    FP32.
    """
    fp32 = 2.45 * 32 / 2 * cores / 1e3
    narrow = dict.fromkeys((Precision.FP32, Precision.BF16, Precision.FP16, Precision.INT8), fp32)
    return Product(
        model="estimate after AMD EPYC 7763",
        teraflops={Precision.FP64: fp32 / 2, **narrow},
        gigabytes=None,
        gigabytes_per_second=204.8 / 128 * cores,
        watts=max(1, round(280 / 128 * cores)),
        source="AMD EPYC 7003 Series Processors Data Sheet; an estimate, not a measurement",
    )


def _amount(value: float) -> str:
    """Return ``value`` as a whole number of the largest unit up to G."""
    whole = round(value)
    unit, scale = next((unit, scale) for unit, scale in _UNITS if whole % scale == 0)
    return f"{whole // scale}{unit}"


def _ampere(fp32: float, tf32: float, int8: float, fp64: float | None = None) -> dict[Precision, float]:
    """Return the rates of a device whose tensor cores double from TF32 to FP16, INT8 and INT4."""
    double = {} if fp64 is None else {Precision.FP64: fp64}
    half = int8 / 2
    return double | {
        Precision.FP32: fp32,
        Precision.TF32: tf32,
        Precision.BF16: half,
        Precision.FP16: half,
        Precision.INT8: int8,
        Precision.INT4: int8 * 2,
    }


def _fp8(fp32: float, tf32: float, fp8: float, fp64: float | None = None) -> dict[Precision, float]:
    """Return the rates of a device whose tensor cores compute FP8 as fast as INT8, and FP16 half as fast."""
    double = {} if fp64 is None else {Precision.FP64: fp64}
    half = fp8 / 2
    return double | {
        Precision.FP32: fp32,
        Precision.TF32: tf32,
        Precision.BF16: half,
        Precision.FP16: half,
        Precision.FP8: fp8,
        Precision.INT8: fp8,
    }


def _volta(fp64: float, fp32: float, fp16: float) -> dict[Precision, float]:
    return {Precision.FP64: fp64, Precision.FP32: fp32, Precision.FP16: fp16}


_A100_SHEET: Final = "NVIDIA A100 Tensor Core GPU Datasheet"
_A100: Final = _ampere(19.5, 156, 624, fp64=9.7)
_H100_SHEET: Final = "NVIDIA H100 Tensor Core GPU Datasheet"
_H100: Final = _fp8(67, 494.5, 1979, fp64=34)
_V100_SHEET: Final = "NVIDIA V100 Tensor Core GPU Datasheet"
_V100_SXM2: Final = _volta(7.8, 15.7, 125)
_V100_PCIE: Final = _volta(7, 14, 112)
_T4: Final = {Precision.FP32: 8.1, Precision.FP16: 65.0, Precision.INT8: 130.0, Precision.INT4: 260.0}
_ORIN: Final = {Precision.FP32: 5.3, Precision.INT8: 85.0}
_MI210: Final = {
    Precision.FP64: 22.6,
    Precision.FP32: 22.6,
    Precision.BF16: 181.0,
    Precision.FP16: 181.0,
    Precision.INT8: 181.0,
    Precision.INT4: 181.0,
}
_MI300X: Final = {
    Precision.FP64: 81.7,
    Precision.FP32: 163.4,
    Precision.TF32: 653.7,
    Precision.BF16: 1307.4,
    Precision.FP16: 1307.4,
    Precision.FP8: 2614.9,
    Precision.INT8: 2614.9,
}

PRODUCTS: Final = (
    Product("NVIDIA-A100-SXM4-40GB", _A100, 40, 1555, 400, _A100_SHEET),
    Product("NVIDIA-A100-SXM4-80GB", _A100, 80, 2039, 400, _A100_SHEET),
    Product("NVIDIA-A100-PCIE-40GB", _A100, 40, 1555, 250, _A100_SHEET),
    Product("NVIDIA-A100-80GB-PCIe", _A100, 80, 1935, 300, _A100_SHEET),
    Product("NVIDIA-H100-80GB-HBM3", _H100, 80, 3350, 700, _H100_SHEET),
    Product("NVIDIA-H100-PCIe", _fp8(51, 378, 1513, fp64=26), 80, 2000, 350, _H100_SHEET),
    Product("NVIDIA-H200", _H100, 141, 4800, 700, "NVIDIA H200 Tensor Core GPU Datasheet"),
    Product("NVIDIA-L4", _fp8(30.3, 60, 242.5), 24, 300, 72, "NVIDIA L4 Tensor Core GPU Datasheet"),
    Product("NVIDIA-L40S", _fp8(91.6, 183, 733), 48, 864, 350, "NVIDIA L40S GPU Datasheet"),
    Product("NVIDIA-A10", _ampere(31.2, 62.5, 250), 24, 600, 150, "NVIDIA A10 Tensor Core GPU Datasheet"),
    Product("NVIDIA-A30", _ampere(10.3, 82, 330, fp64=5.2), 24, 933, 165, "NVIDIA A30 Tensor Core GPU Datasheet"),
    Product("Tesla-T4", _T4, 16, 300, 70, "NVIDIA T4 Tensor Core GPU Datasheet"),
    Product("Tesla-V100-SXM2-16GB", _V100_SXM2, 16, 900, 300, _V100_SHEET),
    Product("Tesla-V100-SXM2-32GB", _V100_SXM2, 32, 900, 300, _V100_SHEET),
    Product("Tesla-V100-PCIE-16GB", _V100_PCIE, 16, 900, 250, _V100_SHEET),
    Product("Tesla-V100-PCIE-32GB", _V100_PCIE, 32, 900, 250, _V100_SHEET),
    Product("Jetson-AGX-Orin-64GB", _ORIN, 64, 204.8, 60, "NVIDIA Jetson AGX Orin Series Technical Brief"),
    Product("AMD_Instinct_MI210", _MI210, 64, 1638, 300, "AMD Instinct MI210 Accelerator Data Sheet"),
    Product("AMD_Instinct_MI300X_OAM", _MI300X, 192, 5300, 750, "AMD Instinct MI300X Accelerator Data Sheet"),
)
"""All known accelerators."""

_BY_NAME: Final = {product.model.removeprefix("NVIDIA-"): product for product in PRODUCTS}
