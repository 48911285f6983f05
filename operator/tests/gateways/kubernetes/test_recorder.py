"""Events are written once, counted when they repeat, and cannot flood."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from aif.domain.actions import Emit
from aif.domain.cluster import ObjectReference
from aif.gateways.kubernetes import recorder as module
from aif.gateways.kubernetes.recorder import Recorder, event_body
from tests.gateways.kubernetes.conftest import OWNER, Gateways

PLACED = Emit(OWNER, "Normal", "Placed", "Place", "Placed on gnb-7")


class Recording:
    """A recorder on a clock that the test moves."""

    def __init__(self, gateways: Gateways) -> None:
        self.now = 0.0
        self.recorder = Recorder(gateways.writer, instance="pod-1", metrics=gateways.metrics, clock=lambda: self.now)


@pytest.fixture
def recording(gateways: Gateways) -> Recording:
    """Return a recorder that has recorded nothing."""
    return Recording(gateways)


def stored(gateways: Gateways) -> list[dict[str, Any]]:
    """Return the events on the server."""
    return [item for (path, _, _), item in gateways.fake.store.objects.items() if path.endswith("/events")]


async def test_an_event_lies_beside_its_object(gateways: Gateways, recording: Recording) -> None:
    await recording.recorder.emit(PLACED)
    (event,) = stored(gateways)
    assert event["metadata"]["namespace"] == "shop"
    assert event["regarding"]["uid"] == OWNER.uid
    assert (event["reason"], event["action"], event["type"]) == ("Placed", "Place", "Normal")
    assert event["note"] == "Placed on gnb-7"
    assert event["reportingController"] == "net4ai.io/aif-operator"


async def test_a_repeated_event_becomes_a_series(gateways: Gateways, recording: Recording) -> None:
    for _ in range(2):
        await recording.recorder.emit(PLACED)
    (event,) = stored(gateways)
    assert event["series"]["count"] == 2


async def test_a_series_is_written_once_a_minute(gateways: Gateways, recording: Recording) -> None:
    for _ in range(10):
        await recording.recorder.emit(PLACED)
    assert len(gateways.fake.sent("PATCH")) == 1
    recording.now = 61.0
    await recording.recorder.emit(PLACED)
    (event,) = stored(gateways)
    assert event["series"]["count"] == 11


async def test_an_event_that_comes_again_much_later_is_a_new_one(gateways: Gateways, recording: Recording) -> None:
    await recording.recorder.emit(PLACED)
    recording.now = 361.0
    await recording.recorder.emit(PLACED)
    assert len(stored(gateways)) == 2


async def test_a_series_whose_event_expired_begins_anew(gateways: Gateways, recording: Recording) -> None:
    await recording.recorder.emit(PLACED)
    gateways.fake.store.objects.clear()
    await recording.recorder.emit(PLACED)
    assert len(stored(gateways)) == 1
    assert "series" not in stored(gateways)[0]


async def test_one_object_cannot_flood_and_does_not_silence_others(gateways: Gateways, recording: Recording) -> None:
    for number in range(40):
        await recording.recorder.emit(replace(PLACED, note=f"Placed on gnb-{number}"))
    assert len(stored(gateways)) == module.BURST
    assert gateways.count("aif_events_total", outcome="dropped") == 40 - module.BURST
    await recording.recorder.emit(replace(PLACED, regarding=replace(OWNER, name="faces", uid="uid-of-faces")))
    assert len(stored(gateways)) == module.BURST + 1
    recording.now = 301.0
    await recording.recorder.emit(replace(PLACED, note="Placed on gnb-99"))
    assert len(stored(gateways)) == module.BURST + 2


@pytest.mark.parametrize("status", [0, 403, 404, 409, 422, 500])
async def test_a_failure_is_counted_and_never_raised(gateways: Gateways, recording: Recording, status: int) -> None:
    gateways.fake.fail(method="POST", status=status)
    await recording.recorder.emit(PLACED)
    assert gateways.count("aif_events_total", outcome="failed") == 1


async def test_a_replica_that_does_not_lead_records_nothing(gateways: Gateways, recording: Recording) -> None:
    gateways.leading = False
    await recording.recorder.emit(PLACED)
    assert gateways.fake.requests == []


async def test_memory_is_bounded(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 3)
    for number in range(9):
        await recording.recorder.emit(replace(PLACED, regarding=replace(OWNER, uid=f"uid-{number}")))
    assert len(recording.recorder._series) == len(recording.recorder._allowances) == 3  # noqa: SLF001 - what is bounded


def test_an_event_is_within_what_the_api_server_admits() -> None:
    target = ObjectReference("v1", "Node", "", "n" * 253, "uid")
    body = event_body(Emit(target, "Warning", "R", "A", "x" * 5000), "pod-1", datetime(2030, 1, 1, 12, tzinfo=UTC))
    assert body["metadata"]["namespace"] == "default"
    assert len(body["metadata"]["name"]) <= 253
    assert len(body["note"]) == 1024
    assert body["eventTime"] == "2030-01-01T12:00:00.000000Z"
    assert "namespace" not in body["regarding"]
