"""Which services are on their way from one node to another."""

from __future__ import annotations

from datetime import datetime

from aif.api.aiservice import AIService
from aif.gateways.cache import Key
from aif.gateways.exposition import Exposition
from aif.handlers.world import World
from aif.reconcile.moving.state import elapsed
from aif.reconcile.snapshot import Decision


def migrating(world: World) -> set[Key]:
    """Return the services that have a place, and beside it a copy that has yet to go."""
    deployments = world.children["Deployment"]
    copies = ((each.reference.namespace, each.service, each.copy) for each in deployments if each.service)
    return {(namespace, name) for namespace, name, copy in copies if _leaves(world, (namespace, name), copy)}


def _leaves(world: World, key: Key, copy: str) -> bool:
    service = world.services.get(key)
    placements = service.status.placements if isinstance(service, AIService) else []
    return bool(placements) and copy not in {placement.copy_id for placement in placements}


def count(service: AIService, decision: Decision, metrics: Exposition, now: datetime) -> None:
    """Count what ``decision`` did to the move of ``service``: how long a phase lasted, how a move ended."""
    before = service.status.migration
    after = None if decision.status is None else decision.status.migration
    if before is not None and (after is None or (after.id, after.phase) != (before.id, before.phase)):
        metrics.migration_phase_seconds.labels(before.phase).observe(elapsed(before.phase_since, now))
    if decision.ended is not None:
        metrics.migrations_total.labels(decision.ended.result, decision.ended.trigger).inc()
