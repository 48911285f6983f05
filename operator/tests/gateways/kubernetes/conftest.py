"""A fake API server, and the gateways that talk to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import aiohttp
import pytest

from aif.domain.cluster import ObjectReference
from aif.gateways.exposition import Exposition
from aif.gateways.kubernetes.applier import Applier
from aif.gateways.kubernetes.budget import Budget
from aif.gateways.kubernetes.client import Api
from aif.gateways.kubernetes.recorder import Recorder
from aif.gateways.kubernetes.writer import Writer
from tests.fake_api import FakeApi

DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"
AISERVICES = "/apis/net4ai.io/v1alpha1/namespaces/shop/aiservices"
OWNER = ObjectReference("net4ai.io/v1alpha1", "AIService", "shop", "plates", "uid-of-plates")


@dataclass
class Gateways:
    """The operator's gateways, wired to the fake."""

    fake: FakeApi
    session: aiohttp.ClientSession
    metrics: Exposition = field(default_factory=Exposition)
    leading: bool = True

    def __post_init__(self) -> None:
        self.api = Api(self.session, self.fake.url, self.metrics)
        budget = Budget(10_000, 10_000)
        self.writer = Writer(self.api, is_leader=lambda: self.leading, budget=budget, metrics=self.metrics)
        self.recorder = Recorder(self.writer, instance="test", metrics=self.metrics)
        self.applier = Applier(self.api, self.writer, self.recorder)

    def count(self, name: str, **labels: str) -> float:
        """Return the value of a metric."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
async def gateways() -> AsyncIterator[Gateways]:
    """Gateways that lead, and an empty API server."""
    async with FakeApi() as fake, aiohttp.ClientSession() as session:
        yield Gateways(fake, session)


async def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Return once ``true`` holds; fail after ``seconds``, which only bounds a broken test."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for is whatever the test says
            await asyncio.sleep(0.005)
