"""Reads an object live and puts it into its cache, when a watch has been silent about a write for too long."""

from __future__ import annotations

from aif.domain.cluster import ObjectReference
from aif.errors import NotFound
from aif.gateways.kubernetes.client import Api
from aif.gateways.kubernetes.kinds import parse_compute_node, parse_service, parse_training_job
from aif.gateways.kubernetes.views import parse_child
from aif.handlers.world import World


class Refresher:
    """Reads live what the caches do not show."""

    def __init__(self, api: Api, world: World) -> None:
        self._api = api
        self._world = world

    async def refresh(self, reference: ObjectReference) -> None:
        """Put the object that ``reference`` names into its cache as it is now, or take it out where it is gone."""
        key = (reference.namespace, reference.name)
        try:
            raw = await self._api.get(reference)
        except NotFound:
            raw = None
        match reference.kind:
            case "AIService":
                self._world.services.put(key, parse_service(raw) if raw else None)
            case "ComputeNode":
                self._world.compute_nodes.put(key, parse_compute_node(raw) if raw else None)
            case "TrainingJob":
                self._world.jobs.put(key, parse_training_job(raw) if raw else None)
            case kind:
                self._world.children[kind].put(key, parse_child(raw) if raw else None)
