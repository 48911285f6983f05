"""The children of a training job: a Job, a ConfigMap and a NetworkPolicy per role, a Service where others dial it."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from aif.api.base import API_VERSION, FIELD_MANAGER
from aif.api.trainingjob import TrainingJob
from aif.domain.cluster import JOB_LABEL, MANAGED_BY, ROLE_LABEL
from aif.domain.learning import (
    ACCESS,
    AGGREGATOR,
    CLIENT,
    FORWARDING,
    MANAGER,
    TRAINER,
    RoleGroup,
    roles_of,
)
from aif.reconcile.copies import present
from aif.reconcile.training.files import STATUS_PORT, STREAM_PORT, role_file, service_name

Json = dict[str, Any]

FILE: Final = "role.json"

NUMBER_LABEL: Final = "batch.kubernetes.io/job-completion-index"
"""Of the pods of an Indexed Job."""


def metadata(job: TrainingJob, role: str, **labels: str) -> Json:
    """Return the metadata of a role's child, owned by the job."""
    meta = job.metadata
    return {
        "name": service_name(job, role),
        "namespace": meta.namespace,
        "labels": role_labels(job, role) | labels,
        "ownerReferences": [owner(job)],
    }


def owner(job: TrainingJob) -> Json:
    """Return the reference by which a child belongs to the job."""
    return {
        "apiVersion": API_VERSION,
        "kind": "TrainingJob",
        "name": job.metadata.name,
        "uid": job.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def secret_name(job: TrainingJob) -> str:
    """Return the name of the Secret with the certificates: of this very job, not of an earlier one of its name."""
    return f"{job.metadata.name}-tls-{hashlib.sha256(job.metadata.uid.encode()).hexdigest()[:8]}"


def config_map(job: TrainingJob, role: RoleGroup) -> Json:
    """Return the ConfigMap with the file of a role."""
    text = json.dumps(role_file(job, role), indent=1, sort_keys=True)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(job, role.name), "data": {FILE: text}}


def service(job: TrainingJob, role: RoleGroup) -> Json:
    """Return the Service under which others dial a role; it leads to a pod that is not ready yet as well.

    Of workers that learn together it leads to the first, where they find one another.
    """
    selector = {JOB_LABEL: job.metadata.name, ROLE_LABEL: role.name}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(job, role.name),
        "spec": {
            "selector": selector | ({NUMBER_LABEL: "0"} if role.pods > 1 else {}),
            "publishNotReadyAddresses": True,
            "ports": [{"name": "stream", "port": STREAM_PORT, "targetPort": STREAM_PORT, "protocol": "TCP"}],
        },
    }


def network_policy(job: TrainingJob, role: RoleGroup) -> Json:
    """Return who may dial a role: nobody but those that have to, so no terminal reaches a server of a group."""
    rules: list[Json] = []
    if dialling := callers(job, role):
        peers = [{"podSelector": {"matchLabels": {JOB_LABEL: job.metadata.name, ROLE_LABEL: one}}} for one in dialling]
        # Workers that learn together connect to one another at ports that the system gives them.
        ports = [] if role.name in dialling else [{"protocol": "TCP", "port": STREAM_PORT}]
        rules.append({"from": peers, **present({"ports": ports})})
    if role.name in (AGGREGATOR, TRAINER):
        rules.append({"ports": [{"protocol": "TCP", "port": STATUS_PORT}]})
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(job, role.name),
        "spec": {
            "podSelector": {"matchLabels": {JOB_LABEL: job.metadata.name, ROLE_LABEL: role.name}},
            "policyTypes": ["Ingress"],
            **present({"ingress": rules}),
        },
    }


def callers(job: TrainingJob, role: RoleGroup) -> list[str]:
    """Return the roles that dial ``role``."""
    names = [other.name for other in roles_of(job)]
    local = [name for name in names if name.startswith("local-")]
    if role.name == AGGREGATOR:
        direct = [] if MANAGER in names and all(_served(job)) else [CLIENT]
        return [name for name in names if name in ("evaluator", MANAGER)] + local + direct
    dialled = {MANAGER: [ACCESS, FORWARDING, *local], ACCESS: [CLIENT], FORWARDING: [CLIENT]}
    dialled |= {TRAINER: [TRAINER] if role.pods > 1 else []}
    return dialled.get(role.name, [FORWARDING] if role.group else [])


def _served(job: TrainingJob) -> list[bool]:
    served = {role.group for role in roles_of(job) if role.group}
    return [group.name in served for group in job.spec.groups] or [bool(served)]


def certificates(job: TrainingJob) -> tuple[Json, dict[str, tuple[str, ...]]]:
    """Return the Secret to be filled, and under which names each role is dialled."""
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": secret_name(job),
            "namespace": job.metadata.namespace,
            "labels": {MANAGED_BY: FIELD_MANAGER, JOB_LABEL: job.metadata.name},
            "ownerReferences": [owner(job)],
        },
        "type": "Opaque",
    }
    return body, {role.name: (service_name(job, role.name),) for role in roles_of(job)}


def role_labels(job: TrainingJob, role: str) -> dict[str, str]:
    """Return the labels of a role's children and pods."""
    return {
        "app.kubernetes.io/name": job.metadata.name,
        MANAGED_BY: FIELD_MANAGER,
        JOB_LABEL: job.metadata.name,
        ROLE_LABEL: role,
    }
