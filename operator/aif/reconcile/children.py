"""The children that all copies of a service share, and how a child that somebody changed is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aif.api.aiservice import AIService, Gateway
from aif.api.quantity import Quantity
from aif.domain.cluster import COPY_LABEL, SERVICE_LABEL
from aif.reconcile.copies import Json, metadata

HTTP_PORT = 80
ROUTE_API = "gateway.networking.k8s.io/v1"

_SHARED = frozenset(
    {"containers", "env", "imagePullSecrets", "ownerReferences", "ports", "volumeMounts", "volumes"},
)
"""Lists that server-side apply merges by key: items that others added stay theirs."""

_EXACT = frozenset({"selector", "nodeSelector"})
"""Maps that mean another thing once anything is added."""

_AMOUNTS = frozenset({"requests", "limits", "sizeLimit"})
"""Fields below which text is a quantity, which the API server may write in another way."""


def front(service: AIService, copy: str = "") -> Json:
    """Return the Service in front of all copies, or of one: its name and address outlive every move."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(service, service.metadata.name),
        "spec": {
            "selector": {SERVICE_LABEL: service.metadata.name, **({COPY_LABEL: copy} if copy else {})},
            "ports": [{"name": "http", "port": HTTP_PORT, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def disruption_budget(service: AIService, replicas: int) -> Json:
    """Return the PodDisruptionBudget over all copies: a drained node waits until its copy has moved."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(service, service.metadata.name),
        "spec": {
            "minAvailable": replicas,
            "selector": {"matchLabels": {SERVICE_LABEL: service.metadata.name}},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }


def route(service: AIService, gateway: Gateway) -> Json:
    """Return the HTTPRoute that leads ``gateway.host`` to the service."""
    return {
        "apiVersion": ROUTE_API,
        "kind": "HTTPRoute",
        "metadata": metadata(service, service.metadata.name),
        "spec": {
            "parentRefs": [{"name": gateway.name}],
            "hostnames": [gateway.host],
            "rules": [{"backendRefs": [{"name": service.metadata.name, "port": HTTP_PORT}]}],
        },
    }


def url(service: AIService) -> str:
    """Return where the service answers: its route's host, or its name inside the cluster."""
    gateway = service.spec.expose.gateway
    host = gateway.host if gateway else f"{service.metadata.name}.{service.metadata.namespace}.svc"
    return f"http://{host}"


def covers(observed: object, intent: object) -> bool:
    """Tell whether ``observed`` still holds everything that ``intent`` asks for.

    What others added beside it (defaults of the API server, annotations, a container) does not count; amounts of
    resources compare by value, all else as it is written.
    """
    return _covers(observed, intent, amount=False)


def _covers(observed: object, intent: object, *, amount: bool) -> bool:
    if not intent and not observed:
        # The API server drops what is empty or false: absent and empty are the same.
        return True
    match intent:
        case Mapping():
            return isinstance(observed, Mapping) and all(
                _holds(key, observed.get(key), intent[key], amount=amount) for key in intent
            )
        case str() | int() | float() | None:
            return observed == intent or (amount and _same_amount(observed, intent))
        case _:
            return _lists(observed, intent, shared=False)


def _holds(key: str, observed: object, intent: object, *, amount: bool) -> bool:
    if key in _EXACT:
        return observed == intent
    if isinstance(intent, Sequence) and not isinstance(intent, str):
        return _lists(observed, intent, shared=key in _SHARED)
    return _covers(observed, intent, amount=amount or key in _AMOUNTS)


def _lists(observed: object, intent: object, *, shared: bool) -> bool:
    if not isinstance(intent, Sequence) or not isinstance(observed, Sequence) or isinstance(observed, str):
        return not intent and not observed
    if shared:
        return all(any(covers(seen, ours) for seen in observed) for ours in intent)
    return len(observed) == len(intent) and all(map(covers, observed, intent))


def _same_amount(observed: Any, intent: Any) -> bool:  # noqa: ANN401 - any JSON scalar may stand here
    try:
        return Quantity.parse(observed) == Quantity.parse(intent)
    except ValueError:
        return False
