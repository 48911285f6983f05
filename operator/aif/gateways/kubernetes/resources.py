"""Where the API server keeps each kind that the operator deals with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aif.api.base import API_VERSION
from aif.domain.cluster import ObjectReference


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind under the name that paths use."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the path of one object, of a namespace's objects, or of all objects of the kind."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        scope = f"namespaces/{namespace}" if self.namespaced and namespace else ""
        return "/".join(part for part in (root, scope, self.plural, name, subresource) if part)


AISERVICES: Final = Resource(API_VERSION, "AIService", "aiservices")
TRAININGJOBS: Final = Resource(API_VERSION, "TrainingJob", "trainingjobs")
COMPUTENODES: Final = Resource(API_VERSION, "ComputeNode", "computenodes", namespaced=False)
NODES: Final = Resource("v1", "Node", "nodes", namespaced=False)
PODS: Final = Resource("v1", "Pod", "pods")
SERVICES: Final = Resource("v1", "Service", "services")
DEPLOYMENTS: Final = Resource("apps/v1", "Deployment", "deployments")
JOBS: Final = Resource("batch/v1", "Job", "jobs")
CONFIG_MAPS: Final = Resource("v1", "ConfigMap", "configmaps")
SECRETS: Final = Resource("v1", "Secret", "secrets")
"""Not among `RESOURCES`: a Secret is created, and neither read nor changed."""

NETWORK_POLICIES: Final = Resource("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
PRIORITY_CLASSES: Final = Resource("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", namespaced=False)
POD_DISRUPTION_BUDGETS: Final = Resource("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
HTTP_ROUTES: Final = Resource("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes")
CERTIFICATES: Final = Resource("cert-manager.io/v1", "Certificate", "certificates")
ENDPOINT_SLICES: Final = Resource("discovery.k8s.io/v1", "EndpointSlice", "endpointslices")
EVENTS: Final = Resource("events.k8s.io/v1", "Event", "events")
LEASES: Final = Resource("coordination.k8s.io/v1", "Lease", "leases")

RESOURCES: Final = {
    (resource.api_version, resource.kind): resource
    for resource in (
        AISERVICES,
        COMPUTENODES,
        TRAININGJOBS,
        JOBS,
        CONFIG_MAPS,
        NETWORK_POLICIES,
        NODES,
        PODS,
        SERVICES,
        DEPLOYMENTS,
        PRIORITY_CLASSES,
        POD_DISRUPTION_BUDGETS,
        HTTP_ROUTES,
        CERTIFICATES,
        ENDPOINT_SLICES,
        EVENTS,
        LEASES,
    )
}
"""Every kind that the operator reads or writes, by apiVersion and kind."""


def resource_of(reference: ObjectReference) -> Resource:
    """Return the resource of ``reference``.

    Raises:
        KeyError: The operator deals with no such kind.
    """
    return RESOURCES[reference.api_version, reference.kind]


def path_of(reference: ObjectReference, subresource: str = "") -> str:
    """Return the path of the object that ``reference`` names."""
    return resource_of(reference).path(reference.namespace, reference.name, subresource)
