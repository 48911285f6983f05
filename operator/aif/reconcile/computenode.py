"""Compute management judges a ComputeNode: may it be used, and what is held of it ([AIF])."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aif.api.base import API_VERSION, Precision
from aif.api.computenode import CPU, ComputeNode, ComputeNodeStatus, ComputeNodeSummary, Device, Origin, Reserved
from aif.api.conditions import Reason
from aif.api.measured import DeviceCalibration
from aif.api.quantity import format_amount
from aif.contract.telemetry import NodeReading
from aif.domain.actions import Action, WriteStatus
from aif.domain.cluster import Node, ObjectReference
from aif.domain.conditions import Verdict, ready, settle
from aif.reconcile import node_alarms, node_measured
from aif.scheduling.ledger import Held


@dataclass(frozen=True, slots=True)
class NodeSnapshot:
    """The world as a judgement of one ComputeNode sees it.

    Attributes:
        node: Kubernetes Node of the name in its spec; None where there is none.
        speaker: Name of the ComputeNode that speaks for that Node.
        held: What services hold of it.
        claimed: What they hold of what Kubernetes hands out: cores, bytes, devices, pods.
        reading: What exporters tell of it; None where nothing measures.
        learnt: What was learnt of its devices so far.
    """

    node: Node | None
    speaker: str
    held: Held
    claimed: Mapping[str, float] = field(default_factory=dict)
    reading: NodeReading | None = None
    learnt: tuple[DeviceCalibration, ...] = ()


def reconcile(compute: ComputeNode, snapshot: NodeSnapshot, now: datetime) -> tuple[Action, ...]:
    """Return what makes the status of ``compute`` true, and tells of alarms that came or went; nothing where it is."""
    status = judge(compute, snapshot, now)
    if status.to_dict() == compute.status.to_dict():
        return ()
    here = reference(compute)
    news = node_alarms.news(here, compute.status.conditions, status.conditions)
    return (WriteStatus(here, status.to_dict()), *news)


def judge(compute: ComputeNode, snapshot: NodeSnapshot, now: datetime) -> ComputeNodeStatus:
    """Return the status: conditions, what is held, and the text of the columns."""
    parts = [_accepted(compute, snapshot), _verified(compute), _node_ready(compute, snapshot.node)]
    whole = ready(parts)
    calibration = node_measured.calibration(compute.status.calibration, snapshot.learnt, now)
    claims = node_measured.Claims(snapshot.node, snapshot.claimed, calibration)
    verdicts = [
        whole,
        *parts,
        _schedulable(whole, snapshot.node),
        node_measured.telemetry(snapshot.reading),
        node_measured.capability(compute, claims, measures=snapshot.reading is not None),
        node_measured.overloaded(compute.status, snapshot.reading),
    ]
    generation = compute.metadata.generation
    return compute.status.model_copy(
        update=node_measured.figures(compute, snapshot.reading, calibration, now)
        | {
            "observed_generation": generation,
            "conditions": settle(verdicts, compute.status.conditions, generation, now),
            "reserved": Reserved(
                flops_per_second=format_amount(snapshot.held.flops_per_second),
                services=snapshot.held.services,
                training_jobs=snapshot.held.training_jobs,
            ),
            "summary": summary(compute),
        },
    )


def _accepted(compute: ComputeNode, snapshot: NodeSnapshot) -> Verdict:
    if snapshot.speaker not in ("", compute.metadata.name):
        message = (
            f"spec.nodeName: {compute.spec.node_name} already belongs to ComputeNode {snapshot.speaker}; "
            "delete one of the two, or name another Node"
        )
        return Verdict("Accepted", "False", Reason.NAME_CONFLICT, message)
    return Verdict("Accepted", "True", Reason.AS_EXPECTED)


def _verified(compute: ComputeNode) -> Verdict:
    if compute.spec.origin is Origin.IN_NETWORK:
        return Verdict("Verified", "True", Reason.AS_EXPECTED, "The node belongs to the network")
    message = "An external node is not used before its provider's statement is verified"
    return Verdict("Verified", "False", Reason.VERIFICATION_PENDING, message)


def _node_ready(compute: ComputeNode, node: Node | None) -> Verdict:
    if node is None:
        name = compute.spec.node_name
        message = f"spec.nodeName: no Node {name} in this cluster" if name else "spec.nodeName: no Node has joined yet"
        return Verdict("NodeReady", "False", Reason.NODE_NOT_JOINED, message)
    match node.ready:
        case "True":
            return Verdict("NodeReady", "True", Reason.AS_EXPECTED)
        case "False":
            return Verdict("NodeReady", "False", Reason.NODE_NOT_READY, f"Node {node.name} is not ready")
        case _:
            message = f"The kubelet of Node {node.name} has stopped reporting"
            return Verdict("NodeReady", "False", Reason.NODE_UNREACHABLE, message)


def _schedulable(whole: Verdict, node: Node | None) -> Verdict:
    if whole.status != "True":
        return Verdict("Schedulable", "False", whole.reason, whole.message)
    if node is not None and node.unschedulable:
        return Verdict("Schedulable", "False", Reason.NODE_CORDONED, f"Node {node.name} is cordoned")
    return Verdict("Schedulable", "True", Reason.AS_EXPECTED)


def summary(compute: ComputeNode) -> ComputeNodeSummary:
    """Return the text of the printer columns."""
    devices = compute.spec.capability.devices
    accelerators = [f"{device.count}x {device.model or device.type}" for device in devices if device.type != CPU]
    watts = sum(device.power.max_watts * _units(device) for device in devices if device.power)
    return ComputeNodeSummary(
        accelerator=", ".join(accelerators)[:128] or "none",
        teraflops=f"{sum(map(_teraflops, devices)):.1f}",
        power=f"{watts} W" if watts else "",
    )


def _units(device: Device) -> int:
    """Return how often the figures of ``device`` count: those of a CPU are of the whole CPU."""
    return 1 if device.type == CPU else device.count


def _teraflops(device: Device) -> float:
    rates = (rate for rate in device.peak_flops if rate.precision is Precision.FP32)
    return sum(float(rate.flops_per_second) for rate in rates) * _units(device) / 1e12


def reference(compute: ComputeNode) -> ObjectReference:
    """Return the identity of ``compute``."""
    return ObjectReference(API_VERSION, "ComputeNode", "", compute.metadata.name, compute.metadata.uid)
