"""Usage of services, for charging: measured where it is, estimated where it must be, gone after the service."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from aif.contract.profiles import Profile
from aif.gateways.exposition import Exposition
from aif.handlers.usage import KEPT_SECONDS, WINDOW_SECONDS, Consumer, Pods, UsageMeter
from aif.scheduling.expectation import Expectation
from aif.scheduling.ledger import Claim
from tests.builders import NOON, an_aiservice
from tests.handlers.exporters import FakeExporters, Told

PROFILE = Profile.model_validate(
    {
        "name": "runtime",
        "point": "Server",
        "queries": {"requests": "requests by ($by) [$window]", "joulesPerRequest": "joules by ($by) [$window]"},
    }
)
WHO = {"namespace": "default", "aiservice": "plates"}


def a_consumer(name: str = "plates") -> Consumer:
    """Return a service that holds two accelerators and four cores, and takes 1 GFLOP, 1 kB and 2 J a request."""
    service = an_aiservice(name, metrics={"profile": "runtime"})
    claims = (
        Claim("u", "default", name, "n", "w", {"cpu": 4.0, "nvidia.com/gpu": 2.0}, device="nvidia.com/gpu"),
        Claim("u", "default", name, "n", "w", {"cpu": 4.0}, device="cpu", copy="b"),
    )
    return Consumer(service, claims, Expectation("cpu", 1e9, 8000.0, 0.01, 200.0), (("default", f"{name}-0"),))


@dataclass
class Scene:
    """A meter whose time is set by hand."""

    source: FakeExporters | None = field(default_factory=FakeExporters)
    pods: Pods = field(default_factory=dict)
    consumers: list[Consumer] = field(default_factory=lambda: [a_consumer()])
    metrics: Exposition = field(default_factory=Exposition)
    moment: float = 0.0

    def __post_init__(self) -> None:
        self.meter = UsageMeter(self.source, {"runtime": PROFILE}, lambda: self.pods, self.metrics)

    async def tick(self, seconds: float = 10.0) -> None:
        """Let time pass and count."""
        self.moment += seconds
        await self.meter.tick(self.consumers, NOON + timedelta(seconds=self.moment), self.moment)

    def told(self, name: str, who: str = "plates", **labels: str) -> float | None:
        """Return a counter."""
        named = {"aiservice_namespace": "default", "aiservice": who, **labels}
        return self.metrics.registry.get_sample_value(f"aif_usage_{name}_total", named)


def asking(per_second: float, joules: float | None = None) -> FakeExporters:
    """Return what tells so many requests a second."""
    rows = {"requests": [Told(per_second * WINDOW_SECONDS, WHO)]}
    return FakeExporters(rows | ({} if joules is None else {"joules": [Told(joules, WHO)]}))


async def test_what_is_held_counts_from_the_first_look_on() -> None:
    scene = Scene(source=None)
    await scene.tick()
    assert scene.told("device_seconds", device="nvidia.com/gpu") is None
    await scene.tick(10)
    await scene.tick(20)
    assert scene.told("device_seconds", device="nvidia.com/gpu") == 60
    assert scene.told("device_seconds", device="cpu") == 120
    assert scene.told("flop") is None


async def test_measured_requests_count_as_work_and_what_no_meter_tells_is_estimated() -> None:
    scene = Scene(source=asking(per_second=5))
    await scene.tick()
    await scene.tick(10)
    assert scene.told("flop") == pytest.approx(50e9)
    assert scene.told("bytes", source="estimated") == pytest.approx(50_000)
    assert scene.told("joules", source="estimated") == pytest.approx(100)


async def test_a_meter_goes_before_a_model() -> None:
    pods: Pods = {"traffic": {("default", "plates-0"): 700.0}}
    scene = Scene(source=asking(per_second=5, joules=3.0), pods=pods)
    await scene.tick()
    await scene.tick(10)
    assert scene.told("bytes", source="measured") == pytest.approx(7000)
    assert scene.told("bytes", source="estimated") is None
    assert scene.told("joules", source="measured") == pytest.approx(150)


async def test_watts_of_pods_count_where_the_runtime_tells_no_energy() -> None:
    scene = Scene(source=asking(per_second=5), pods={"power": {("default", "plates-0"): 40.0}})
    await scene.tick()
    await scene.tick(10)
    assert scene.told("joules", source="measured") == pytest.approx(400)


async def test_unknown_requests_are_no_work() -> None:
    scene = Scene(source=FakeExporters(down=True))
    await scene.tick()
    await scene.tick()
    assert scene.told("flop") is None
    assert scene.told("device_seconds", device="cpu") == 40


async def test_counters_of_a_service_that_is_gone_can_be_scraped_once_more_and_then_go() -> None:
    scene = Scene(source=None)
    await scene.tick()
    await scene.tick()
    scene.consumers.clear()
    await scene.tick()
    assert scene.told("device_seconds", device="cpu") == 40
    await scene.tick(KEPT_SECONDS)
    assert scene.told("device_seconds", device="cpu") is None


async def test_counters_are_bounded_and_the_rest_counts_by_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aif.handlers.usage.MOST_SERVICES", 2)
    scene = Scene(source=None, consumers=[a_consumer(f"s{number}") for number in range(5)])
    await scene.tick()
    await scene.tick()
    assert scene.told("device_seconds", who="s1", device="cpu") == 40
    assert scene.told("device_seconds", who="s4", device="cpu") is None
    assert scene.told("device_seconds", who="", device="cpu") == 120
