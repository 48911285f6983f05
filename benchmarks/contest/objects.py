"""The objects of a contest: nodes of eight accelerators, services and plain pods that each want one."""

from __future__ import annotations

from typing import Any, Final

from network import GPU, a_compute_node, a_service, a_workload, accelerated, within

Json = dict[str, Any]

GPUS: Final = 8
"""Accelerators of a node."""

_TIERS: Final = ("RAN", "Edge", "Core", "Cloud")
_ROUND_TRIP: Final = (800, 6_000, 15_000, 40_000)
_RESOURCES: Final = {"cpu": "32", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "110", GPU: str(GPUS)}


def node_name(number: int) -> str:
    """Return the name of a Node and of the ComputeNode that speaks for it."""
    return f"node-{number:05}"


def node(number: int) -> Json:
    """Return a Node that is Ready as it is created: nothing keeps it alive, and nothing has to."""
    condition = {"type": "Ready", "status": "True", "reason": "Bench", "lastTransitionTime": "2030-01-01T00:00:00Z"}
    name = node_name(number)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
        "status": {"capacity": _RESOURCES, "allocatable": _RESOURCES, "conditions": [condition]},
    }


def compute_node(number: int) -> Json:
    """Return the ComputeNode of a Node; tiers take turns."""
    tier = number % len(_TIERS)
    return a_compute_node(node_name(number), tier=_TIERS[tier], gpus=GPUS, round_trip=_ROUND_TRIP[tier] + number % 97)


def service(number: int) -> Json:
    """Return an AIService with a latency contract and an accelerator."""
    return a_service(f"service-{number:05}", variants=accelerated(), workload=a_workload(replicas=1), **within(200))


def pod(number: int) -> Json:
    """Return a pod with an accelerator, for the scheduler of Kubernetes itself."""
    resources = {"requests": {"cpu": "100m", "memory": "64Mi", GPU: "1"}, "limits": {"memory": "64Mi", GPU: "1"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"pod-{number:05}"},
        "spec": {
            "automountServiceAccountToken": False,
            "containers": [{"name": "service", "image": "plates:1", "resources": resources}],
        },
    }
