"""Objects that are valid as they come; a test overrides the one thing it is about.

The defaults are the worked example of the field: VGG-16 on a radio site with one accelerator ([6GANA] section 5).
Fields of the spec are given by keyword and replace the default as a whole; ``None`` leaves a field out.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.domain.cluster import Node, Pod

GIB: Final = float(2**30)
NOON: Final = datetime(2030, 1, 1, 12, tzinfo=UTC)

VGG16: Final[dict[str, Any]] = {
    "name": "vgg16",
    "precision": "FP32",
    "accuracyBasisPoints": 7159,
    "flopsPerRequest": "31G",
    "memoryTrafficBytesPerRequest": "600M",
    "cuts": [{"name": "Input", "ueFlops": 0, "dataBits": "4800k"}],
}
GPU_VARIANT: Final[dict[str, Any]] = {"name": "gpu", "accelerator": "nvidia.com/gpu", "count": 1}
CPU_VARIANT: Final[dict[str, Any]] = {"name": "cpu", "resources": {"cpu": 8}}

A100: Final[dict[str, Any]] = {
    "name": "gpu",
    "type": "nvidia.com/gpu",
    "model": "NVIDIA-A100-SXM4-40GB",
    "count": 1,
    "memory": "40Gi",
    "memoryBandwidthBytesPerSecond": "1555G",
    "peakFlops": [{"precision": "FP32", "flopsPerSecond": "19500G"}],
    "power": {"idleWatts": 50, "maxWatts": 400},
}
CPU_32: Final[dict[str, Any]] = {
    "name": "cpu",
    "type": "cpu",
    "count": 32,
    "memory": "128Gi",
    "memoryBandwidthBytesPerSecond": "200G",
    "peakFlops": [{"precision": "FP32", "flopsPerSecond": "2000G"}],
    "power": {"idleWatts": 60, "maxWatts": 200},
}
RADIO_LINK: Final[dict[str, Any]] = {
    "to": "ue",
    "upBitsPerSecond": "1950M",
    "downBitsPerSecond": "1950M",
    "rttMicroseconds": 800,
    "jitterMicroseconds": 100,
    "reliabilityPpm": 999_900,
    "watts": 636,
}


def a_link(to: str = "ue", **overrides: Any) -> dict[str, Any]:
    """Return a link as it stands in a manifest."""
    return {**RADIO_LINK, "to": to, **overrides}


def a_device(base: dict[str, Any] | None = None, **overrides: Any) -> dict[str, Any]:
    """Return a device as it stands in a manifest, an accelerator by default; ``None`` leaves a field out."""
    return _without_none({**(A100 if base is None else base), **overrides})


def an_aiservice(
    name: str = "plates", *, namespace: str = "default", status: dict[str, Any] | None = None, **spec: Any
) -> AIService:
    """Return an inference service with a latency target of 20 ms, in a variant for accelerators."""
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{namespace}-{name}", "generation": 1}
    defaults: dict[str, Any] = {
        "serviceType": "Inference",
        "model": VGG16,
        "load": {"requestsPerSecond": 30},
        "qos": {"latency": {"maxP99Microseconds": 20_000}},
        "workload": {"image": "plates:1.4", "replicas": 1, "resources": {"cpu": 2, "memory": "4Gi"}},
        "variants": [GPU_VARIANT],
    }
    return AIService.model_validate(
        {
            "metadata": metadata | spec.pop("metadata", {}),
            "spec": _without_none(defaults | spec),
            "status": status or {},
        }
    )


def a_compute_node(
    name: str = "gnb-7",
    *,
    devices: list[dict[str, Any]] | None = None,
    status: dict[str, Any] | None = None,
    **spec: Any,
) -> ComputeNode:
    """Return an in-network radio site with one accelerator; its Node is ``worker-`` and its name."""
    defaults: dict[str, Any] = {
        "tier": "RAN",
        "origin": "InNetwork",
        "nodeName": f"worker-{name}",
        "capability": {"devices": [A100, CPU_32] if devices is None else devices},
        "links": [RADIO_LINK],
        "securityLevel": "Medium",
        "price": {"microUnitsPerDeviceHour": 900_000},
        "carbonGramsPerKWh": 380,
    }
    return ComputeNode.model_validate(
        {
            "metadata": {"name": name, "uid": f"uid-{name}", "generation": 1} | spec.pop("metadata", {}),
            "spec": _without_none(defaults | spec),
            "status": status or {},
        }
    )


def a_node(name: str = "worker-gnb-7", **overrides: Any) -> Node:
    """Return a ready Node with the resources of the default ComputeNode."""
    defaults: dict[str, Any] = {
        "uid": f"uid-{name}",
        "labels": {"kubernetes.io/hostname": name},
        "ready": "True",
        "allocatable": {"cpu": 32.0, "memory": 128 * GIB, "pods": 110.0, "nvidia.com/gpu": 1.0},
    }
    return Node(name=name, **{**defaults, **overrides})


def a_pod(name: str = "plates-0", **overrides: Any) -> Pod:
    """Return a bound pod that is not of ours, with a small request."""
    defaults: dict[str, Any] = {
        "namespace": "default",
        "uid": f"uid-{name}",
        "node": "worker-gnb-7",
        "requests": {"cpu": 1.0, "memory": GIB},
        "ready": True,
    }
    return Pod(name=name, **{**defaults, **overrides})


def _without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}
