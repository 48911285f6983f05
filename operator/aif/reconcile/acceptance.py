"""What the schema cannot see: references to other objects, and what the administrator allows."""

from __future__ import annotations

from collections.abc import Callable

from aif.api.aiservice import AIService
from aif.api.conditions import Reason
from aif.domain.conditions import Verdict
from aif.reconcile.snapshot import Snapshot

Check = Callable[[AIService, Snapshot], Verdict | None]


def accept(service: AIService, snapshot: Snapshot) -> Verdict | None:
    """Return why ``service`` is not accepted, the first fault only; None where it is."""
    return next((fault for check in CHECKS if (fault := check(service, snapshot)) is not None), None)


def _site_exists(service: AIService, snapshot: Snapshot) -> Verdict | None:
    site = service.spec.ue.attached_to if service.spec.ue else None
    if site is None or site in snapshot.table.names:
        return None
    return _fault(Reason.REF_NOT_FOUND, f"spec.ue.attachedTo: no ComputeNode {site}; see kubectl get computenodes")


def _runtime_class_allowed(service: AIService, snapshot: Snapshot) -> Verdict | None:
    name = service.spec.workload.runtime_class_name if service.spec.workload else None
    if name is None or name in snapshot.policy.runtime_classes:
        return None
    allowed = ", ".join(sorted(snapshot.policy.runtime_classes)) or "none"
    message = f"spec.workload.runtimeClassName: {name} is not among those that the administrator allows ({allowed})"
    return _fault(Reason.INVALID_SPEC, message)


def _gateway_served(service: AIService, snapshot: Snapshot) -> Verdict | None:
    if service.spec.expose.gateway is None or snapshot.routes_served:
        return None
    message = "spec.expose.gateway: this cluster does not serve HTTPRoute; install the Gateway API or leave it out"
    return _fault(Reason.REF_NOT_FOUND, message)


def _fault(reason: Reason, message: str) -> Verdict:
    return Verdict("Accepted", "False", reason, message)


CHECKS: tuple[Check, ...] = (_site_exists, _runtime_class_allowed, _gateway_served)
