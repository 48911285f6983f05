"""What the peers write for an AIService: the children and the status that the operator makes, as plain dictionaries."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

Json = dict[str, Any]

GROUP: Final = "net4ai.io/v1alpha1"
_GPU: Final = "nvidia.com/gpu"
_NAME: Final = "net4ai.io/service"
_COPY: Final = "net4ai.io/copy"


class Picker:
    """The node for a service, naively: the next in a row, whatever it has to offer."""

    def __init__(self, nodes: Sequence[str]) -> None:
        """Choose among `nodes`."""
        self._turns = itertools.cycle(nodes)

    def pick(self) -> str:
        """Return the next node."""
        return next(self._turns)


def copy_of(service: Mapping[str, Any]) -> str:
    """Return the name of the only copy."""
    return hashlib.sha256(str(service["metadata"]["uid"]).encode()).hexdigest()[:10]


def _metadata(service: Mapping[str, Any], name: str, manager: str, copy: str = "") -> Json:
    meta = service["metadata"]
    owner = {"apiVersion": GROUP, "kind": "AIService", "name": meta["name"], "uid": meta["uid"]}
    return {
        "name": name,
        "namespace": meta["namespace"],
        "labels": _labels(service, manager, copy),
        "ownerReferences": [owner | {"controller": True, "blockOwnerDeletion": True}],
    }


def _labels(service: Mapping[str, Any], manager: str, copy: str = "") -> Json:
    name = service["metadata"]["name"]
    own = {"app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": manager, _NAME: name}
    return own | ({_COPY: copy} if copy else {})


def deployment(service: Mapping[str, Any], node: str, manager: str) -> Json:
    """Return the Deployment that runs the service on `node`."""
    name, copy, workload = service["metadata"]["name"], copy_of(service), service["spec"]["workload"]
    resources = {"cpu": "100m", "memory": "64Mi", _GPU: "1"}
    container = {
        "name": "service",
        "image": workload["image"],
        "ports": [{"name": "http", "containerPort": workload.get("port", 8080), "protocol": "TCP"}],
        "resources": {"requests": resources, "limits": {"memory": "64Mi", _GPU: "1"}},
        "readinessProbe": {"tcpSocket": {"port": "http"}, "periodSeconds": 2},
        "lifecycle": {"preStop": {"sleep": {"seconds": 3}}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "tolerations": [{"key": _GPU, "operator": "Exists"}],
        "nodeSelector": {"kubernetes.io/hostname": node},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(service, f"{name}-{copy}", manager, copy),
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 1,
            "progressDeadlineSeconds": 660,
            "selector": {"matchLabels": {_NAME: name, _COPY: copy}},
            "template": {"metadata": {"labels": _labels(service, manager, copy)}, "spec": pod},
        },
    }


def front(service: Mapping[str, Any], manager: str) -> Json:
    """Return the Service in front of it."""
    name = service["metadata"]["name"]
    port = {"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}
    meta = _metadata(service, name, manager)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta,
        "spec": {"selector": {_NAME: name}, "ports": [port]},
    }


def budget(service: Mapping[str, Any], manager: str) -> Json:
    """Return the PodDisruptionBudget over it."""
    name = service["metadata"]["name"]
    spec = {"minAvailable": 1, "selector": {"matchLabels": {_NAME: name}}, "unhealthyPodEvictionPolicy": "AlwaysAllow"}
    meta = _metadata(service, name, manager)
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": spec}


def status(service: Mapping[str, Any], node: str) -> Json:
    """Return a status with the place and as many conditions as the operator writes."""
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    generation = service["metadata"]["generation"]
    place = {
        "node": node,
        "nodeName": node,
        "tier": "Edge",
        "variant": "gpu",
        "replicas": 1,
        "cut": "Input",
        "score": 50,
        "copy": copy_of(service),
    }
    told = ("Ready", "Accepted", "Placed", "WorkloadReady", "EndpointReady", "QoSMet", "MetricsAvailable")
    conditions = [
        {
            "type": kind,
            "status": "True" if kind in ("Accepted", "Placed") else "Unknown",
            "reason": "AsExpected",
            "message": "Placed by turn",
            "lastTransitionTime": now,
            "observedGeneration": generation,
        }
        for kind in told
    ]
    return {"observedGeneration": generation, "placements": [place], "conditions": conditions}


def event(service: Mapping[str, Any], node: str, manager: str) -> Json:
    """Return the Event that says where the service was placed."""
    meta = service["metadata"]
    name = f"{meta['name']}.{copy_of(service)}"
    regarding = {"apiVersion": GROUP, "kind": "AIService", "namespace": meta["namespace"], "name": meta["name"]}
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": meta["namespace"]},
        "eventTime": datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "reportingController": f"net4ai.io/{manager}",
        "reportingInstance": manager,
        "regarding": regarding | {"uid": meta["uid"]},
        "type": "Normal",
        "reason": "Placed",
        "action": "Place",
        "note": f"Placed on {node}",
    }
