"""`aif history` tells what happened to a service, newest last, and what is not shown."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from aif.api.aiservice import AIService
from aif.cli.explain.history import report, view
from tests.builders import an_aiservice
from tests.cli.explain.test_explain import a_condition

GOLDEN = Path(__file__).parents[1] / "golden" / "history.json"
BORN = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)
SOON = BORN + timedelta(minutes=10)
LATER = BORN + timedelta(hours=5)


def an_event(reason: str, note: str = "", *, minute: int = 0, uid: str = "uid-plates", **fields: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": f"plates.{minute}", "creationTimestamp": "2030-01-01T12:00:00Z"},
        "eventTime": f"2030-01-01T12:{minute:02}:00.250000Z",
        "type": "Normal",
        "reason": reason,
        "note": note,
        "regarding": {"kind": "AIService", "name": "plates", "uid": uid},
        **fields,
    }


def a_service(**status: Any) -> AIService:
    placement = {
        "node": "gnb-8",
        "nodeName": "worker-gnb-8",
        "tier": "RAN",
        "variant": "gpu",
        "replicas": 1,
        "score": 80,
        "copy": "c0ffee",
    }
    metadata = {"uid": "uid-plates", "creationTimestamp": "2030-01-01T12:00:00Z"}
    placed = {**a_condition("Placed"), "lastTransitionTime": "2030-01-01T12:03:00Z"}
    return an_aiservice(metadata=metadata, status={"placements": [placement], "conditions": [placed], **status})


EVENTS = [
    an_event("Moving", "New copy on gnb-8, the one on gnb-7 serves on", minute=5),
    an_event("CapacityReserved", "No node of 2 fits", minute=1, type="Warning"),
    an_event("Placed", "Placed on gnb-7 as variant gpu", minute=3),
    an_event(
        "Repaired",
        "Deployment plates-c0ffee had been changed and was restored",
        minute=4,
        series={"count": 5, "lastObservedTime": "2030-01-01T12:09:30.000000Z"},
    ),
]


def shown(structure: dict[str, Any], *, terminal: bool = False) -> str:
    stream = io.StringIO()
    screen = Console(file=stream, width=140, force_terminal=terminal, color_system="standard" if terminal else None)
    screen.print(view(structure, screen))
    return stream.getvalue()


def test_a_history_is_told_as_it_was_reviewed() -> None:
    assert report(a_service(), EVENTS, SOON) == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_the_newest_stands_last() -> None:
    reasons = [entry["reason"] for entry in report(a_service(), EVENTS, SOON)["history"]]
    assert reasons == ["Created", "CapacityReserved", "AsExpected", "Placed", "Repaired", "Moving"]


def test_what_was_aggregated_is_said() -> None:
    structure = report(a_service(), EVENTS, SOON)
    assert structure["notes"] == ["4 repetitions of the same event are counted in one line (xN), with the last time"]
    assert "x5 until 12:09:30" in shown(structure)


def test_what_has_expired_is_said() -> None:
    (note,) = report(a_service(), [an_event("Moving", minute=59)], LATER)["notes"]
    assert note.startswith("events before 12:59:00 UTC have expired if there were any")
    (note,) = report(a_service(), [], LATER)["notes"]
    assert note.startswith("events of this service have expired if there were any")


def test_nothing_has_expired_of_a_young_service() -> None:
    assert report(a_service(), [], SOON)["notes"] == []


def test_events_of_an_earlier_service_of_the_name_are_left_out() -> None:
    structure = report(a_service(), [an_event("Placed", uid="another")], SOON)
    assert [entry["source"] for entry in structure["history"]] == ["Object", "Condition"]
    assert structure["notes"] == ["1 event of an earlier AIService of this name are left out"]


def test_many_events_may_hide_others() -> None:
    events = [an_event("Moving", str(number), minute=number) for number in range(25)]
    assert any("some may be missing" in note for note in report(a_service(), events, SOON)["notes"])


def test_without_the_right_to_read_events_conditions_are_told() -> None:
    structure = report(a_service(), None, SOON)
    assert [entry["source"] for entry in structure["history"]] == ["Object", "Condition"]
    assert "Ask for the right to list events" in structure["notes"][0]


def test_an_event_of_the_old_form_has_its_times() -> None:
    old = an_event("Killing", deprecatedCount=3, deprecatedLastTimestamp="2030-01-01T12:08:00Z")
    old |= {"eventTime": None, "deprecatedFirstTimestamp": "2030-01-01T12:07:00Z"}
    entry = report(a_service(), [old], SOON)["history"][-1]
    assert (entry["time"], entry["count"], entry["until"]) == (
        "2030-01-01T12:07:00+00:00",
        3,
        "2030-01-01T12:08:00+00:00",
    )


@pytest.mark.parametrize(("terminal", "coloured"), [(True, True), (False, False)])
def test_colours_are_for_terminals(*, terminal: bool, coloured: bool) -> None:
    assert ("\x1b[" in shown(report(a_service(), EVENTS, SOON), terminal=terminal)) is coloured


def test_it_ends_with_where_the_service_is_now() -> None:
    assert shown(report(a_service(), EVENTS, SOON)).splitlines()[-2] == "Now on gnb-8 (x1, score 80)"
    assert "Now on no node" in shown(report(a_service(placements=[]), [], SOON))
