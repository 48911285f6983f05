"""A copy: the immutable Deployment that runs one variant of a service on one node."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from aif.api.aiservice import AIService
from aif.api.base import API_VERSION, FIELD_MANAGER
from aif.api.migration_status import Placement
from aif.api.trainingjob import JobVariant
from aif.api.workload import NO_ACCELERATOR, EnvironmentVariable, Resources, Variant, Volume, Workload
from aif.domain.cluster import COPY_LABEL, MANAGED_BY, SERVICE_LABEL
from aif.domain.policy import Policy

HOSTNAME = "kubernetes.io/hostname"
INGRESS = "kubernetes.io/ingress-bandwidth"
"""Annotation of a pod by which the bandwidth plug-in of the network bounds what it receives."""

DRAIN_SECONDS = 3
"""A stopping replica goes on answering this long: until all nodes have taken it off their lists."""
PROBE_SECONDS = 5
"""A replica may take so long to say that it is ready: one that is slow still answers its users, and stays."""

Json = dict[str, Any]


def copy_id(service: AIService, node_name: str, variant: Variant) -> str:
    """Return the name of the copy: the same for the same pods, so that a repeated decision makes no second one.

    Fields that do not change pods, such as weights or replicas, do not change it either.
    """
    workload = service.spec.workload
    identity = [
        service.metadata.uid,
        node_name,
        variant.to_dict(),
        workload.model_dump(mode="json", exclude={"replicas"}) if workload else None,
        service.spec.priority_class_name,
    ]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:10]


def labels(service: AIService, copy: str = "") -> dict[str, str]:
    """Return the labels of a child; of one copy where it is named."""
    own = {
        "app.kubernetes.io/name": service.metadata.name,
        MANAGED_BY: FIELD_MANAGER,
        SERVICE_LABEL: service.metadata.name,
    }
    return own | ({COPY_LABEL: copy} if copy else {})


def metadata(service: AIService, name: str, copy: str = "") -> Json:
    """Return the metadata of a child in the service's namespace, owned by it."""
    return {
        "name": name,
        "namespace": service.metadata.namespace,
        "labels": labels(service, copy),
        "ownerReferences": [
            {
                "apiVersion": API_VERSION,
                "kind": "AIService",
                "name": service.metadata.name,
                "uid": service.metadata.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            },
        ],
    }


def deployment(service: AIService, placement: Placement, variant: Variant, hostname: str, policy: Policy) -> Json:
    """Return the Deployment of the copy that ``placement`` names, bound to its node by a node selector."""
    workload = _workload(service)
    copy = placement.copy_id
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(service, f"{service.metadata.name}-{copy}", copy),
        "spec": {
            "replicas": placement.replicas,
            "revisionHistoryLimit": 1,
            "progressDeadlineSeconds": workload.startup_seconds + 60,
            "selector": {"matchLabels": {SERVICE_LABEL: service.metadata.name, COPY_LABEL: copy}},
            "template": {
                "metadata": {"labels": labels(service, copy), **present({"annotations": _traffic(placement)})},
                "spec": _pod(service, placement, variant, policy) | {"nodeSelector": {HOSTNAME: hostname}},
            },
        },
    }


def _workload(service: AIService) -> Workload:
    if service.spec.workload is None:  # a rule of the kind: only a service that is served locally has none
        raise ValueError(service.metadata.name)
    return service.spec.workload


def _traffic(placement: Placement) -> Json:
    rate = placement.share and placement.share.ingress_bits_per_second
    return {INGRESS: rate} if rate else {}


def _pod(service: AIService, placement: Placement, variant: Variant, policy: Policy) -> Json:
    workload = _workload(service)
    optional: Json = {
        "priorityClassName": service.spec.priority_class_name,
        "runtimeClassName": workload.runtime_class_name,
        "imagePullSecrets": [{"name": name} for name in workload.image_pull_secrets],
        "volumes": [_volume(volume) for volume in workload.volumes],
        "tolerations": [
            {"key": key, "operator": "Exists"} for key in policy.accelerator_tolerations.get(variant.accelerator, ())
        ],
    }
    return {
        "terminationGracePeriodSeconds": DRAIN_SECONDS + service.spec.migration.drain_seconds,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [_container(workload, variant, placement)],
        **present(optional),
    }


def _container(workload: Workload, variant: Variant, placement: Placement) -> Json:
    optional: Json = {
        "command": workload.command,
        "args": [*workload.args, *variant.args],
        "env": [variable(one) for one in workload.env],
        "volumeMounts": [_mount(volume) for volume in workload.volumes],
        "startupProbe": _startup_probe(workload),
    }
    return {
        "name": "service",
        "image": workload.image,
        "ports": [{"name": "http", "containerPort": workload.port, "protocol": "TCP"}],
        "resources": resource_fields(workload.resources, variant, placement.share.cpu if placement.share else None),
        "readinessProbe": _check(workload.readiness_path) | {"periodSeconds": 2, "timeoutSeconds": PROBE_SECONDS},
        "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        **present(optional),
    }


def _check(path: str | None) -> Json:
    return {"httpGet": {"path": path, "port": "http"}} if path else {"tcpSocket": {"port": "http"}}


def _startup_probe(workload: Workload) -> Json | None:
    if workload.startup_path is None:
        return None
    period = 5
    return _check(workload.startup_path) | {
        "periodSeconds": period,
        "failureThreshold": -(-workload.startup_seconds // period),
    }


def resource_fields(common: Resources, variant: Variant | JobVariant, cores: str | None = None) -> Json:
    """Return requests and limits of a container: those of the variant replace the common ones, one by one.

    Args:
        common: What all variants ask for.
        variant: What this one asks for.
        cores: Most cores that it may take, where it asks for some; no limit when absent.
    """
    merged = common.to_dict() | variant.resources.to_dict()
    requests = {name: merged[key] for key, name in _RESOURCE_NAMES.items() if key in merged}
    limits = {name: amount for name, amount in requests.items() if name != "cpu"}
    if cores is not None and "cpu" in requests:
        limits["cpu"] = cores
    if variant.accelerator != NO_ACCELERATOR:
        devices = {variant.accelerator: str(variant.count)}
        requests, limits = requests | devices, limits | devices
    return present({"requests": requests, "limits": limits})


_RESOURCE_NAMES = {"cpu": "cpu", "memory": "memory", "ephemeralStorage": "ephemeral-storage"}


def variable(asked: EnvironmentVariable) -> Json:
    """Return an environment variable with its source."""
    if asked.secret_key is not None:
        return {"name": asked.name, "valueFrom": {"secretKeyRef": asked.secret_key.to_dict()}}
    if asked.config_map_key is not None:
        return {"name": asked.name, "valueFrom": {"configMapKeyRef": asked.config_map_key.to_dict()}}
    return {"name": asked.name, "value": asked.value or ""}


def _volume(volume: Volume) -> Json:
    sources: Mapping[str, Json | None] = {
        "persistentVolumeClaim": {"claimName": volume.claim_name} if volume.claim_name else None,
        "configMap": {"name": volume.config_map_name} if volume.config_map_name else None,
        "secret": {"secretName": volume.secret_name} if volume.secret_name else None,
        "emptyDir": {"medium": "Memory", "sizeLimit": str(volume.memory.size)} if volume.memory else None,
    }
    return {"name": volume.name, **present(sources)}


def _mount(volume: Volume) -> Json:
    read_only = volume.read_only or volume.config_map_name is not None or volume.secret_name is not None
    return {"name": volume.name, "mountPath": volume.mount_path, "readOnly": read_only}


def present(fields: Mapping[str, Any]) -> Json:
    """Return the fields that say something."""
    return {name: value for name, value in fields.items() if value}
