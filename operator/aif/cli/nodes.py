"""The compute nodes: what they are, what is free on them, who is on them, and why one cannot be used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from aif.api.aiservice import AIService
from aif.api.computenode import CPU, ComputeNode, Device
from aif.api.conditions import Condition
from aif.cli.figures import ABSENT, binary, rate
from aif.cli.output import grid
from aif.cli.simulation.decisions import Network
from aif.scheduling.ledger import Ledger
from aif.scheduling.usage import Usage, usage_by_node

Json = dict[str, Any]


def report(network: Network, services: Iterable[AIService], ledger: Ledger) -> Json:
    """Return all compute nodes, those nearest to the user first."""
    usages = usage_by_node(network.pods)
    placed = [(one.node, service) for service in services for one in service.status.placements]
    rows = []
    for node in sorted(network.compute_nodes, key=_order):
        guests = [
            f"{service.metadata.namespace}/{service.metadata.name}"
            for at, service in placed
            if at == node.metadata.name
        ]
        rows.append(_node(node, _free(node, network, usages, ledger), guests))
    return {"nodes": rows}


def _order(node: ComputeNode) -> tuple[int, str]:
    return list(type(node.spec.tier)).index(node.spec.tier), node.metadata.name


def _free(node: ComputeNode, network: Network, usages: Mapping[str, Usage], ledger: Ledger) -> Mapping[str, float]:
    behind = network.nodes.get(node.spec.node_name or "")
    return ledger.free(behind, usages.get(behind.name, Usage())) if behind is not None else {}


def _node(node: ComputeNode, free: Mapping[str, float], guests: list[str]) -> Json:
    ready, schedulable = _condition(node, "Ready"), _condition(node, "Schedulable")
    reserved, summary = node.status.reserved, node.status.summary
    return {
        "name": node.metadata.name,
        "tier": node.spec.tier.value,
        "origin": node.spec.origin.value,
        "node": node.spec.node_name,
        "ready": ready is not None and ready.status == "True",
        "schedulable": schedulable is not None and schedulable.status == "True",
        "reason": schedulable.reason if schedulable else "Pending",
        "message": schedulable.message if schedulable else "The operator has not looked at it yet",
        "devices": [_device(device, free) for device in node.spec.capability.devices],
        "teraflops": summary.teraflops if summary else None,
        "freeMemoryBytes": int(free["memory"]) if "memory" in free else None,
        "reservedFlopsPerSecond": reserved.flops_per_second if reserved else None,
        "services": guests,
    }


def _device(device: Device, free: Mapping[str, float]) -> Json:
    left = free.get(device.type)
    return {
        "name": device.name,
        "type": device.type,
        "model": device.model,
        "count": device.count,
        "free": None if left is None else round(left, 3),
    }


def _condition(node: ComputeNode, kind: str) -> Condition | None:
    return next((condition for condition in node.status.conditions if condition.type == kind), None)


def view(structure: Json, _screen: Console) -> RenderableType:
    """Return the report as a table, and below it why a node cannot be used."""
    table = grid("NODE", "TIER", "DEVICES", "TFLOPS", "FREE", "RESERVED", "SERVICES", "READY")
    nodes = structure["nodes"]
    namespaces = {service.partition("/")[0] for node in nodes for service in node["services"]}
    for node in nodes:
        services = node["services"] if len(namespaces) > 1 else [one.partition("/")[2] for one in node["services"]]
        table.add_row(
            Text(node["name"], style="bold"),
            node["tier"],
            "\n".join(map(_device_cell, node["devices"])),
            node["teraflops"] or ABSENT,
            _free_cell(node),
            rate(node["reservedFlopsPerSecond"] or "0", "FLOP/s"),
            "\n".join(services) or ABSENT,
            Text("yes", style="green") if node["schedulable"] else Text("no", style="red"),
        )
    unusable = [node for node in nodes if not node["schedulable"]]
    reasons = [Text.assemble((node["name"], "bold"), f": {node['reason']}: {node['message']}") for node in unusable]
    return Group(table, *([Text()] if reasons else []), *reasons)


def _device_cell(device: Json) -> str:
    if device["type"] == CPU:
        return f"{device['count']} cores"
    return f"{device['count']}x {device['model'] or device['type']}"


def _free_cell(node: Json) -> str:
    known = [device for device in node["devices"] if device["free"] is not None]
    memory = [binary(node["freeMemoryBytes"])] if node["freeMemoryBytes"] is not None else []
    return "\n".join([*(f"{device['free']:g} {_unit(device['type'])}" for device in known), *memory]) or ABSENT


def _unit(device_type: str) -> str:
    return "cores" if device_type == CPU else device_type.rpartition("/")[2]
