"""Certificates that cert-manager signs for the roles of a training job, instead of those that the operator makes."""

from __future__ import annotations

from typing import Any, Final

from aif.api.conditions import Reason
from aif.api.trainingjob import Tls, TrainingJob
from aif.domain.conditions import Verdict
from aif.domain.learning import JobView, RoleGroup, roles_of
from aif.reconcile.training.children import metadata
from aif.reconcile.training.files import service_name

SIGNER_API: Final = "cert-manager.io/v1"

_VALID: Final = "8760h0m0s"
"""Longer than a job may run: its longest deadline is a month, and it may be suspended."""

Json = dict[str, Any]


def signed(job: TrainingJob) -> tuple[RoleGroup, ...]:
    """Return the roles for which cert-manager signs a certificate: those that talk to others, where it is asked to."""
    return tuple(role for role in roles_of(job) if role.talks) if job.spec.tls is Tls.CERT_MANAGER else ()


def certificate(job: TrainingJob, role: RoleGroup) -> Json:
    """Return the Certificate of a role: its common name is the role, by which the others know it."""
    issuer = job.spec.issuer_ref
    if issuer is None:  # a rule of the kind: such a job has it
        raise ValueError(job.metadata.name)
    return {
        "apiVersion": SIGNER_API,
        "kind": "Certificate",
        "metadata": metadata(job, role.name),
        "spec": {
            "secretName": signed_secret(job, role),
            "commonName": role.name,
            "dnsNames": [service_name(job, role.name)],
            "duration": _VALID,
            "usages": ["digital signature", "server auth", "client auth"],
            "privateKey": {"algorithm": "ECDSA", "size": 256, "encoding": "PKCS8", "rotationPolicy": "Always"},
            "issuerRef": {"group": SIGNER_API.split("/")[0], "kind": issuer.kind, "name": issuer.name},
        },
    }


def signed_secret(job: TrainingJob, role: RoleGroup) -> str:
    """Return the name of the Secret that cert-manager fills for a role."""
    return f"{service_name(job, role.name)}-tls"


def unsigned(job: TrainingJob, view: JobView) -> str:
    """Return which certificate is not there yet, and what cert-manager says of it; nothing where all are."""
    for role in signed(job):
        child = view.child("Certificate", name := service_name(job, role.name))
        conditions = ((child.body.get("status") or {}) if child else {}).get("conditions") or ()
        ready: Json = next((one for one in conditions if one.get("type") == "Ready"), {})
        if ready.get("status") != "True":
            said = str(ready.get("message") or "cert-manager has not answered yet")
            return f"Certificate {name}: {said}"[:512]
    return ""


def signer_missing(job: TrainingJob, *, served: bool) -> Verdict | None:
    """Return why a job is not accepted that wants certificates of a cert-manager that is not there."""
    if served or job.spec.tls is not Tls.CERT_MANAGER:
        return None
    message = (
        "spec.tls: this cluster does not serve Certificate of cert-manager.io/v1; install cert-manager and restart the "
        "operator, or create the job anew with Made"
    )
    return Verdict("Accepted", "False", Reason.REF_NOT_FOUND, message)
