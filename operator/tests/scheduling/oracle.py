"""A second judgement of whether a service fits on a node: one node at a time, in plain Python, sharing no code.

It knows the world that `worlds` makes: one group of accelerators of one type per node, users without a site.
"""

from __future__ import annotations

import math

from aif.api.aiservice import AIService
from aif.api.base import Precision
from aif.api.computenode import ComputeNode, Device, Link
from aif.api.workload import Variant
from aif.domain.cluster import Node

SLACK = 1e-9


def fits(service: AIService, variant: Variant, place: ComputeNode, node: Node, used: dict[str, float]) -> bool:
    """Return whether every hard limit of ``service`` is met when it runs as ``variant`` on ``place``."""
    return (
        _may_serve(service, place, node)
        and _has_room(service, variant, place, node, used)
        and _keeps_up(service, variant, place)
        and _link_carries(service, place)
        and _keeps_contract(service, variant, place)
    )


def _may_serve(service: AIService, place: ComputeNode, node: Node) -> bool:
    spec, asked = place.spec, service.spec
    private = asked.qos.privacy_level.value == "Low" or (
        asked.qos.privacy_level.value == "Medium" and spec.origin.value == "InNetwork"
    )
    trusted = spec.origin.value == "InNetwork" or any(
        c.type == "Verified" and c.status == "True" for c in place.status.conditions
    )
    levels = ["Low", "Medium", "High"]
    secure = levels.index(spec.security_level.value) >= levels.index(asked.qos.security_level.value)
    selected = not asked.placement.tiers or spec.tier in asked.placement.tiers
    return private and trusted and secure and selected and node.ready == "True" and not node.unschedulable


def _has_room(service: AIService, variant: Variant, place: ComputeNode, node: Node, used: dict[str, float]) -> bool:
    workload = service.spec.workload
    assert workload is not None
    cpu = variant.resources.cpu or workload.resources.cpu
    memory = variant.resources.memory or workload.resources.memory
    needed = {
        "cpu": float(cpu) if cpu else 0.0,
        "memory": float(memory) if memory else 0.0,
        "pods": 1.0,
    }
    if variant.accelerator != "None":
        device = _device(place, variant)
        if device is None or device.count < variant.count * workload.replicas:
            return False
        needed[variant.accelerator] = float(variant.count)
        if variant.device_memory and not (device.memory and float(device.memory) >= float(variant.device_memory)):
            return False
    return all(
        amount * workload.replicas <= node.allocatable.get(resource, 0.0) - used.get(resource, 0.0) + SLACK
        for resource, amount in needed.items()
        if amount > 0
    )


def _keeps_up(service: AIService, variant: Variant, place: ComputeNode) -> bool:
    device = _device(place, variant)
    if device is not None and device.peak_flops and _peak(device, _precision(service, variant)) is None:
        return False
    if service.spec.load is None or service.spec.model.flops_per_request is None:
        return True
    seconds = _compute_seconds(service, variant, place)
    return (
        seconds is not None
        and float(service.spec.load.requests_per_second) * seconds <= _servers(service, variant) + SLACK
    )


def _link_carries(service: AIService, place: ComputeNode) -> bool:
    if service.spec.load is None or not service.data_bits:
        return True
    link = _link(place)
    rate = float(service.spec.load.requests_per_second) * service.data_bits
    return link is not None and rate <= float(link.up_bits_per_second) * (1 + SLACK)


def _keeps_contract(service: AIService, variant: Variant, place: ComputeNode) -> bool:
    qos, link = service.spec.qos, _link(place)
    if qos.latency and qos.latency.enforcement.value == "Hard":
        predicted = _latency(service, variant, place)
        if predicted is None or predicted > qos.latency.max_p99_microseconds / 1e6 * (1 + SLACK):
            return False
    if qos.energy and qos.energy.enforcement.value == "Hard":
        joules = _energy(service, variant, place)
        if joules is None or joules > qos.energy.max_millijoules_per_request / 1e3 * (1 + SLACK):
            return False
    if qos.availability and qos.availability.enforcement.value == "Hard":
        return link is not None and link.reliability_ppm >= qos.availability.min_ppm
    return True


def _latency(service: AIService, variant: Variant, place: ComputeNode) -> float | None:
    link, seconds = _link(place), _compute_seconds(service, variant, place)
    if link is None or seconds is None or service.spec.load is None:
        return None
    servers, rate = _servers(service, variant), float(service.spec.load.requests_per_second)
    offered = rate * seconds
    if offered >= servers:
        return math.inf
    below = sum(offered**k / math.factorial(k) for k in range(servers))
    top = offered**servers / math.factorial(servers) * servers / (servers - offered)
    late = top / (below + top) / 0.01
    wait = 0.5 * seconds / (servers - offered) * math.log(late) if late > 1 else 0.0
    return link.rtt_microseconds / 1e6 + service.data_bits / float(link.up_bits_per_second) + wait + seconds


def _energy(service: AIService, variant: Variant, place: ComputeNode) -> float | None:
    device, link, seconds = _device(place, variant), _link(place), _compute_seconds(service, variant, place)
    if device is None or device.power is None or link is None or seconds is None:
        return None
    sent = link.watts * service.data_bits / float(link.up_bits_per_second)
    return device.power.max_watts * _share(service, variant, device) * seconds + sent


def _compute_seconds(service: AIService, variant: Variant, place: ComputeNode) -> float | None:
    device, model = _device(place, variant), service.spec.model
    if device is None or model.flops_per_request is None:
        return None
    peak, share = _peak(device, _precision(service, variant)), _share(service, variant, device)
    if peak is None or share == 0.0:
        return None
    seconds = float(model.flops_per_request) / peak
    if traffic := float(model.memory_traffic_bytes_per_request or 0):  # without any, no bandwidth need be known
        if device.memory_bandwidth_bytes_per_second is None:
            return None
        seconds = max(seconds, traffic / float(device.memory_bandwidth_bytes_per_second))
    return seconds / share


def _share(service: AIService, variant: Variant, device: Device) -> float:
    if variant.accelerator != "None":
        return 1.0
    workload = service.spec.workload
    cpu = variant.resources.cpu or (workload.resources.cpu if workload else None)
    return min(1.0, float(cpu) / device.count) if cpu else 0.0


def _servers(service: AIService, variant: Variant) -> int:
    replicas = service.spec.workload.replicas if service.spec.workload else 0
    return max(1, replicas) * (variant.count if variant.accelerator != "None" else 1)


def _precision(service: AIService, variant: Variant) -> Precision:
    return variant.precision or service.spec.model.precision


def _peak(device: Device, precision: Precision) -> float | None:
    return next((float(r.flops_per_second) for r in device.peak_flops if r.precision == precision), None)


def _device(place: ComputeNode, variant: Variant) -> Device | None:
    wanted = "cpu" if variant.accelerator == "None" else variant.accelerator
    return next((device for device in place.spec.capability.devices if device.type == wanted), None)


def _link(place: ComputeNode) -> Link | None:
    return next((link for link in place.spec.links if link.to == "ue"), None)
