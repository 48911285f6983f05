"""`aif plan allocate`: the structure, comparisons, limits, pictures, and profiles that are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Aif

SAMPLE = Path(__file__).parents[4] / "docs" / "samples" / "plan-allocate.yaml"
TASK: dict[str, Any] = {
    "name": "a",
    "inputBits": 1e6,
    "totalFlop": 1e9,
    "bitPerSecondPerHertz": 2,
    "accuracy": {"p": 0.9, "q": 0.05, "r": 1.0},
}


def profile(site: dict[str, Any] | None = None, *tasks: dict[str, Any]) -> str:
    """Return a profile with changes to the site and to each task."""
    named = [{**TASK, "name": f"t{number}", **task} for number, task in enumerate(tasks or ({},))]
    return yaml.safe_dump({"site": {"hertz": 1e7, "flopPerSecond": 1e11, **(site or {})}, "tasks": named})


def test_the_sample_is_allocated_and_no_baseline_is_better(aif: Aif) -> None:
    result = aif("plan", "allocate", "-f", str(SAMPLE), "-o", "json")
    structure = json.loads(result.out)

    assert list(structure["tasks"][0]) == [
        "name",
        "share",
        "hertz",
        "bitPerSecond",
        "flopPerSecond",
        "seconds",
        "accuracy",
    ]
    assert structure["utilityBound"] == pytest.approx(structure["utility"])
    assert sum(task["hertz"] for task in structure["tasks"]) == pytest.approx(20e6)
    assert sum(task["flopPerSecond"] for task in structure["tasks"]) == pytest.approx(200e9)
    assert list(structure["baselines"]) == [
        "fixedChannel",
        "averageCompute",
        "withoutCompression",
        "blindToParallelism",
    ]
    assert all(row["utility"] <= structure["utility"] for row in structure["baselines"].values())


def test_a_baseline_that_cannot_keep_the_limits_says_why(aif: Aif) -> None:
    text = profile(None, {"latencyLimitSeconds": 0.04, "inputBits": 8e6}, {"inputBits": 1e3})
    structure = json.loads(aif("plan", "allocate", "-f", "-", "-o", "json", stdin=text).out)
    table = aif("plan", "allocate", "-f", "-", stdin=text).out

    assert structure["baselines"]["withoutCompression"] == {
        "utility": None,
        "limitsKept": False,
        "reason": structure["baselines"]["withoutCompression"]["reason"],
    }
    assert "longer by" in structure["baselines"]["withoutCompression"]["reason"]
    assert "not kept" in table


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(profile({"hertz": 0}), "site.hertz: must be greater than 0", id="zero"),
        pytest.param(profile({"hertz": -1}), "site.hertz: must be greater than 0", id="negative"),
        pytest.param(profile({"degradation": float("nan")}), "site.degradation", id="not a number"),
        pytest.param(profile({"hertzz": 1}), "site.hertzz: there is no such field; did you mean hertz?", id="unknown"),
        pytest.param(profile(None, {"inputBits": None}), "tasks[0].inputBits: is required", id="missing"),
        pytest.param(profile(None, {"name": "x"}, {"name": "x"}), "tasks[1].name: x stands already", id="twice"),
        pytest.param(
            profile(None, {"accuracyFloor": 0.89}), "tasks[0].accuracyFloor: lies above p - q", id="out of reach"
        ),
        pytest.param(
            profile(None, {"latencyLimitSeconds": 1e-9}), "tasks[].latencyLimitSeconds: bandwidth and", id="too short"
        ),
        pytest.param("{site: {hertz: 1, flopPerSecond: 1}, tasks: []}", "tasks: ", id="no task"),
    ],
)
def test_a_profile_that_breaks_a_rule_is_refused_with_file_and_field(aif: Aif, text: str, said: str) -> None:
    result = aif("plan", "allocate", "-f", "-", stdin=text)

    assert result.status == 1
    assert result.out == ""
    assert f"stdin: {said}" in result.err


def test_the_picture_is_drawn(aif: Aif, tmp_path: Path) -> None:
    picture = tmp_path / "shares.svg"

    assert aif("plan", "allocate", "-f", str(SAMPLE), "--plot", str(picture)).status == 0
    assert "fixed channel (FC)" in picture.read_text(encoding="utf-8")
