"""Nodes, children and endpoints, read from what the API server sends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aif.api.conditions import ConditionStatus
from aif.domain.cluster import Child, Node, Taint
from aif.gateways.kubernetes.compact import Packed
from aif.gateways.kubernetes.fields import condition, controller, moment, offered, reference

_SERVICE_NAME: Final = "kubernetes.io/service-name"
_STATUSES: Final[Mapping[object, ConditionStatus]] = {"True": "True", "False": "False"}


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The ready addresses of one EndpointSlice of one Service."""

    namespace: str
    name: str
    service: str
    """Name of the Kubernetes Service."""
    ready: frozenset[str] = frozenset()
    """What answers: uid of the pod, or the address where none is named."""


def parse_node(raw: Mapping[str, Any]) -> Node:
    """Return the Node; an amount that cannot be read counts as nothing."""
    metadata, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    ready = condition(raw, "Ready")
    return Node(
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        labels=metadata.get("labels") or {},
        ready=_STATUSES.get(ready.get("status"), "Unknown"),
        ready_since=moment(ready.get("lastTransitionTime")),
        unschedulable=bool(spec.get("unschedulable")),
        taints=tuple(_taint(taint) for taint in spec.get("taints") or ()),
        allocatable={name: offered(amount) for name, amount in (status.get("allocatable") or {}).items()},
        created=moment(metadata.get("creationTimestamp")),
    )


def parse_child(raw: Mapping[str, Any]) -> Child:
    """Return a Deployment, Service or HTTPRoute; ``raw`` names its apiVersion and kind."""
    metadata = {name: value for name, value in raw["metadata"].items() if name != "managedFields"}
    return Child(
        reference=reference(raw),
        resource_version=metadata.get("resourceVersion", ""),
        owner_uid=controller(metadata).get("uid", ""),
        labels=metadata.get("labels") or {},
        body=Packed({**raw, "metadata": metadata}),
        terminating="deletionTimestamp" in metadata,
    )


def parse_endpoints(raw: Mapping[str, Any]) -> Endpoints:
    """Return the ready addresses of an EndpointSlice; a pod with two addresses counts once."""
    metadata = raw["metadata"]
    return Endpoints(
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        service=(metadata.get("labels") or {}).get(_SERVICE_NAME, ""),
        ready=frozenset(_ready(raw.get("endpoints") or ())),
    )


def _taint(raw: Mapping[str, str]) -> Taint:
    return Taint(raw["key"], raw.get("value", ""), raw["effect"])


def _ready(endpoints: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for endpoint in endpoints:
        # An absent condition means ready, so says the API.
        if (endpoint.get("conditions") or {}).get("ready") is not False:
            yield (endpoint.get("targetRef") or {}).get("uid") or endpoint["addresses"][0]


def parse_priority_class(raw: Mapping[str, Any]) -> tuple[str, int]:
    """Return name and value of a PriorityClass; the default one under the empty name."""
    name = "" if raw.get("globalDefault") else raw["metadata"]["name"]
    return name, int(raw["value"])
