"""Which services are on their way from one node to another."""

from __future__ import annotations

from aif.api.aiservice import AIService
from aif.gateways.cache import Key
from aif.handlers.world import World


def migrating(world: World) -> set[Key]:
    """Return the services that have a place, and beside it a copy that has yet to go."""
    deployments = world.children["Deployment"]
    copies = ((each.reference.namespace, each.service, each.copy) for each in deployments if each.service)
    return {(namespace, name) for namespace, name, copy in copies if _leaves(world, (namespace, name), copy)}


def _leaves(world: World, key: Key, copy: str) -> bool:
    service = world.services.get(key)
    placements = service.status.placements if isinstance(service, AIService) else []
    return bool(placements) and copy not in {placement.copy_id for placement in placements}
