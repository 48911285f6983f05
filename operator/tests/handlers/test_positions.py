"""Positions tick by tick: who is asked about, what is read, remembered and forgotten, and who is woken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from aif.api.aiservice import AIService
from aif.api.migration_status import MigrationRecord
from aif.contract.answers import Row
from aif.contract.profiles import Profile
from aif.domain.conditions import timestamp
from aif.errors import Unavailable
from aif.handlers.positions import MOST_READINGS, STARTING_SECONDS, Positions, move_seconds
from aif.planning.mobility.moves import Verdict
from aif.scheduling.whereabouts import Whereabouts
from tests.builders import NOON
from tests.handlers.test_measuring import Told
from tests.scheduling.fleet import POLICY, a_table
from tests.scheduling.test_whereabouts import HABIT, NODES, STAY, a_service

QUERIES = {"ueSite": "sum by ($by) (aif_ue_site)"}
PROFILE = Profile.model_validate({"name": "radio", "point": "Client", "queries": QUERIES})
BLIND = Profile.model_validate({"name": "blind", "point": "Client", "queries": {"requests": "sum by ($by) (x)"}})


@dataclass
class FakePrometheus:
    """Tells how many users of plates are at each site."""

    users: dict[str, float] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    down: bool = False

    async def query(self, expression: str, at: float) -> Sequence[Row]:
        """Answer with a row for each site."""
        del at
        self.asked.append(expression)
        if self.down:
            raise Unavailable("no answer")
        labels = {"namespace": "default", "aiservice": "plates"}
        return [Told(value, {**labels, "site": site}) for site, value in self.users.items()]


def followed() -> AIService:
    """Return a placed service whose profile tells where its users are."""
    return a_service(metrics={"profile": "radio"}, migration={"verifySeconds": 5})


@dataclass
class Scene:
    """Positions whose time is set by hand."""

    services: list[AIService] = field(default_factory=lambda: [followed()])
    source: FakePrometheus = field(default_factory=FakePrometheus)
    seconds: float = 0.0
    woken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        table = a_table(*NODES)
        profiles = {"radio": PROFILE, "blind": BLIND}
        self.positions = Positions(
            self.source, profiles, lambda _: table, POLICY, lambda each: self.woken.append(each.metadata.name)
        )

    async def tick(self, *sites: str) -> Whereabouts | None:
        """Have all users be at each of ``sites`` for a look, and return what is known after the last."""
        for site in sites or ("",):
            if sites:
                self.source.users = {site: 1.0}
            self.seconds += 15.0
            await self.positions.tick(self.services, NOON + timedelta(seconds=self.seconds))
        return self.positions.of("uid-default-plates")


async def test_users_are_where_most_of_them_are() -> None:
    scene = Scene(source=FakePrometheus({"gnb-7": 3.0, "gnb-8": 4.0, "gnb-9": 0.0}))
    found = await scene.tick()
    assert found is not None
    assert found.site == "gnb-8"
    assert scene.source.asked == ["sum by (namespace, aiservice, site) (aif_ue_site)"]


async def test_who_is_about_to_be_left_is_woken_once() -> None:
    scene = Scene()
    found = await scene.tick(*HABIT, *["gnb-7"] * STAY)
    assert found is not None
    assert found.verdict is Verdict.MOVE
    assert scene.woken
    assert set(scene.woken) == {"plates"}


@pytest.mark.parametrize("profile", ["blind", "unheard-of"])
async def test_nobody_is_asked_where_the_profile_tells_no_positions(profile: str) -> None:
    scene = Scene([a_service(metrics={"profile": profile})], FakePrometheus({"gnb-7": 1.0}))
    assert await scene.tick() is None
    assert scene.source.asked == []


async def test_a_source_that_fails_leaves_a_gap() -> None:
    scene = Scene()
    await scene.tick("gnb-7")
    scene.source.down = True
    known = await scene.tick()
    assert known is not None
    assert known.site == "gnb-7"
    for _ in range(2):
        known = await scene.tick()
    assert known is None


async def test_a_service_that_is_gone_is_forgotten() -> None:
    scene = Scene()
    await scene.tick("gnb-7")
    scene.services = []
    assert await scene.tick() is None
    scene.services = [followed()]
    scene.source.users = {}
    assert await scene.tick() is None, "what was read before is not remembered"


def test_a_day_of_readings_is_kept_and_no_more() -> None:
    assert MOST_READINGS * 15 == 24 * 3600


def test_a_move_takes_as_long_as_the_last_one() -> None:
    service = followed()
    assert move_seconds(service) == STARTING_SECONDS + 5
    record = MigrationRecord(
        id=1,
        source="gnb-7",
        to="gnb-8",
        trigger="HandoverExpected",
        result="Completed",
        started_at=timestamp(NOON),
        ended_at=timestamp(NOON + timedelta(seconds=75)),
    )
    moved = service.status.model_copy(update={"migrations": [record]})
    assert move_seconds(service.model_copy(update={"status": moved})) == 75 - 5 - 30
