"""`aif plan mobility`: the structure, decisions on the sample, pictures, and profiles that are refused."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Aif

SAMPLE = Path(__file__).parents[4] / "docs" / "samples" / "plan-mobility.yaml"
BODY: dict[str, Any] = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))


def planned(aif: Aif, **changes: Any) -> dict[str, Any]:
    """Return what is printed for the sample with parts of it replaced."""
    result = aif("plan", "mobility", "-f", "-", "-o", "json", stdin=yaml.safe_dump({**BODY, **changes}))
    assert (result.status, result.err) == (0, "")
    structure: dict[str, Any] = json.loads(result.out)
    return structure


def test_the_service_of_the_sample_moves_ahead_of_the_tram(aif: Aif) -> None:
    structure = planned(aif)

    assert list(structure) == ["site", "leavesInSeconds", "staysForever", "next", "ahead", "decision"]
    assert structure["site"]["name"] == "bridge"
    assert structure["next"][0]["site"] == "market"
    assert sum(row["probability"] for row in structure["next"]) == pytest.approx(1.0)
    assert structure["decision"]["verdict"] == "Move"
    assert structure["decision"]["to"] == "ran-market"
    assert structure["decision"]["gainSeconds"] > structure["decision"]["costSeconds"] == 5.0


def test_the_forecast_reaches_as_far_as_the_horizon(aif: Aif) -> None:
    ahead = planned(aif, horizonSeconds=60)["ahead"]

    assert [row["seconds"] for row in ahead] == [0, 10, 20, 30, 40, 50, 60]
    assert all(sum(row["sites"].values()) == pytest.approx(1.0) for row in ahead)
    assert [row["leftProbability"] for row in ahead] == sorted(row["leftProbability"] for row in ahead)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        pytest.param({"readings": ["station", "market", "market", "bridge"]}, "Wait", id="on its way back"),
        pytest.param({"moveCostSeconds": 90}, "Wait", id="too dear"),
        pytest.param({"latencyLimitSeconds": 1.0}, "Wait", id="no breach anywhere"),
        pytest.param({"history": [["harbour", "bridge", "market", "station"]]}, "Unknown", id="hardly seen"),
        pytest.param({"hosts": BODY["hosts"][:1]}, "Unknown", id="no other host"),
    ],
)
def test_a_service_stays_where_moving_does_not_pay(aif: Aif, changes: dict[str, Any], verdict: str) -> None:
    assert planned(aif, **changes)["decision"]["verdict"] == verdict


def test_latencies_that_are_left_out_are_never_acted_on(aif: Aif) -> None:
    here, there, cloud = copy.deepcopy(BODY["hosts"])
    for site in ("market", "station"):
        del here["latencySeconds"][site]
    assert planned(aif, hosts=[here, there, cloud])["decision"]["verdict"] == "Wait"
    here, there, cloud = copy.deepcopy(BODY["hosts"])
    del there["latencySeconds"]["market"], there["latencySeconds"]["station"]
    assert planned(aif, hosts=[here, there, cloud])["decision"]["verdict"] == "Wait"


def test_a_group_that_was_never_seen_to_move_has_no_next_site(aif: Aif) -> None:
    structure = planned(aif, history=[], readings=["harbour"], hosts=[{"name": "a", "latencySeconds": {}}], host="a")
    assert structure["next"] == []
    assert structure["staysForever"] == 1.0
    assert structure["leavesInSeconds"] is None


def test_the_table_ends_with_the_decision_and_its_reason(aif: Aif) -> None:
    result = aif("plan", "mobility", "-f", str(SAMPLE))
    assert result.out.splitlines()[-1].startswith("Move to ran-market: it avoids ")
    assert "station" not in result.out, "it is not likely"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"stepSeconds": 0}, "stepSeconds: must be greater than 0", id="zero"),
        pytest.param({"moveCostSeconds": -1}, "moveCostSeconds: must be 0 or greater", id="negative"),
        pytest.param({"moveSeconds": float("nan")}, "moveSeconds: must be a finite number", id="NaN"),
        pytest.param({"readings": []}, "readings: ", id="no reading"),
        pytest.param({"readings": [None, None]}, "readings: must name a site at least once", id="all missing"),
        pytest.param({"readings": [3]}, "readings[0]: must be a valid string, not 3", id="a number"),
        pytest.param({"host": "x"}, "host: x is none of the hosts", id="unknown host"),
        pytest.param({"hosts": BODY["hosts"] * 2}, "hosts[3].name: ran-harbour stands already", id="twice"),
        pytest.param(
            {"hosts": [{"name": "ran-harbour", "latencySeconds": {"pier": 1.0}}]},
            "hosts[0].latencySeconds.pier: no reading names such a site",
            id="unknown site",
        ),
        pytest.param({"horizonSeconds": 20}, "horizonSeconds: must be longer than a move takes", id="short-sighted"),
        pytest.param({"horizonSeconds": 1e6}, "horizonSeconds: must be at most 1000 steps", id="far-sighted"),
        pytest.param({"wrongReadings": 1.0}, "wrongReadings: must be less than 1", id="all wrong"),
        pytest.param({"reading": []}, "reading: there is no such field; did you mean readings?", id="unknown field"),
        pytest.param({"history": None}, "history: is required", id="missing"),
    ],
)
def test_a_profile_that_breaks_a_rule_is_refused_with_file_and_field(
    aif: Aif, changes: dict[str, Any], message: str
) -> None:
    result = aif("plan", "mobility", "-f", "-", stdin=yaml.safe_dump({**BODY, **changes}))

    assert (result.status, result.out) == (1, "")
    assert f"error: stdin: {message}" in result.err


def test_the_picture_is_drawn(aif: Aif, tmp_path: Path) -> None:
    picture = tmp_path / "path.svg"
    assert aif("plan", "mobility", "-f", str(SAMPLE), "--plot", str(picture)).status == 0
    assert "market" in picture.read_text(encoding="utf-8")
