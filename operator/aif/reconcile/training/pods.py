"""The Job of a role: its pods, bound to their nodes, without a token, in the restricted profile."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from typing import Final

from aif.api.trainingjob import JobVariant, Tls, TrainingJob
from aif.api.trainingjob_status import RolePlacement
from aif.domain.cluster import JOB_LABEL, ROLE_LABEL
from aif.domain.learning import (
    AGGREGATOR,
    CLIENT,
    COMPRESSOR,
    EVALUATOR,
    MANAGER,
    TEMPLATE_LABEL,
    TRAINER,
    RoleGroup,
    roles_of,
)
from aif.domain.policy import Policy
from aif.reconcile.copies import HOSTNAME, Json, present, resource_fields, variable
from aif.reconcile.training.children import FILE, callers, metadata, role_labels, secret_name
from aif.reconcile.training.files import CLAIMS, STREAM_PORT, TLS_FOLDER, service_name
from aif.reconcile.training.signing import signed_secret
from aif.scheduling.roles import SMALL

NOBODY: Final = 65532
"""User and group of the pods, to whom the claims' files belong."""

GRACE_SECONDS: Final = 20
LOST_SECONDS: Final = 20
"""A pod on a node that is gone is given up after so long."""

RETRIES: Final = 1000
"""Failed pods of a role are made anew so often: a job ends by its own rules, not by this one."""

FOLDER: Final = "/etc/aif/role"


def batch_job(
    job: TrainingJob, role: RoleGroup, placements: Sequence[RolePlacement], hosts: dict[str, str], policy: Policy
) -> Json:
    """Return the Job of a role: bound to its nodes, without a token, in the restricted profile.

    Args:
        job: Whose role it is.
        role: The role.
        placements: Where its pods go.
        hosts: Label ``kubernetes.io/hostname`` of each Node, and addresses of the Services, by name.
        policy: Tolerations.
    """
    variant = next((one for one in job.variants if one.name == placements[0].variant), None) if role.learns else None
    pod = _pod(job, role, placements, variant, policy, hosts)
    mark = _mark(pod, role.pods)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(job, role.name, **{TEMPLATE_LABEL: mark}),
        "spec": {
            "completions": role.pods,
            "parallelism": role.pods,
            "completionMode": "Indexed" if role.numbered else "NonIndexed",
            "backoffLimit": RETRIES,
            "template": {"metadata": {"labels": role_labels(job, role.name)}, "spec": pod},
        },
    }


def _mark(pod: Json, count: int) -> str:
    return hashlib.sha256(json.dumps([pod, count], sort_keys=True).encode()).hexdigest()[:10]


def _pod(
    job: TrainingJob,
    role: RoleGroup,
    placements: Sequence[RolePlacement],
    variant: JobVariant | None,
    policy: Policy,
    hosts: dict[str, str],
) -> Json:
    workload = job.spec.workload
    nodes = sorted({hosts[each.node_name] for each in placements})
    optional: Json = {
        "priorityClassName": job.spec.priority_class_name,
        "runtimeClassName": workload.runtime_class_name,
        "imagePullSecrets": [{"name": name} for name in workload.image_pull_secrets],
        "hostAliases": [{"ip": hosts[name], "hostnames": [name]} for name in _dialled(job, role) if name in hosts],
        "topologySpreadConstraints": _spread(job, role) if role.pods > 1 else [],
    }
    return {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": NOBODY,
            "runAsGroup": NOBODY,
            "fsGroup": NOBODY,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "affinity": _on(nodes),
        "tolerations": _tolerations(variant, policy),
        "containers": [_container(job, role, variant)],
        "volumes": _volumes(job, role),
        **present(optional),
    }


def _on(nodes: Sequence[str]) -> Json:
    terms = [{"matchExpressions": [{"key": HOSTNAME, "operator": "In", "values": list(nodes)}]}]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


def _spread(job: TrainingJob, role: RoleGroup) -> list[Json]:
    selector = {"matchLabels": {JOB_LABEL: job.metadata.name, ROLE_LABEL: role.name}}
    rule = {"maxSkew": 1, "topologyKey": HOSTNAME, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector}
    return [rule]


def _tolerations(variant: JobVariant | None, policy: Policy) -> list[Json]:
    keys = policy.accelerator_tolerations.get(variant.accelerator, ()) if variant else ()
    gone = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
    return [
        *({"key": key, "operator": "Exists"} for key in keys),
        *({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": LOST_SECONDS} for key in gone),
    ]


def _container(job: TrainingJob, role: RoleGroup, variant: JobVariant | None) -> Json:
    workload = job.spec.workload
    if role.learns:
        resources = resource_fields(workload.resources, variant or job.variants[0])
    else:
        resources = resource_fields(SMALL, JobVariant(name="cpu"))
    mounts = [{"name": "role", "mountPath": FOLDER, "readOnly": True}]
    if job.spec.tls is not Tls.NONE and role.talks:
        mounts.append({"name": "tls", "mountPath": TLS_FOLDER, "readOnly": True})
    mounts += [{"name": f"claim-{at}", "mountPath": f"{CLAIMS}/{name}"} for at, name in enumerate(_claims(job, role))]
    ports = [{"name": "stream", "containerPort": STREAM_PORT, "protocol": "TCP"}] if role.listens else []
    return {
        "name": "role",
        "image": workload.image,
        "command": ["python", "-m", f"aif_runtime.roles.{role.module}"],
        "args": [f"{FOLDER}/{FILE}"],
        "volumeMounts": mounts,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        **present(
            {
                "ports": ports,
                "resources": resources,
                "env": [variable(one) for one in workload.env] if role.learns else [],
            }
        ),
    }


def _volumes(job: TrainingJob, role: RoleGroup) -> list[Json]:
    volumes: list[Json] = [{"name": "role", "configMap": {"name": service_name(job, role.name)}}]
    if job.spec.tls is not Tls.NONE and role.talks:
        volumes.append({"name": "tls", "secret": _secret(job, role)})
    volumes += [
        {"name": f"claim-{at}", "persistentVolumeClaim": {"claimName": name}}
        for at, name in enumerate(_claims(job, role))
    ]
    return volumes


def _secret(job: TrainingJob, role: RoleGroup) -> Json:
    """Return what a role sees of its certificate's Secret: its own part of the one that is made for all roles."""
    if job.spec.tls is Tls.CERT_MANAGER:
        return {"secretName": signed_secret(job, role), "items": _items("ca.crt", "tls.crt", "tls.key")}
    return {"secretName": secret_name(job), "items": _items("ca.crt", f"{role.name}.crt", f"{role.name}.key")}


def _items(*keys: str) -> list[Json]:
    paths = ("ca.crt", "tls.crt", "tls.key")
    return [{"key": key, "path": path} for key, path in zip(keys, paths, strict=True)]


def _claims(job: TrainingJob, role: RoleGroup) -> list[str]:
    """Return the claims that a role mounts, each once: a terminal sees no checkpoints, a server no data."""
    spec, wanted = job.spec, list[str | None]()
    if role.name in (AGGREGATOR, MANAGER, TRAINER, COMPRESSOR):
        wanted.append(spec.output.claim_name)
    if role.name in (CLIENT, EVALUATOR, TRAINER, COMPRESSOR):
        wanted.append(spec.data.claim_name)
    if role.name == TRAINER and spec.distillation:
        wanted.append(spec.distillation.teacher.claim_name)
    if role.name == COMPRESSOR and spec.compression:
        wanted.append(spec.compression.source.claim_name)
    return list(dict.fromkeys(name for name in wanted if name))


def _dialled(job: TrainingJob, role: RoleGroup) -> Collection[str]:
    """Return the names of the Services that a role dials."""
    return [service_name(job, one.name) for one in roles_of(job) if one.listens and role.name in callers(job, one)]
