"""Devices of all nodes side by side, a set of columns per device type."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from aif.api.base import Precision
from aif.api.computenode import CPU, ComputeNode, Device
from aif.api.measured import Efficiency
from aif.planning.arrays import BoolArray, FloatArray, IntArray
from aif.planning.demands import Demand
from aif.planning.kpi.request import Servers
from aif.scheduling.patching import arranged, patched

_FIGURES: Final = 3 + len(Precision)
"""Figures of a device: memory, bandwidth, power, and a peak rate per precision."""

_DECLARED: Final = 100
"""Efficiency in per cent of a device that was not measured: as declared."""


@dataclass(frozen=True, slots=True, eq=False)
class DeviceColumns:
    """The devices of one type on n nodes; NaN where a node has none, or does not tell the figure.

    Kubernetes hands out devices of one type alike, so where a node has several products of a type, the lowest figure of
    each kind is what it can promise.

    Attributes:
        count: Devices of the node; its cores for the CPU.
        memory: Bytes of one device.
        bandwidth: β of one device in byte/s, calibrated; of the whole CPU.
        watts: Power of one device under full load, calibrated; of the whole CPU.
        peak: π of one device in FLOP/s per precision, calibrated where the node was measured; of the whole CPU.
        rated: Whether the node tells any peak rate of the type.
        attained: Share of the declared rates that the calibrated ones are; 1 where nothing was measured.
        thrift: Declared power by the calibrated one; 1 where nothing was measured.
    """

    count: FloatArray
    memory: FloatArray
    bandwidth: FloatArray
    watts: FloatArray
    peak: Mapping[Precision, FloatArray]
    rated: BoolArray
    attained: FloatArray
    thrift: FloatArray

    @classmethod
    def of(
        cls, groups: Sequence[Sequence[Device]], attained: FloatArray | None = None, thrift: FloatArray | None = None
    ) -> Self:
        """Return the columns for the device groups of one type, given node by node; declared where not calibrated."""
        attained = np.ones(len(groups)) if attained is None else attained
        thrift = np.ones(len(groups)) if thrift is None else thrift
        figures = np.array([_lowest(devices) for devices in groups], dtype=np.float64).reshape(-1, _FIGURES)
        memory, bandwidth, watts, *peaks = figures.T
        counts = [sum(device.count for device in devices) if devices else np.nan for devices in groups]
        return cls(
            count=np.array(counts, dtype=np.float64),
            memory=memory,
            bandwidth=attained * bandwidth,
            watts=watts / thrift,
            peak={precision: attained * peak for precision, peak in zip(Precision, peaks, strict=True)},
            rated=np.array([any(device.peak_flops for device in devices) for devices in groups], dtype=np.bool_),
            attained=attained,
            thrift=thrift,
        )

    @property
    def declared(self) -> Self:
        """Return the columns as the nodes declare them, whatever was measured."""
        return replace(
            self,
            bandwidth=self.bandwidth / self.attained,
            watts=self.watts * self.thrift,
            peak={precision: peak / self.attained for precision, peak in self.peak.items()},
            attained=np.ones_like(self.attained),
            thrift=np.ones_like(self.thrift),
        )

    def servers(self, demand: Demand) -> Servers:
        """Return what computes one request: a device, or the share of the CPU that the cores of a replica are."""
        share = np.minimum(1.0, demand.cores / self.count) if demand.device == CPU else np.ones(len(self.count))
        return Servers(share * self.peak[demand.precision], share * self.bandwidth, share * self.watts)

    def patched(self, at: IntArray, part: Self) -> Self:
        """Return the columns whose rows ``at`` are those of ``part``."""
        return type(self)(
            count=patched(self.count, at, part.count),
            memory=patched(self.memory, at, part.memory),
            bandwidth=patched(self.bandwidth, at, part.bandwidth),
            watts=patched(self.watts, at, part.watts),
            peak={precision: patched(self.peak[precision], at, part.peak[precision]) for precision in Precision},
            rated=patched(self.rated, at, part.rated),
            attained=patched(self.attained, at, part.attained),
            thrift=patched(self.thrift, at, part.thrift),
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
            attained=np.take(self.attained, order),
            thrift=np.take(self.thrift, order),
        )


def device_columns(nodes: Sequence[ComputeNode]) -> dict[str, DeviceColumns]:
    """Return the columns of every device type that a node has, calibrated where measured; those of the CPU always."""
    groups: defaultdict[str, list[list[Device]]] = defaultdict(lambda: [[] for _ in nodes])
    for row, node in enumerate(nodes):
        for device in node.spec.capability.devices:
            groups[device.type][row].append(device)
    return {type_: _columns(groups[type_], nodes, type_) for type_ in {CPU, *groups}}


def _columns(groups: Sequence[Sequence[Device]], nodes: Sequence[ComputeNode], type_: str) -> DeviceColumns:
    learnt = [_learnt(node, type_) for node in nodes]
    attained, thrift = np.array(learnt, dtype=np.float64).reshape(-1, 2).T / 100.0
    return DeviceColumns.of(groups, attained, thrift)


def _learnt(node: ComputeNode, type_: str) -> tuple[int, int]:
    """Return the efficiency of a type of device in computing and in power, in per cent of what is declared."""
    status = node.status
    for known in status.calibration:
        if known.device == type_:
            return _percent(known.compute), _percent(known.power)
    observed = None if status.calibration or status.observed is None else status.observed.efficiency_percent
    return observed or _DECLARED, _DECLARED


def _percent(learnt: Efficiency | None) -> int:
    return _DECLARED if learnt is None else learnt.efficiency_percent


def no_devices(rows: int) -> DeviceColumns:
    """Return the columns of a type that no node has."""
    return DeviceColumns.of([()] * rows)


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
