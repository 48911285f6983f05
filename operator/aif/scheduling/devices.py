"""Devices of all nodes side by side, a set of columns per device type."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from aif.api.base import Precision
from aif.api.computenode import CPU, ComputeNode, Device
from aif.planning.arrays import BoolArray, FloatArray, IntArray
from aif.scheduling.patching import arranged, patched

_FIGURES: Final = 3 + len(Precision)
"""Figures of a device: memory, bandwidth, power, and a peak rate per precision."""


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
        figures = np.array([_lowest(devices) for devices in groups], dtype=np.float64).reshape(-1, _FIGURES)
        memory, bandwidth, watts, *peaks = figures.T
        counts = [sum(device.count for device in devices) if devices else np.nan for devices in groups]
        return cls(
            count=np.array(counts, dtype=np.float64),
            memory=memory,
            bandwidth=bandwidth,
            watts=watts,
            peak={precision: efficiency * peak for precision, peak in zip(Precision, peaks, strict=True)},
            rated=np.array([any(device.peak_flops for device in devices) for devices in groups], dtype=np.bool_),
        )

    def patched(self, at: IntArray, part: Self) -> Self:
        """Return the columns whose rows ``at`` are those of ``part``."""
        return type(self)(
            count=patched(self.count, at, part.count),
            memory=patched(self.memory, at, part.memory),
            bandwidth=patched(self.bandwidth, at, part.bandwidth),
            watts=patched(self.watts, at, part.watts),
            peak={precision: patched(self.peak[precision], at, part.peak[precision]) for precision in Precision},
            rated=patched(self.rated, at, part.rated),
        )

    def arranged(self, order: IntArray) -> Self:
        """Return the columns with the rows ``order``."""
        return type(self)(
            count=np.take(self.count, order),
            memory=np.take(self.memory, order),
            bandwidth=np.take(self.bandwidth, order),
            watts=np.take(self.watts, order),
            peak=arranged(self.peak, order),
            rated=np.take(self.rated, order),
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


def _lowest(devices: Sequence[Device]) -> Sequence[float]:
    """Return the lowest of each figure over ``devices``; NaN where one does not tell it, or there is none."""
    match [_figures(device) for device in devices]:
        case []:
            return [np.nan] * _FIGURES
        case [only]:
            return only
        case several:
            return [float(figure) for figure in np.min(np.array(several), axis=0)]


def _figures(device: Device) -> list[float]:
    rates = {rate.precision: rate.flops_per_second for rate in device.peak_flops}
    watts = None if device.power is None else device.power.max_watts
    told = (device.memory, device.memory_bandwidth_bytes_per_second, watts, *(rates.get(p) for p in Precision))
    return [np.nan if figure is None else float(figure) for figure in told]
