"""Copies teach how fast their nodes are: once per window, per device, over a restart, and only where told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.contract.profiles import Profile
from aif.gateways.exposition import Exposition
from aif.handlers.calibrating import Calibrator
from tests.builders import NOON, a_compute_node, an_aiservice
from tests.handlers.exporters import FakeExporters, Told
from tests.reconcile.scenes import a_placement, placed

PROFILE = Profile.model_validate(
    {
        "name": "runtime",
        "point": "Server",
        "perCopy": True,
        "queries": {"computeSeconds": "seconds by ($by) [$window]", "joulesPerRequest": "joules by ($by) [$window]"},
    }
)
EXPECTED = 31e9 / 19.5e12
"""Seconds of a request on the declared accelerator."""


def a_service() -> AIService:
    """Return a service on the default node."""
    service = an_aiservice(metrics={"profile": "runtime"})
    return placed(service, a_placement(service))


@dataclass
class Scene:
    """A calibrator of one service on one node, whose time is set by hand."""

    service: AIService = field(default_factory=a_service)
    node: ComputeNode = field(default_factory=a_compute_node)
    source: FakeExporters = field(default_factory=FakeExporters)
    now: datetime = NOON
    woken: list[str] = field(default_factory=list)
    metrics: Exposition = field(default_factory=Exposition)

    def __post_init__(self) -> None:
        self.calibrator = Calibrator(
            self.source,
            {"runtime": PROFILE},
            lambda: [self.service],
            lambda: [self.node],
            self.woken.append,
            self.metrics,
        )

    def tell(self, seconds: float, joules: float | None = None) -> None:
        """Let the copy take so long, and so much energy, from now on."""
        copy = self.service.status.placements[0].copy_id
        labels = {"namespace": "default", "aiservice": "plates", "copy": copy}
        self.source.rows = {"seconds": [Told(seconds, labels)]}
        if joules is not None:
            self.source.rows["joules"] = [Told(joules, labels)]

    async def tick(self, times: int = 1, seconds: float = 60.0) -> None:
        """Let time pass and observe."""
        for _ in range(times):
            self.now += timedelta(seconds=seconds)
            await self.calibrator.tick(self.now)

    def efficiency(self) -> tuple[int, int]:
        """Return what is measured of the accelerator, and how often it was seen."""
        (known,) = self.calibrator.learnt("gnb-7")
        assert known.compute is not None
        return known.compute.measured_percent, known.compute.observations


async def test_a_copy_that_takes_twice_as_long_halves_the_efficiency_of_its_device() -> None:
    scene = Scene()
    scene.tell(2 * EXPECTED)
    await scene.tick(40)
    assert scene.efficiency() == (50, 40)
    assert set(scene.woken) == {"gnb-7"}


async def test_a_copy_is_observed_once_per_fast_window() -> None:
    scene = Scene()
    scene.tell(EXPECTED)
    await scene.tick(12, seconds=15)
    assert scene.efficiency() == (100, 3)


async def test_energy_is_held_against_the_declared_power_and_the_measured_time() -> None:
    scene = Scene()
    scene.tell(2 * EXPECTED, joules=2 * EXPECTED * 400 * 1.25)
    await scene.tick(10)
    (known,) = scene.calibrator.learnt("gnb-7")
    assert known.power is not None
    assert known.power.measured_percent == 80


async def test_two_rows_of_one_copy_teach_nothing() -> None:
    scene = Scene()
    scene.tell(EXPECTED)
    scene.source.rows["seconds"] *= 2
    await scene.tick()
    assert scene.calibrator.learnt("gnb-7") == ()


async def test_a_source_that_is_down_teaches_nothing() -> None:
    scene = Scene()
    scene.tell(EXPECTED)
    scene.source.down = True
    await scene.tick()
    assert scene.calibrator.learnt("gnb-7") == ()


async def test_a_successor_goes_on_where_its_predecessor_stopped() -> None:
    first = Scene()
    first.tell(2 * EXPECTED)
    await first.tick(20)
    status = first.node.status.model_copy(update={"calibration": list(first.calibrator.learnt("gnb-7"))})
    second = Scene(node=first.node.model_copy(update={"status": status}), now=first.now)
    second.tell(2 * EXPECTED)
    await second.tick()
    assert second.efficiency() == (50, 21)


async def test_how_far_predictions_are_off_is_counted() -> None:
    scene = Scene()
    scene.tell(2 * EXPECTED)
    await scene.tick()
    read = scene.metrics.registry.get_sample_value
    assert read("aif_prediction_ratio_sum", {"dimension": "latency"}) == pytest.approx(2.0)
    await scene.tick(100)
    before = read("aif_prediction_ratio_sum", {"dimension": "latency"}) or 0.0
    await scene.tick()
    after = read("aif_prediction_ratio_sum", {"dimension": "latency"}) or 0.0
    assert after - before < 1.1, "a calibrated prediction is nearly right"
