"""Which services are on their way from one node to another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from aif.api.aiservice import AIService
from aif.api.aiservice_status import AIServiceStatus
from aif.gateways.cache import Key
from aif.gateways.exposition import Exposition
from aif.gateways.kubernetes.kinds import Faulty
from aif.handlers.world import World
from aif.reconcile.moving.state import elapsed


def migrating(world: World) -> set[Key]:
    """Return the services that have a place, and beside it a copy that has yet to go."""
    deployments = world.children["Deployment"]
    copies = ((each.reference.namespace, each.service, each.copy) for each in deployments if each.service)
    return {(namespace, name) for namespace, name, copy in copies if _leaves(world, (namespace, name), copy)}


def _leaves(world: World, key: Key, copy: str) -> bool:
    service = world.services.get(key)
    placements = service.status.placements if isinstance(service, AIService) else []
    return bool(placements) and copy not in {placement.copy_id for placement in placements}


def follow(world: World, metrics: Exposition, now: Callable[[], datetime]) -> None:
    """Have ``metrics`` count how long phases last and how moves end, as the caches show it: each once."""

    def seen(_: Key, before: AIService | Faulty | None, after: AIService | Faulty | None) -> None:
        if isinstance(before, AIService) and isinstance(after, AIService) and before.metadata.uid == after.metadata.uid:
            _count(before.status, after.status, metrics, now())

    world.services.listen(seen)


def _count(before: AIServiceStatus, after: AIServiceStatus, metrics: Exposition, now: datetime) -> None:
    was, is_ = before.migration, after.migration
    if was is not None and (is_ is None or (is_.id, is_.phase) != (was.id, was.phase)):
        metrics.migration_phase_seconds.labels(was.phase).observe(elapsed(was.phase_since, now))
    known = {record.id for record in before.migrations}
    for record in after.migrations:
        if record.id not in known:
            metrics.migrations_total.labels(record.result, record.trigger).inc()
