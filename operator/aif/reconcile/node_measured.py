"""What measuring says of a ComputeNode: heard of, as strong as it claims, not overloaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isnan
from typing import Any, Final

from aif.api.computenode import CPU, ComputeNode, ComputeNodeStatus, Observed
from aif.api.conditions import Reason
from aif.api.measured import DeviceCalibration, Efficiency
from aif.contract.learning import WRITE_SECONDS, far, matters, sure
from aif.contract.pressure import Pressure, percent, settled
from aif.contract.telemetry import Hearing, NodeReading
from aif.domain.cluster import Node
from aif.domain.conditions import Verdict, timestamp

LOAD_STEP: Final = 10
"""Points by which the load must have moved since it was written."""

_ROUNDING: Final = 1e-6
"""Share of an amount within which two sums of binary fractions count as equal."""

_NO_SOURCE: Final = "No metrics source is configured"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a node is held to.

    Attributes:
        node: The Node behind it; None where there is none.
        claimed: What services hold of it, per resource of Kubernetes.
        calibration: What was learnt of its devices.
    """

    node: Node | None
    claimed: Mapping[str, float]
    calibration: Sequence[DeviceCalibration]


def calibration(
    before: list[DeviceCalibration], learnt: Sequence[DeviceCalibration], now: datetime
) -> list[DeviceCalibration]:
    """Return what the status tells of calibration: what was learnt where that matters, at most once a minute."""
    known = {each.device: each for each in before} | {each.device: each for each in learnt}
    after = [known[device] for device in sorted(known)]
    latest = max((datetime.fromisoformat(each.updated_at) for each in before), default=None)
    early = latest is not None and 0.0 <= (now - latest).total_seconds() < WRITE_SECONDS
    return before if early or not matters(before, after) else after


def telemetry(reading: NodeReading | None) -> Verdict:
    """Return whether the node's exporters are heard of."""
    match reading.hearing if reading else None:
        case None:
            return Verdict("TelemetryFresh", "Unknown", Reason.METRICS_MISSING, _NO_SOURCE)
        case Hearing.FRESH | Hearing.SILENT:
            return Verdict("TelemetryFresh", "True", Reason.AS_EXPECTED)
        case Hearing.UNASKED:
            return Verdict("TelemetryFresh", "Unknown", Reason.PROMETHEUS_ERROR, "Prometheus does not answer")
        case Hearing.LOST:
            message = "No exporter has told of this node for a minute: look at the targets of Prometheus there"
            return Verdict("TelemetryFresh", "False", Reason.METRICS_STALE, message)
        case _:
            message = "No exporter tells of a node of this name: see the resource profiles and the label node"
            return Verdict("TelemetryFresh", "Unknown", Reason.METRICS_MISSING, message)


def capability(compute: ComputeNode, claims: Claims, *, measures: bool) -> Verdict:
    """Return whether the node is what it claims to be, by what Kubernetes hands out and by what was measured."""
    short = "; ".join(_lowered(compute, claims))
    if short:
        return Verdict("CapabilityVerified", "False", Reason.ALLOCATABLE_LOWERED, short)
    distant = far(claims.calibration, was_far=_was_far(compute.status))
    if distant:
        sentences = "; ".join(_sentence(device, found) for device, found in distant)
        return Verdict("CapabilityVerified", "False", Reason.CAPABILITY_NOT_ATTAINED, sentences)
    if any(sure(each) for each in claims.calibration):
        return Verdict("CapabilityVerified", "True", Reason.AS_EXPECTED)
    why = "Too little was computed here to tell" if measures else _NO_SOURCE
    return Verdict("CapabilityVerified", "Unknown", Reason.METRICS_MISSING, why)


def _was_far(status: ComputeNodeStatus) -> bool:
    return any(each.reason == Reason.CAPABILITY_NOT_ATTAINED for each in status.conditions)


def _lowered(compute: ComputeNode, claims: Claims) -> Iterator[str]:
    """Yield what the Node offers less of than was declared, or than services hold."""
    if claims.node is None:
        return
    offered, name = claims.node.allocatable, claims.node.name
    declared: dict[str, int] = {}
    for device in compute.spec.capability.devices:
        if device.type != CPU:
            declared[device.type] = declared.get(device.type, 0) + device.count
    for type_, count in declared.items():
        if offered.get(type_, 0.0) < count:
            yield f"Node {name} offers {offered.get(type_, 0.0):g} of {count} {type_} that spec.capability declares"
    for resource, held in sorted(claims.claimed.items()):
        if resource not in declared and resource in offered and offered[resource] < held * (1.0 - _ROUNDING):
            yield f"Node {name} offers {offered[resource]:g} {resource}, services hold {held:g}"


def _sentence(device: str, found: Efficiency) -> str:
    return (
        f"{device} attains {found.measured_percent} % of the rate that spec.capability declares, by "
        f"{found.observations} observations; predictions count with {found.efficiency_percent} %"
    )


def overloaded(before: ComputeNodeStatus, reading: NodeReading | None) -> Verdict:
    """Return whether a resource of the node has been under pressure for long enough."""
    if reading is None:
        return Verdict("Overloaded", "Unknown", Reason.METRICS_MISSING, _NO_SOURCE)
    if reading.raised:
        told = {row.resource: row for row in settled(before.resources, reading.raised)}
        sentences = "; ".join(
            _pressure(each, told[each.reading.level.resource].used_percent) for each in reading.raised
        )
        return Verdict("Overloaded", "True", Reason.NODE_OVERLOADED, sentences)
    if isnan(reading.load):
        return Verdict("Overloaded", "Unknown", Reason.METRICS_MISSING, "No exporter tells how busy this node is")
    return Verdict("Overloaded", "False", Reason.AS_EXPECTED)


def _pressure(pressure: Pressure, used: int | None) -> str:
    query, model = pressure.reading.query, " by the power model" if pressure.reading.estimated else ""
    value = "unknown" if used is None else f"{used} %{model}"
    return (
        f"{pressure.reading.level.resource} in use: {value}; raised at {query.raise_percent} %, "
        f"cleared at {query.clear_percent} %"
    )


def figures(
    compute: ComputeNode, reading: NodeReading | None, learnt: list[DeviceCalibration], now: datetime
) -> dict[str, Any]:
    """Return the fields of the status that hold figures."""
    pressures = reading.pressures if reading else ()
    return {
        "calibration": learnt,
        "resources": settled(compute.status.resources, pressures) if reading else compute.status.resources,
        "observed": _observed(compute.status, reading, learnt, now),
    }


def _observed(
    status: ComputeNodeStatus, reading: NodeReading | None, learnt: Sequence[DeviceCalibration], now: datetime
) -> Observed | None:
    """Return load and efficiency; a load that moved a little, or a moment ago, is not written."""
    before = status.observed or Observed()
    efficiency = min((each.compute.efficiency_percent for each in learnt if each.compute), default=None)
    efficiency = before.efficiency_percent if efficiency is None else min(1000, efficiency)
    load = None if reading is None or isnan(reading.load) else min(100, percent(reading.load))
    if load is None or not _moved(before, load, now):
        return before.model_copy(update={"efficiency_percent": efficiency}) if status.observed or efficiency else None
    return Observed(efficiency_percent=efficiency, load_percent=load, measured_at=timestamp(now))


def _moved(before: Observed, load: int, now: datetime) -> bool:
    if before.load_percent is None or before.measured_at is None:
        return True
    age = (now - datetime.fromisoformat(before.measured_at)).total_seconds()
    return abs(load - before.load_percent) >= LOAD_STEP and not 0.0 <= age < WRITE_SECONDS
