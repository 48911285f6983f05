"""Tick by tick: what is asked, whose verdict changed, and what a successor takes over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from aif.api.aiservice import AIService
from aif.api.aiservice_status import DimensionStatus
from aif.api.migration_status import Phase as Step
from aif.contract.alarms import Finding, Phase
from aif.contract.answers import Row
from aif.contract.profiles import Profile
from aif.contract.readings import Gap
from aif.domain.conditions import timestamp
from aif.errors import Unavailable
from aif.gateways.exposition import Exposition
from aif.handlers.measuring import Measurer
from aif.reconcile import holding
from tests.builders import NOON, an_aiservice
from tests.reconcile.moving.moves import moving
from tests.reconcile.scenes import a_placement, placed

PROFILE = Profile.model_validate(
    {
        "name": "runtime",
        "point": "Client",
        "queries": {
            "requestSeconds": "latency by ($by) [$window]",
            "requests": "requests by ($by) [$window]",
            "sampledAt": "sampled by ($by)",
        },
    }
)


@dataclass(frozen=True)
class Told:
    """A row of a vector."""

    value: float
    labels: dict[str, str]


@dataclass
class FakePrometheus:
    """Tells the latency of each service, unless it is down."""

    seconds: dict[str, float] = field(default_factory=dict)
    down: bool = False
    asked: list[str] = field(default_factory=list)

    async def query(self, expression: str, at: float) -> Sequence[Row]:
        """Answer by the first word."""
        self.asked.append(expression)
        if self.down:
            raise Unavailable("no answer")
        told = {"latency": None, "requests": 1000.0, "sampled": at - 5}[expression.split(maxsplit=1)[0]]
        return [
            Told(seconds if told is None else told, {"namespace": "default", "aiservice": name})
            for name, seconds in self.seconds.items()
        ]


@dataclass
class Scene:
    """A measurer whose time is set by hand."""

    services: list[AIService]
    source: FakePrometheus = field(default_factory=FakePrometheus)
    now: datetime = NOON
    woken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.metrics = Exposition()
        self.measurer = Measurer(
            self.source,
            {"runtime": PROFILE},
            lambda: self.services,
            lambda meta: self.woken.append(meta.name),
            self.metrics,
            lambda: self.now,
        )

    async def tick(self, seconds: float = 15.0) -> list[str]:
        """Let time pass, judge, and return whose verdict changed."""
        self.now += timedelta(seconds=seconds)
        self.woken.clear()
        await self.measurer.tick()
        return list(self.woken)

    def state(self, service: AIService) -> tuple[Finding, Phase, Gap]:
        """Return what is known of a service's only promise."""
        (judged,) = self.measurer.judged[service.metadata.uid]
        return judged.finding, judged.phase, judged.gap


def a_service(name: str = "plates", **changes: Any) -> AIService:
    """Return a placed service whose latency must be 20 ms, with alarms after a minute."""
    qos = {"latency": {"maxP99Microseconds": 20_000}}
    service = an_aiservice(name, qos=qos, metrics={"profile": "runtime"}, **changes)
    return placed(service, a_placement(service))


async def test_a_kept_contract_wakes_its_service_once() -> None:
    scene = Scene([plates := a_service()])
    scene.source.seconds["plates"] = 0.01
    assert await scene.tick() == ["plates"]
    assert scene.state(plates) == (Finding.MET, Phase.QUIET, Gap.NONE)
    scene.source.seconds["plates"] = 0.012
    assert await scene.tick() == [], "a value that only moves is no news"


async def test_a_breach_becomes_an_alarm_when_it_lasted() -> None:
    scene = Scene([plates := a_service()])
    scene.source.seconds["plates"] = 0.03
    assert await scene.tick() == ["plates"]
    assert scene.state(plates)[1] is Phase.PENDING
    assert await scene.tick(30) == []
    assert await scene.tick(30) == ["plates"]
    assert scene.state(plates)[1] is Phase.RAISED
    assert scene.metrics.registry.get_sample_value("aif_threshold_alarms") == 1


async def test_a_source_that_is_down_makes_everything_unknown_and_ends_no_alarm() -> None:
    scene = Scene([plates := a_service()])
    scene.source.seconds["plates"] = 0.03
    await scene.tick()
    await scene.tick(60)
    scene.source.down = True
    assert await scene.tick() == ["plates"]
    assert scene.state(plates) == (Finding.UNKNOWN, Phase.RAISED, Gap.FAILED)


async def test_many_services_are_asked_about_at_once() -> None:
    services = [a_service(f"s{number}") for number in range(50)]
    scene = Scene(services)
    await scene.tick()
    assert len(scene.source.asked) == 5


@pytest.mark.parametrize(
    "service",
    [
        pytest.param(an_aiservice(qos={"latency": {"maxP99Microseconds": 20_000}}), id="not placed"),
        pytest.param(a_service(suspend=True), id="suspended"),
    ],
)
async def test_a_service_that_does_not_run_is_not_measured(service: AIService) -> None:
    scene = Scene([service])
    assert await scene.tick() == []
    assert scene.source.asked == []


def with_alarm(service: AIService, alarm: str, since: datetime, target: int = 20_000) -> AIService:
    """Return ``service`` as a predecessor left it."""
    row = DimensionStatus(
        dimension="latency", target=target, verdict="Breached", alarm=alarm, alarm_since=timestamp(since)
    )
    return service.model_copy(update={"status": service.status.model_copy(update={"qos": [row]})})


async def test_a_successor_neither_loses_a_pending_alarm_nor_starts_its_time_anew() -> None:
    plates = with_alarm(a_service(), "Pending", NOON - timedelta(seconds=50))
    scene = Scene([plates])
    scene.source.seconds["plates"] = 0.03
    await scene.tick(15)
    assert scene.state(plates)[1] is Phase.RAISED


async def test_a_successor_does_not_raise_again_what_is_raised() -> None:
    plates = with_alarm(a_service(), "Raised", NOON - timedelta(seconds=500))
    scene = Scene([plates])
    scene.source.seconds["plates"] = 0.03
    await scene.tick(15)
    (judged,) = scene.measurer.judged[plates.metadata.uid]
    assert judged.since == (NOON - timedelta(seconds=500)).timestamp()


async def test_an_alarm_about_another_target_is_another_alarm() -> None:
    plates = with_alarm(a_service(), "Raised", NOON - timedelta(seconds=500), target=10_000)
    scene = Scene([plates])
    scene.source.seconds["plates"] = 0.01
    await scene.tick()
    assert scene.state(plates)[1] is Phase.QUIET


async def test_a_service_that_is_gone_is_forgotten() -> None:
    scene = Scene([a_service()])
    await scene.tick()
    scene.services.clear()
    await scene.tick()
    assert scene.measurer.judged == {}


async def test_copies_of_a_service_that_moves_are_asked_about_beside_each_other() -> None:
    service = moving(Step.TARGET_READY, service=a_service())
    scene = Scene([service])
    assert await scene.tick(3) == ["plates"]
    assert scene.measurer.judged_copies == {}, "too soon to say anything"
    assert await scene.tick(12) == ["plates"], "a service that moves is looked at every time"
    copies = {each.copy_id for each in holding.recorded(service)}
    assert scene.measurer.judged_copies[service.metadata.uid].keys() == copies
    assert any("copy" in question for question in scene.source.asked)
