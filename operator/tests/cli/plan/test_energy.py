"""`aif plan energy`: devices, shares and hours by hand, pictures, and profiles that are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Aif

SAMPLE = Path(__file__).parents[4] / "docs" / "samples" / "plan-energy.yaml"
DEVICES = [
    {"name": "thrifty", "flopPerSecond": 1e9, "watts": 1, "carbonKgPerKWh": 0.72},
    {"name": "quick", "flopPerSecond": 1e10, "watts": 40, "carbonKgPerKWh": 0.09},
]
"""A request of 1 GFLOP takes 1 s and 1 J on the first, 0.1 s and 4 J on the second; 200 and 100 ug of CO2."""
BODY: dict[str, Any] = {"flopPerRequest": 1e9, "devices": DEVICES}
JOB: dict[str, Any] = {"watts": 1000, "slotSeconds": 3600, "slots": 2, "carbonKgPerKWh": [0.5, 0.1, 0.3, 0.1]}


def planned(aif: Aif, **changes: Any) -> dict[str, Any]:
    """Return what is printed for the profile with parts of it replaced."""
    result = aif("plan", "energy", "-f", "-", "-o", "json", stdin=yaml.safe_dump({**BODY, **changes}))
    assert (result.status, result.err) == (0, "")
    structure: dict[str, Any] = json.loads(result.out)
    return structure


def test_figures_of_a_request_follow_from_work_power_and_grid(aif: Aif) -> None:
    first, second = planned(aif)["devices"]
    assert (first["seconds"], first["joules"]) == (1.0, 1.0)
    assert first["grams"] == pytest.approx(200e-6)
    assert (second["seconds"], second["joules"]) == pytest.approx((0.1, 4.0))
    assert second["grams"] == pytest.approx(100e-6)


@pytest.mark.parametrize(
    ("changes", "device"),
    [
        pytest.param({}, "thrifty", id="least energy"),
        pytest.param({"objective": "carbon"}, "quick", id="least carbon"),
        pytest.param({"limits": {"deadlineSeconds": 0.5}}, "quick", id="least energy in time"),
        pytest.param({"limits": {"deadlineSeconds": 0.01}}, None, id="none is in time"),
        pytest.param({"limits": {"deadlineSeconds": 0.5, "joulesPerRequest": 2}}, None, id="in time but too dear"),
    ],
)
def test_the_most_efficient_device_is_taken_where_time_and_budget_allow(
    aif: Aif, changes: dict[str, Any], device: str | None
) -> None:
    assert planned(aif, **changes)["chosen"]["device"] == device


def test_a_budget_also_names_the_fastest_device_that_it_allows(aif: Aif) -> None:
    assert planned(aif, limits={"joulesPerRequest": 2})["fastestWithinBudget"]["device"] == "thrifty"
    assert planned(aif, limits={"joulesPerRequest": 9})["fastestWithinBudget"]["device"] == "quick"
    assert "fastestWithinBudget" not in planned(aif)


def test_a_load_fills_the_most_efficient_device_first(aif: Aif) -> None:
    structure = planned(aif, requestsPerSecond=2, limits={"utilisation": 0.5})
    assert [row["requestsPerSecond"] for row in structure["devices"]] == [0.5, 1.5]
    load = structure["load"]
    assert load["joulesPerSecond"] == pytest.approx(0.5 * 1.0 + 1.5 * 4.0)
    assert load["joulesPerSecondWhenEven"] == pytest.approx(2 / 5.5 * (0.5 * 1.0 + 5.0 * 4.0))


def test_a_load_that_finds_no_room_is_told(aif: Aif) -> None:
    assert planned(aif, requestsPerSecond=100)["load"]["served"] == pytest.approx(8.8)
    nobody = planned(aif, requestsPerSecond=100, limits={"deadlineSeconds": 0.01})["load"]
    assert (nobody["served"], nobody["joulesPerSecondWhenEven"]) == (0.0, 0.0)


def test_a_budget_of_a_period_grants_whole_requests(aif: Aif) -> None:
    rows = planned(aif, limits={"joulesPerPeriod": 10})["devices"]
    assert [row["requestsPerPeriod"] for row in rows] == [10.0, 2.0]


def test_a_job_waits_for_cleaner_hours(aif: Aif) -> None:
    job = planned(aif, job=JOB)["job"]
    assert [job[way]["slots"] for way in ("atOnce", "inOnePiece", "withPauses")] == [[0, 1], [1, 2], [1, 3]]
    assert [job[way]["grams"] for way in job] == pytest.approx([600.0, 400.0, 200.0])


def test_a_job_alone_needs_no_devices(aif: Aif) -> None:
    result = aif("plan", "energy", "-f", "-", stdin=yaml.safe_dump({"job": JOB}))
    assert result.status == 0
    assert "with pauses   1, 3" in result.out


def test_the_table_of_the_sample_says_what_an_even_fill_would_cost(aif: Aif) -> None:
    result = aif("plan", "energy", "-f", str(SAMPLE))
    assert "500 of 500 requests/s served" in result.out
    assert "less than an even fill" in result.out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"flopPerRequest": 0}, "flopPerRequest: must be greater than 0", id="zero"),
        pytest.param({"flopPerRequest": None}, "flopPerRequest: is required", id="missing"),
        pytest.param({"devices": None, "flopPerRequest": None}, "devices: is required", id="nothing to plan"),
        pytest.param(
            {"devices": [{**DEVICES[0], "watts": -1}]}, "devices[0].watts: must be greater than 0", id="negative"
        ),
        pytest.param(
            {"devices": [{**DEVICES[0], "watts": float("nan")}]}, "devices[0].watts: must be a finite", id="NaN"
        ),
        pytest.param(
            {"devices": [{**DEVICES[0], "power": 1}]}, "devices[0].power: there is no such field", id="unknown field"
        ),
        pytest.param({"devices": [DEVICES[0]] * 2}, "devices[1].name: thrifty stands already in devices[0]", id="name"),
        pytest.param({"objective": "money"}, "objective: must be 'energy' or 'carbon'", id="objective"),
        pytest.param(
            {"limits": {"gramsPerRequest": 1}},
            "limits.gramsPerRequest: is judged where objective is carbon",
            id="budget of another objective",
        ),
        pytest.param({"limits": {"utilisation": 1.5}}, "limits.utilisation: must be less", id="share"),
        pytest.param({"job": {**JOB, "slots": 5}}, "job.slots: must be at most the 4 slots", id="job too long"),
        pytest.param({"job": {**JOB, "deadlineSlot": 1}}, "job.slots: must be at most the 1 slots", id="job too late"),
        pytest.param({"job": {**JOB, "carbonKgPerKWh": []}}, "job.carbonKgPerKWh: ", id="no forecast"),
    ],
)
def test_a_profile_that_breaks_a_rule_is_refused_with_file_and_field(
    aif: Aif, changes: dict[str, Any], message: str
) -> None:
    result = aif("plan", "energy", "-f", "-", stdin=yaml.safe_dump({**BODY, **changes}))
    assert (result.status, result.out) == (1, "")
    assert f"error: stdin: {message}" in result.err


@pytest.mark.parametrize("body", [BODY, {"job": JOB}], ids=["devices", "job"])
def test_each_plan_can_be_drawn(aif: Aif, tmp_path: Path, body: dict[str, Any]) -> None:
    picture = tmp_path / "energy.svg"
    stdin = yaml.safe_dump(body)
    assert aif("plan", "energy", "-f", "-", "--plot", str(picture), stdin=stdin).status == 0
    assert picture.stat().st_size > 1000
