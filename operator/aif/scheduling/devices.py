"""Devices of all nodes side by side, a set of columns per device type."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Self

import numpy as np

from aif.api.base import Precision
from aif.api.computenode import CPU, ComputeNode, Device
from aif.api.quantity import Quantity
from aif.planning.arrays import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class DeviceColumns:
    """The devices of one type on n nodes; NaN where a node has none, or does not tell the figure.

    Kubernetes hands out devices of one type alike, so where a node has several products of a type, the lowest figure of
    each kind is what it can promise.

    Attributes:
        count: Devices of the node; its cores for the CPU.
        memory: Bytes of one device.
        bandwidth: β of one device in byte/s; of the whole CPU.
        watts: Power of one device under full load; of the whole CPU.
        peak: π of one device in FLOP/s per precision, calibrated where the node was measured; of the whole CPU.
        rated: Whether the node tells any peak rate of the type.
    """

    count: FloatArray
    memory: FloatArray
    bandwidth: FloatArray
    watts: FloatArray
    peak: Mapping[Precision, FloatArray]
    rated: BoolArray

    @classmethod
    def of(cls, groups: Sequence[Sequence[Device]], efficiency: FloatArray) -> Self:
        """Return the columns for the device groups of one type, given node by node."""
        return cls(
            count=_column(groups, lambda devices: sum(device.count for device in devices)),
            memory=_column(groups, lambda devices: _lowest(device.memory for device in devices)),
            bandwidth=_column(groups, lambda devices: _lowest(d.memory_bandwidth_bytes_per_second for d in devices)),
            watts=_column(groups, lambda devices: _lowest(_watts(device) for device in devices)),
            peak={precision: efficiency * _peaks(groups, precision) for precision in Precision},
            rated=np.array([any(device.peak_flops for device in devices) for devices in groups], dtype=np.bool_),
        )


def device_columns(nodes: Sequence[ComputeNode], efficiency: FloatArray) -> dict[str, DeviceColumns]:
    """Return the columns of every device type that a node has; those of the CPU always.

    Args:
        nodes: The rows.
        efficiency: Attained share of the claimed rate per node; 1 where it was not measured.
    """
    groups: defaultdict[str, list[list[Device]]] = defaultdict(lambda: [[] for _ in nodes])
    for row, node in enumerate(nodes):
        for device in node.spec.capability.devices:
            groups[device.type][row].append(device)
    return {type_: DeviceColumns.of(groups[type_], efficiency) for type_ in {CPU, *groups}}


def no_devices(rows: int) -> DeviceColumns:
    """Return the columns of a type that no node has."""
    return DeviceColumns.of([()] * rows, np.ones(rows))


def _column(groups: Sequence[Sequence[Device]], figure: Callable[[Sequence[Device]], float]) -> FloatArray:
    return np.array([figure(devices) if devices else np.nan for devices in groups], dtype=np.float64)


def _lowest(figures: Iterable[Quantity | float | None]) -> float:
    """Return the lowest figure; NaN where one is missing."""
    told = list(figures)
    return nan if None in told else min(float(figure) for figure in told if figure is not None)


def _watts(device: Device) -> float | None:
    return None if device.power is None else float(device.power.max_watts)


def _peaks(groups: Sequence[Sequence[Device]], precision: Precision) -> FloatArray:
    return _column(groups, lambda devices: _lowest(_peak(device, precision) for device in devices))


def _peak(device: Device, precision: Precision) -> Quantity | None:
    return next((rate.flops_per_second for rate in device.peak_flops if rate.precision is precision), None)
