"""Puts together who measures besides the contract: resources, calibration, usage; all on one tick."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.contract.profiles import Profile
from aif.contract.resources import Asked
from aif.domain.cluster import Pod
from aif.gateways.exposition import Exposition
from aif.gateways.workqueue import WorkQueue
from aif.handlers.asking import MetricsSource
from aif.handlers.calibrating import Calibrator
from aif.handlers.gauges import Gauges
from aif.handlers.keys import Kind, WorkKey
from aif.handlers.measured import Measured
from aif.handlers.positions import Positions
from aif.handlers.resources import Look, ResourceWatcher
from aif.handlers.usage import Consumer, UsageMeter
from aif.handlers.world import World
from aif.reconcile.node_alarms import ALARMS, raised
from aif.scheduling.expectation import NOTHING, Expectation, expect

log = logging.getLogger(__name__)

_REMEMBERED: Final = 50_000


class Rounds:
    """Looks at resources, nodes and usage once a tick; without a metrics source, at what is held alone."""

    def __init__(
        self,
        world: World,
        work: WorkQueue[WorkKey],
        source: MetricsSource | None,
        profiles: Mapping[str, Profile],
        resources: Sequence[Asked],
        metrics: Exposition,
        now: Callable[[], datetime],
    ) -> None:
        self._world = world
        self._work = work
        self._metrics = metrics
        self._now = now
        self._expected: dict[object, Expectation] = {}
        self._resources: ResourceWatcher | None = None
        self._calibrator: Calibrator | None = None
        self._positions: Positions | None = None
        if source is not None:
            self._resources = ResourceWatcher(source, resources, self._look, self._changed, metrics)
            self._positions = Positions(source, profiles, world.table, world.policy, self._changed)
            self._calibrator = Calibrator(source, profiles, self._placed, self._nodes, self._node_changed, metrics)
        self._gauges = Gauges(metrics)
        self._meter = UsageMeter(source, profiles, self._pods, metrics)
        self._connect()

    def _connect(self) -> None:
        """Have decisions look up what is measured here."""
        watcher, calibrator, positions = self._resources, self._calibrator, self._positions
        if watcher is not None and calibrator is not None and positions is not None:
            self._world.measured = Measured(
                pressures=watcher.pressures, reading=watcher.reading, users=positions.of, learnt=calibrator.learnt
            )

    async def run(self, tick_seconds: float) -> None:
        """Look until cancelled; a look that fails is told, and the next one comes all the same."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self.tick(began)
            except Exception:
                log.exception("Failed to look at resources and usage")
            await asyncio.sleep(max(0.0, began + tick_seconds - loop.time()))

    async def tick(self, moment: float) -> None:
        """Look once, at a ``moment`` on a clock that only grows."""
        now = self._now()
        if self._resources is not None and self._calibrator is not None and self._positions is not None:
            await self._resources.tick(now)
            await self._calibrator.tick(now)
            await self._positions.tick(self._placed(), now)
        services, pods = list(self._services()), [pod for pod in self._world.pods if pod.service]
        consumers = await asyncio.to_thread(self._consumers, services, pods)
        await self._meter.tick(consumers, now, moment)
        nodes = self._nodes()
        await asyncio.to_thread(self._gauges.contracts, services, self._world.judged)
        await asyncio.to_thread(self._gauges.nodes, nodes, self._world.measured.reading)
        counted = await asyncio.to_thread(_alarms, nodes)
        for alarm in ALARMS:
            self._metrics.node_alarms.labels(alarm.name).set(counted[alarm.name])

    def _services(self) -> Iterator[AIService]:
        return (service for service in self._world.services if isinstance(service, AIService))

    def _placed(self) -> list[AIService]:
        return [each for each in self._services() if each.status.placements and not each.spec.suspend]

    def _nodes(self) -> list[ComputeNode]:
        return [node for node in self._world.compute_nodes if isinstance(node, ComputeNode)]

    def _look(self, at: float) -> Look:
        pods = [pod for pod in self._world.pods if pod.service]
        return Look(self._placed(), self._nodes(), pods, at)

    def _pods(self) -> Mapping[str, Mapping[tuple[str, ...], float]]:
        return {} if self._resources is None else self._resources.found.pods

    def _consumers(self, services: Iterable[AIService], pods: Iterable[Pod]) -> list[Consumer]:
        """Return the services that hold anything, with their pods."""
        own: defaultdict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        for pod in pods:
            own[pod.namespace, pod.service].append((pod.namespace, pod.name))
        return [
            Consumer(service, claims, self._expect(service), tuple(own.get((meta.namespace, meta.name), ())))
            for service in services
            if (claims := self._world.ledger.claims_of((meta := service.metadata).uid))
        ]

    def _expect(self, service: AIService) -> Expectation:
        """Return what a request of the first copy takes, counted once for each template and capability."""
        if not service.status.placements:
            return NOTHING
        placement = service.status.placements[0]
        node = self._world.compute_nodes.get(("", placement.node))
        known = node if isinstance(node, ComputeNode) else None
        mark = (
            service.metadata.uid,
            service.metadata.generation,
            placement.copy_id,
            known and known.metadata.generation,
        )
        if mark not in self._expected:
            if len(self._expected) > _REMEMBERED:
                self._expected.clear()
            self._expected[mark] = expect(service, placement, known)
        return self._expected[mark]

    def _changed(self, each: AIService | ComputeNode) -> None:
        if isinstance(each, AIService):
            self._work.add(WorkKey(Kind.SERVICE, each.metadata.namespace, each.metadata.name))
        else:
            self._node_changed(each.metadata.name)

    def _node_changed(self, name: str) -> None:
        self._work.add(WorkKey(Kind.COMPUTE_NODE, "", name))


def _alarms(nodes: Iterable[ComputeNode]) -> Counter[str]:
    return Counter(name for node in nodes for name in raised(node.status.conditions))
