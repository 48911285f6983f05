"""Nodes, children and endpoints, read from what the API server sends."""

from __future__ import annotations

from dataclasses import dataclass

from aif.domain.cluster import Child, Node, Pod
from aif.gateways.kubernetes.client import Json


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The ready addresses of one EndpointSlice of one Service."""

    namespace: str
    name: str
    service: str
    """Name of the Kubernetes Service."""
    ready: frozenset[str] = frozenset()
    """What answers: uid of the pod, or the address where none is named."""


def parse_node(raw: Json) -> Node:
    """Return the Node."""
    raise NotImplementedError


def parse_pod(raw: Json) -> Pod | None:
    """Return the pod with its effective requests; None once it has ended."""
    raise NotImplementedError


def parse_child(raw: Json) -> Child:
    """Return a Deployment, Service or HTTPRoute (apiVersion and kind must be set)."""
    raise NotImplementedError


def parse_endpoints(raw: Json) -> Endpoints:
    """Return the ready addresses of an EndpointSlice."""
    raise NotImplementedError
