"""The operator's gateways, wired to a real API server, and one AIService to act for."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from network import a_service
from rest import Json, Rest

from aif.domain.actions import Action
from aif.domain.cluster import ObjectReference
from aif.gateways.expectations import Written
from aif.gateways.exposition import Exposition
from aif.gateways.kubernetes.applier import Applier
from aif.gateways.kubernetes.budget import Budget
from aif.gateways.kubernetes.client import Api
from aif.gateways.kubernetes.connection import connect
from aif.gateways.kubernetes.fields import reference
from aif.gateways.kubernetes.recorder import Recorder
from aif.gateways.kubernetes.resources import DEPLOYMENTS
from aif.gateways.kubernetes.writer import Writer
from aif.settings import Settings
from cluster.api import Cluster

GONE = "00000000-0000-0000-0000-000000000000"
"""The uid of nothing."""


@dataclass
class GatewayWorld:
    """The gateways, and one AIService in a namespace of the test's own."""

    api: Api
    session: aiohttp.ClientSession
    metrics: Exposition
    rest: Rest
    namespace: str
    service: ObjectReference

    def __post_init__(self) -> None:
        writer = Writer(self.api, is_leader=lambda: True, budget=Budget(1000, 1000), metrics=self.metrics)
        self.recorder = Recorder(writer, instance="e2e", metrics=self.metrics)
        self.applier = Applier(self.api, writer, self.recorder)
        self.writer = writer

    async def carry_out(self, *actions: Action) -> list[Written]:
        """Carry out ``actions`` for the AIService."""
        return [written async for written in self.applier.carry_out(actions, self.service)]

    async def deployment(self) -> Json:
        """Return the Deployment as it is."""
        return await self.api.get(ObjectReference("apps/v1", "Deployment", self.namespace, "plates-a"))

    async def change(self, body: Json, manager: str = "kubectl-edit") -> None:
        """Change the Deployment as somebody else."""
        path = DEPLOYMENTS.path(self.namespace, "plates-a")
        kind = "application/merge-patch+json"
        await self.api.request("PATCH", path, body=body, content_type=kind, params={"fieldManager": manager})

    def intent(self, replicas: int = 0) -> dict[str, Any]:
        """Return the full intent for the Deployment."""
        labels = {"app": "plates"}
        owner = {
            "apiVersion": self.service.api_version,
            "kind": self.service.kind,
            "name": self.service.name,
            "uid": self.service.uid,
            "controller": True,
        }
        metadata = {"name": "plates-a", "namespace": self.namespace, "labels": labels, "ownerReferences": [owner]}
        containers = [{"name": "main", "image": "example.org/plates:1", "args": ["--engine=cpu"]}]
        spec = {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        }
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


@asynccontextmanager
async def a_world(cluster: Cluster, rest: Rest) -> AsyncIterator[GatewayWorld]:
    """Give gateways over a connection of the operator's own making, and an AIService in a namespace of its own."""
    namespace = f"gateways-{secrets.token_hex(4)}"
    rest.create("namespaces", {"metadata": {"name": namespace}})
    service = reference(rest.create("aiservices", a_service("plates", suspend=True), namespace))
    connection = await connect(Settings(kubeconfig=cluster.kubeconfig or "", context=cluster.context or ""))
    async with connection.session() as session:
        metrics = Exposition()
        yield GatewayWorld(Api(session, connection.server, metrics), session, metrics, rest, namespace, service)
    await connection.close()
    rest.delete("namespaces", namespace)


async def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Return once ``true`` holds."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for is whatever the test says
            await asyncio.sleep(0.02)


async def until_settled(world: GatewayWorld) -> None:
    """Wait until the controllers have reported on the Deployment."""
    async with asyncio.timeout(20):
        while (await world.deployment()).get("status", {}).get("observedGeneration") is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
