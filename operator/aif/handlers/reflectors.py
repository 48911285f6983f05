"""Which resources are mirrored, and how each is read."""

from __future__ import annotations

from typing import Any

from aif.api.base import FIELD_MANAGER
from aif.domain.cluster import MANAGED_BY
from aif.errors import NotFound
from aif.gateways.exposition import Exposition
from aif.gateways.kubernetes.client import Api
from aif.gateways.kubernetes.kinds import parse_compute_node
from aif.gateways.kubernetes.pods import parse_pod
from aif.gateways.kubernetes.reflector import Reflector
from aif.gateways.kubernetes.resources import (
    CERTIFICATES,
    COMPUTENODES,
    CONFIG_MAPS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    HTTP_ROUTES,
    JOBS,
    NETWORK_POLICIES,
    NODES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    PRIORITY_CLASSES,
    SERVICES,
)
from aif.gateways.kubernetes.views import parse_child, parse_endpoints, parse_node, parse_priority_class
from aif.handlers.world import World
from aif.settings import Settings

OWN = f"{MANAGED_BY}={FIELD_MANAGER}"


async def build(api: Api, world: World, settings: Settings, metrics: Exposition) -> list[Reflector[Any]]:
    """Return a reflector for each resource, per watched namespace where only some are watched."""
    world.routes_served = await _served(api, HTTP_ROUTES.api_version)
    world.signer_served = await _served(api, CERTIFICATES.api_version)
    mirrors: list[Reflector[Any]] = [
        Reflector(api, NODES, parse_node, world.nodes, metrics=metrics),
        Reflector(api, COMPUTENODES, parse_compute_node, world.compute_nodes, metrics=metrics),
        Reflector(api, PODS, parse_pod, world.pods, metrics=metrics),
        Reflector(api, PRIORITY_CLASSES, parse_priority_class, world.priority_classes, metrics=metrics),
    ]
    learning = [JOBS, CONFIG_MAPS, NETWORK_POLICIES, *([CERTIFICATES] if world.signer_served else [])]
    routes = [HTTP_ROUTES] if world.routes_served else []
    children = [DEPLOYMENTS, SERVICES, POD_DISRUPTION_BUDGETS, *routes, *learning]
    for namespace in settings.watch_namespaces or ("",):
        for resource in children:
            cache = world.children[resource.kind]
            mirrors.append(
                Reflector(api, resource, parse_child, cache, metrics=metrics, namespace=namespace, label_selector=OWN)
            )
        mirrors.append(
            Reflector(
                api,
                ENDPOINT_SLICES,
                parse_endpoints,
                world.endpoints,
                metrics=metrics,
                namespace=namespace,
                label_selector=OWN,
            )
        )
    return mirrors


async def _served(api: Api, api_version: str) -> bool:
    try:
        await api.request("GET", f"/apis/{api_version}")
    except NotFound:
        return False
    return True
