"""What the operator may ever write, whatever was decided: a fault elsewhere must not reach a user's object.

Namespaced objects of few kinds, in the namespace of the object that they were decided for; never the spec of an
AIService or TrainingJob; a Secret only as a new one; the spec of a ComputeNode only where the operator registered it
itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aif.domain.cluster import ObjectReference
from aif.domain.registry import REGISTERED_BY
from aif.errors import Rejected
from aif.gateways.kubernetes.resources import (
    AISERVICES,
    CERTIFICATES,
    COMPUTENODES,
    CONFIG_MAPS,
    DEPLOYMENTS,
    EVENTS,
    HTTP_ROUTES,
    JOBS,
    NETWORK_POLICIES,
    POD_DISRUPTION_BUDGETS,
    RESOURCES,
    SECRETS,
    SERVICES,
    TRAININGJOBS,
    Resource,
)

CHILDREN: Final = frozenset(
    {DEPLOYMENTS, SERVICES, HTTP_ROUTES, POD_DISRUPTION_BUDGETS, JOBS, CONFIG_MAPS, NETWORK_POLICIES, CERTIFICATES}
)
"""Namespaced kinds that the operator creates, changes and deletes."""

JUDGED: Final = frozenset({AISERVICES, COMPUTENODES, TRAININGJOBS})
"""Kinds whose status the operator writes."""

EVENT_NAMESPACE: Final = "default"
"""Where events on cluster-scoped objects lie."""


class OutOfBounds(Rejected):
    """The operator was about to write what it may never write: a fault of the operator; nothing was sent."""


def check_apply(body: Mapping[str, Any]) -> Resource:
    """Return the resource of ``body`` if the operator may apply it.

    Raises:
        OutOfBounds: It may not.
    """
    resource = RESOURCES.get((body.get("apiVersion", ""), body.get("kind", "")))
    metadata = body.get("metadata") or {}
    if resource is None or not metadata.get("name"):
        raise OutOfBounds(f"refused to apply an object without a known kind and a name: {_title(body)}")
    if "status" in body:
        raise OutOfBounds(f"refused to apply a status together with a spec: {_title(body)}")
    if resource in CHILDREN and metadata.get("namespace"):
        return resource
    if resource == COMPUTENODES and (metadata.get("labels") or {}).get(REGISTERED_BY):
        return resource
    raise OutOfBounds(f"refused to apply {_title(body)}: the operator writes no spec of this kind")


def check_status(target: ObjectReference) -> Resource:
    """Return the resource of ``target`` if the operator may write its status.

    Raises:
        OutOfBounds: It may not, or the uid is missing.
    """
    resource = RESOURCES.get((target.api_version, target.kind))
    if resource not in JUDGED or resource is None:
        raise OutOfBounds(f"refused to write the status of {target.kind} {target.name}")
    if not target.uid:
        raise OutOfBounds(f"refused to write the status of {target.kind} {target.name} without its uid")
    return resource


def check_delete(target: ObjectReference, resource_version: str) -> Resource:
    """Return the resource of ``target`` if the operator may delete it.

    Raises:
        OutOfBounds: It may not, or uid or resourceVersion are missing.
    """
    resource = RESOURCES.get((target.api_version, target.kind))
    if resource is None or not (resource in CHILDREN or resource in (COMPUTENODES, TRAININGJOBS)):
        raise OutOfBounds(f"refused to delete {target.kind} {target.name}")
    if not target.uid or not resource_version:
        raise OutOfBounds(f"refused to delete {target.kind} {target.name} without uid and resourceVersion")
    return resource


def check_create(body: Mapping[str, Any]) -> Resource:
    """Return the resource of ``body`` if the operator may create it and never look at it again.

    Raises:
        OutOfBounds: It may not.
    """
    metadata = body.get("metadata") or {}
    secret = (body.get("apiVersion"), body.get("kind")) == (SECRETS.api_version, SECRETS.kind)
    if not secret or not all(metadata.get(name) for name in ("name", "namespace", "ownerReferences")):
        raise OutOfBounds(f"refused to create {_title(body)}: only Secrets of a training job are made so")
    return SECRETS


def check_reach(namespace: str, regarding: ObjectReference, subject: str) -> None:
    """Let pass what lies in the namespace of ``regarding``; for a cluster-scoped one only cluster-scoped objects.

    Raises:
        OutOfBounds: ``subject`` lies elsewhere.
    """
    if namespace != regarding.namespace:
        raise OutOfBounds(
            f"refused {subject} in namespace {namespace!r}: decided for {regarding.kind} "
            f"{regarding.name} in namespace {regarding.namespace!r}"
        )


def check_event(namespace: str, regarding: ObjectReference) -> Resource:
    """Return the resource of events if one on ``regarding`` may lie in ``namespace``.

    Raises:
        OutOfBounds: It may not.
    """
    if namespace != (regarding.namespace or EVENT_NAMESPACE):
        raise OutOfBounds(f"refused an event on {regarding.kind} {regarding.name} in namespace {namespace!r}")
    return EVENTS


def _title(body: Mapping[str, Any]) -> str:
    metadata = body.get("metadata") or {}
    return f"{body.get('apiVersion')} {body.get('kind')} {metadata.get('name')}"
