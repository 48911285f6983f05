"""Pressure on resources of pods and nodes: raised after a while, cleared at its level, kept over a restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.api.measured import ResourceStatus
from aif.contract.alarms import Phase
from aif.contract.resources import Asked, ResourceProfile, asked_of
from aif.contract.telemetry import Hearing, NodeReading
from aif.domain.cluster import Pod
from aif.gateways.exposition import Exposition
from aif.handlers.resources import Look, ResourceWatcher
from tests.builders import NOON, a_compute_node, a_pod, an_aiservice
from tests.handlers.exporters import FakeExporters, Told
from tests.reconcile.scenes import a_placement, placed

LEVELS: dict[str, Any] = {"raisePercent": 95, "clearPercent": 80, "forSeconds": 60}
PROFILE: dict[str, Any] = {
    "name": "mine",
    "sampledAt": {"Pod": "sampled-pod by ($by)", "Node": "sampled-node by ($by)"},
    "resources": [
        {"resource": "memory", "scope": "Pod", "query": "pod-memory by ($by) [$window]", **LEVELS},
        {"resource": "traffic", "scope": "Pod", "unit": "BytesPerSecond", "query": "pod-traffic by ($by)"},
        {"resource": "cpu", "scope": "Node", "query": "node-cpu by ($by)", **LEVELS},
        {"resource": "power", "scope": "Node", "unit": "Watts", "query": "node-power by ($by)", **LEVELS},
    ],
}
ASKED = asked_of([ResourceProfile.model_validate(PROFILE)])


def a_service(**status: Any) -> AIService:
    """Return a placed service."""
    service = an_aiservice()
    service = placed(service, a_placement(service))
    return service.model_copy(update={"status": service.status.model_copy(update=status)})


@dataclass
class Scene:
    """A watcher of one service with two pods and of one node, whose time is set by hand."""

    service: AIService = field(default_factory=a_service)
    node: ComputeNode = field(default_factory=a_compute_node)
    asked: Sequence[Asked] = ASKED
    source: FakeExporters = field(default_factory=FakeExporters)
    pods: Sequence[Pod] = tuple(a_pod(name, service="plates") for name in ("plates-0", "plates-1"))
    now: datetime = NOON
    woken: list[str] = field(default_factory=list)
    metrics: Exposition = field(default_factory=Exposition)

    def __post_init__(self) -> None:
        def look(at: float) -> Look:
            return Look([self.service], [self.node], self.pods, at)

        def changed(each: AIService | ComputeNode) -> None:
            self.woken.append(each.metadata.name)

        self.watcher = ResourceWatcher(self.source, self.asked, look, changed, self.metrics)

    async def tick(self, seconds: float = 15.0, **shares: float) -> list[str]:
        """Let time pass with these shares, such as ``pod_memory`` of the first pod, and return who is woken."""
        self.now += timedelta(seconds=seconds)
        self.woken.clear()
        for name, share in shares.items():
            word = name.replace("_", "-")
            pod, node = {"namespace": "default", "pod": "plates-0"}, {"node": "worker-gnb-7"}
            self.source.rows[word] = [Told(share, pod if word.startswith("pod") else node)]
        await self.watcher.tick(self.now)
        return list(self.woken)

    def phases(self) -> dict[str, Phase]:
        """Return the phase of each resource of the service."""
        found = self.watcher.pressures(self.service.metadata.uid) or ()
        return {each.reading.level.resource: each.phase for each in found}

    def hearing(self) -> Hearing:
        """Return whether the node is heard of."""
        return self.reading.hearing

    @property
    def reading(self) -> NodeReading:
        """What is known of the node."""
        found = self.watcher.reading("gnb-7")
        assert found is not None
        return found


async def test_pressure_on_pods_is_raised_once_it_lasted_and_cleared_at_its_level() -> None:
    scene = Scene()
    assert "plates" not in await scene.tick(pod_memory=0.5)
    assert "plates" in await scene.tick(pod_memory=0.97)
    assert scene.phases() == {"memory": Phase.PENDING}
    await scene.tick(60)
    assert scene.phases() == {"memory": Phase.RAISED}
    assert scene.metrics.registry.get_sample_value("aif_resource_alarms", {"resource": "memory"}) == 1
    for share in (0.9, 0.97, 0.85, 0.99):
        await scene.tick(pod_memory=share)
        assert scene.phases() == {"memory": Phase.RAISED}, "between the levels nothing changes"
    await scene.tick(pod_memory=0.8)
    assert scene.phases() == {"memory": Phase.QUIET}


async def test_the_busiest_pod_speaks_for_its_service() -> None:
    scene = Scene()
    scene.source.rows["pod-memory"] = [
        Told(0.2, {"namespace": "default", "pod": "plates-0"}),
        Told(0.96, {"namespace": "default", "pod": "plates-1"}),
        Told(0.99, {"namespace": "elsewhere", "pod": "plates-0"}),
    ]
    await scene.tick()
    (pressure,) = scene.watcher.pressures(scene.service.metadata.uid) or ()
    assert pressure.reading.share == 0.96


@pytest.mark.parametrize(
    ("rows", "age", "down"),
    [
        pytest.param([Told(0.99, {"namespace": "default", "pod": "plates-0"})], 61.0, False, id="stale"),
        pytest.param([Told(0.99, {"namespace": "default", "pod": "plates-0"})], -6.0, False, id="from the future"),
        pytest.param([Told(float("nan"), {"namespace": "default", "pod": "plates-0"})], 5.0, False, id="NaN"),
        pytest.param([Told(0.99, {"namespace": "default", "pod": "plates-0"})] * 2, 5.0, False, id="told twice"),
        pytest.param([Told(0.99, {"namespace": "default", "pod": "plates-0"})], 5.0, True, id="no answer"),
        pytest.param([], 5.0, False, id="nothing"),
    ],
)
async def test_what_is_unknown_raises_nothing_and_ends_nothing(rows: list[Told], age: float, *, down: bool) -> None:
    scene = Scene()
    scene.source.rows["pod-memory"], scene.source.age, scene.source.down = rows, age, down
    await scene.tick()
    assert Phase.PENDING not in scene.phases().values()
    known = a_service(resources=[_memory("Raised")])
    later = Scene(service=known)
    later.source.rows["pod-memory"], later.source.age, later.source.down = rows, age, down
    await later.tick()
    assert later.phases() == {"memory": Phase.RAISED}


def _memory(alarm: str) -> ResourceStatus:
    since = (NOON - timedelta(seconds=50)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return ResourceStatus(
        resource="memory", alarm=alarm, since=since, used_percent=97, raise_percent=95, clear_percent=80
    )


async def test_a_successor_goes_on_with_a_pending_alarm() -> None:
    scene = Scene(service=a_service(resources=[_memory("Pending")]))
    await scene.tick(15, pod_memory=0.97)
    assert scene.phases() == {"memory": Phase.RAISED}


async def test_a_raised_alarm_that_was_recorded_wakes_nobody() -> None:
    scene = Scene(service=a_service(resources=[_memory("Raised")]))
    assert "plates" not in await scene.tick(pod_memory=0.99)


async def test_a_node_is_fresh_silent_and_lost_in_turn_and_heard_again() -> None:
    scene = Scene()
    await scene.tick()
    assert scene.hearing() is Hearing.NEVER
    assert await scene.tick(node_cpu=0.5) == ["gnb-7"]
    assert (scene.hearing(), scene.reading.load) == (Hearing.FRESH, 0.5)
    scene.source.rows.clear()
    await scene.tick(30)
    assert scene.hearing() is Hearing.SILENT
    await scene.tick(30)
    assert scene.hearing() is Hearing.LOST
    await scene.tick(node_cpu=0.5)
    assert scene.hearing() is Hearing.FRESH


async def test_a_prometheus_that_is_down_makes_no_node_lost() -> None:
    scene = Scene()
    await scene.tick(node_cpu=0.5)
    scene.source.down = True
    await scene.tick(600)
    assert scene.hearing() is Hearing.UNASKED
    scene.source.down = False
    scene.source.rows.clear()
    await scene.tick(15)
    assert scene.hearing() is Hearing.SILENT, "its minute begins when Prometheus is back"


async def test_an_overload_of_a_node_is_raised_after_its_time() -> None:
    scene = Scene()
    await scene.tick(node_cpu=0.99)
    await scene.tick(60)
    assert [each.reading.level.resource for each in scene.reading.raised] == ["cpu"]


async def test_watts_count_as_a_share_of_the_declared_power() -> None:
    scene = Scene()
    await scene.tick(node_power=300.0)
    (power,) = (each for each in scene.reading.pressures if each.reading.level.resource == "power")
    assert power.reading.share == pytest.approx(300 / 600)
    assert not power.reading.estimated


async def test_without_a_meter_the_power_model_tells_and_says_so() -> None:
    cpu = {"name": "cpu", "type": "cpu", "count": 4, "power": {"idleWatts": 50, "maxWatts": 100}}
    scene = Scene(node=a_compute_node(devices=[cpu]))
    await scene.tick(node_cpu=0.5)
    (power,) = (each for each in scene.reading.pressures if each.reading.level.resource == "power")
    assert power.reading.share == pytest.approx(0.75)
    assert power.reading.estimated
