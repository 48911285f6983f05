"""`aif plan exit`: exits, changing links, cascades, and profiles that are refused."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Aif

SAMPLES = Path(__file__).parents[4] / "docs" / "samples"
LAYERS = [
    {"name": "x", "elements": 1e6},
    {"name": "a", "inputs": ["x"], "flop": 1e9, "elements": 1e4, "parameters": 10},
    {"name": "b", "inputs": ["a"], "flop": 9e9, "elements": 1e3, "parameters": 10},
]
PROFILE: dict[str, Any] = {
    "model": {"name": "own", "layers": LAYERS},
    "exits": [
        {"name": "early", "after": "a", "headFlop": 1e9, "accuracy": 0.5},
        {"name": "full", "after": "b", "accuracy": 0.9},
    ],
    "user": {"flopPerSecond": 1e12, "watts": 1},
    "network": {"flopPerSecond": 1e13, "watts": 1},
    "link": {"bitPerSecond": 1e8, "watts": 1},
    "deadlineSeconds": 6e-3,
}
TIERS = {"lower": {"seconds": 0.004}, "upper": {"seconds": 0.015, "servers": 2}}
BINS = [{"confidence": low, "requests": 100, "lowerAccuracy": low, "upperAccuracy": 0.9} for low in (0.1, 0.5, 0.8)]
CASCADE: dict[str, Any] = {"cascade": {**TIERS, "bins": BINS, "requestsPerSecond": 100}}


def planned(aif: Aif, **changes: Any) -> dict[str, Any]:
    """Return what is printed for the profile with parts of it replaced."""
    result = aif("plan", "exit", "-f", "-", "-o", "json", stdin=yaml.safe_dump({**PROFILE, **changes}))
    assert (result.status, result.err) == (0, "")
    structure: dict[str, Any] = json.loads(result.out)
    return structure


@pytest.mark.parametrize(
    ("deadline", "chosen", "cut", "seconds"),
    [
        pytest.param(6e-3, "full", "a", 1e-3 + 3.2e-3 + 0.9e-3, id="all of it, cut"),
        pytest.param(3e-3, "early", "early", 2e-3, id="the early exit, by the user alone"),
        pytest.param(1e-3, "early", "early", 2e-3, id="late in any case: the quickest"),
    ],
)
def test_exit_and_cut_follow_the_deadline(aif: Aif, deadline: float, chosen: str, cut: str, seconds: float) -> None:
    structure = planned(aif, deadlineSeconds=deadline)
    assert (structure["exit"], structure["cut"]) == (chosen, cut)
    assert structure["latencySeconds"] == pytest.approx(seconds)
    assert structure["inTime"] == (seconds <= deadline)


def test_raw_input_that_may_not_leave_bars_the_first_cut(aif: Aif) -> None:
    fast = {"bitPerSecond": 1e12, "watts": 1}
    assert planned(aif, link=fast)["cut"] == "x"
    assert planned(aif, link=fast, limits={"forbidRawInput": True})["cut"] == "a"


def test_measured_layers_replace_rates(aif: Aif) -> None:
    slow = [{"kind": "Layer", "flop": 1e9, "bytes": 0, "seconds": 0.1}]
    quick = [{"kind": "Layer", "flop": 1e9, "bytes": 0, "seconds": 1e-5}]
    structure = planned(aif, measurements={"user": slow, "network": quick}, link={"bitPerSecond": 1e10, "watts": 1})
    assert structure["cut"] == "x"
    assert structure["regression"]["user"]["Layer"]["measurements"] == 1


def test_plans_that_follow_a_changing_link_are_told_beside_a_fixed_one(aif: Aif) -> None:
    result = aif("plan", "exit", "-f", str(SAMPLES / "plan-exit.yaml"), "-o", "json")
    link = json.loads(result.out)["link"]
    assert [state["from"] for state in link["states"]] == [0, 12, 24]
    assert link["static"]["accuracy"] < link["changing"]["accuracy"] <= link["foresight"]["accuracy"]


def test_a_cascade_stands_alone_or_beside_exits(aif: Aif) -> None:
    result = aif("plan", "exit", "-f", str(SAMPLES / "plan-exit-cascade.yaml"), "-o", "json")
    structure = json.loads(result.out)
    assert list(structure) == ["cascade"]
    assert structure["cascade"]["accuracy"] >= 0.80
    assert structure["cascade"]["thresholds"][-1]["meanSeconds"] is None
    assert set(planned(aif, **CASCADE)) > {"exit", "cascade"}


def test_the_table_marks_what_is_chosen_and_what_is_late(aif: Aif) -> None:
    result = aif("plan", "exit", "-f", str(SAMPLES / "plan-exit.yaml"))
    assert "<- chosen" in result.out
    late = aif("plan", "exit", "-f", "-", stdin=yaml.safe_dump({**PROFILE, "deadlineSeconds": 1e-3}))
    assert "No exit is in time; this is the quickest." in late.out


def changed(path: str, value: object) -> dict[str, Any]:
    """Return the profile, with a cascade, in which one field is another."""
    body: dict[str, Any] = copy.deepcopy({**PROFILE, **CASCADE})
    place: Any = body
    *parts, last = (int(part) if part.isdigit() else part for part in path.split("."))
    for part in parts:
        place = place[part]
    place[last] = value
    return body


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        pytest.param("deadlineSeconds", 0, "deadlineSeconds: must be greater than 0", id="zero"),
        pytest.param("deadlineSeconds", None, "deadlineSeconds: is required", id="missing"),
        pytest.param("exits.0.after", "z", "exits[0].after: there is no legal cut after z", id="unknown cut"),
        pytest.param("exits.1.name", "early", "exits[1].name: early stands twice", id="a name twice"),
        pytest.param("exits.0.accuracy", 1.2, "exits[0].accuracy: must be less than or equal to 1", id="accuracy"),
        pytest.param("exits.0.headFlop", float("nan"), "exits[0].headFlop: must be a finite number", id="NaN"),
        pytest.param("exits.0.head", 1, "exits[0].head: there is no such field; did you mean headFlop?", id="unknown"),
        pytest.param("model.layers.1.inputs", ["b"], "model.layers: form a cycle: a, b", id="a cycle"),
        pytest.param(
            "bandwidth", {"bitPerSecond": [1e6, -1]}, "bandwidth.bitPerSecond[1]: must be", id="negative rate"
        ),
        pytest.param("bandwidth", {"bitPerSecond": []}, "bandwidth.bitPerSecond:", id="no history"),
        pytest.param("cascade.bins.1.confidence", 0.0, "cascade.bins.confidence: must hold rising", id="bins"),
        pytest.param(
            "cascade.lower.servers", 0, "cascade.lower.servers: must be greater than or equal to 1", id="servers"
        ),
        pytest.param("cascade.minimumAccuracy", 0.99, "no threshold keeps both limits", id="too much asked"),
        pytest.param(
            "measurements",
            {side: [{"kind": "Conv", "flop": 1, "bytes": 1, "seconds": 1}] for side in ("user", "network")},
            "measurements: no measurement of a layer of kind Layer",
            id="kind not measured",
        ),
    ],
)
def test_a_profile_that_breaks_a_rule_is_refused_by_field(aif: Aif, path: str, value: object, message: str) -> None:
    result = aif("plan", "exit", "-f", "-", stdin=yaml.safe_dump(changed(path, value)))
    assert (result.status, result.out) == (1, "")
    assert f"error: stdin: {message}" in result.err


@pytest.mark.parametrize("sample", ["plan-exit", "plan-exit-cascade"])
def test_each_plan_can_be_drawn(aif: Aif, tmp_path: Path, sample: str) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "plan.png"
    assert aif("plan", "exit", "-f", str(SAMPLES / f"{sample}.yaml"), "--plot", str(picture)).status == 0
    assert picture.stat().st_size > 1000
