"""`aif plan place`: the structure, the certificate, pictures, and profiles that are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Aif

SAMPLE = Path(__file__).parents[4] / "docs" / "samples" / "plan-place.yaml"


def profile(node: dict[str, Any] | None = None, **service: Any) -> str:
    """Return a profile of one node and one service, with changes to both."""
    return yaml.safe_dump(
        {
            "nodes": [{"name": "n", "capacity": {"cores": 4}, **(node or {})}],
            "services": [{"name": "s", "demand": {"cores": 2}, "scores": {"n": 50}, **service}],
        }
    )


def test_the_sample_is_placed_as_well_as_can_be_and_better_than_one_after_the_other(aif: Aif) -> None:
    structure = json.loads(aif("plan", "place", "-f", str(SAMPLE), "-o", "json").out)

    assert list(structure) == ["services", "placed", "value", "bound", "gap", "method", "greedy"]
    assert structure["services"][0] == {"name": "crossing-camera", "node": "ran-2", "score": 85.0}
    assert structure["placed"] == 5
    assert structure["gap"] == pytest.approx(0.0, abs=1e-9)
    assert structure["greedy"]["value"] < structure["value"]


def test_a_service_without_a_place_has_no_node(aif: Aif) -> None:
    text = profile(demand={"cores": 5})
    structure = json.loads(aif("plan", "place", "-f", "-", "-o", "json", stdin=text).out)

    assert structure["services"] == [{"name": "s", "node": None, "score": None}]
    assert "s        -     -" in aif("plan", "place", "-f", "-", stdin=text).out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(profile(demand={"cores": -1}), "services[0].demand.cores: must be 0 or greater", id="negative"),
        pytest.param(profile(demand={"gpu": 1}), "services[0].demand.gpu: no node has such a resource", id="resource"),
        pytest.param(profile(scores={"m": 1}), "services[0].scores.m: there is no such node", id="node"),
        pytest.param(profile(scores={"n": float("nan")}), "services[0].scores.n", id="not a number"),
        pytest.param(profile(score=1), "services[0].score: there is no such field; did you mean scores?", id="unknown"),
        pytest.param(profile({"capacity": {}}), "nodes[0].capacity", id="node without anything"),
        pytest.param("{nodes: [], services: []}", "nodes: ", id="no node"),
    ],
)
def test_a_profile_that_breaks_a_rule_is_refused_with_file_and_field(aif: Aif, text: str, said: str) -> None:
    result = aif("plan", "place", "-f", "-", stdin=text)

    assert result.status == 1
    assert result.out == ""
    assert f"stdin: {said}" in result.err


def test_two_nodes_of_one_name_are_refused(aif: Aif) -> None:
    body = yaml.safe_load(profile())
    body["nodes"] *= 2

    assert (
        "nodes[1].name: n stands already in nodes[0]" in aif("plan", "place", "-f", "-", stdin=yaml.safe_dump(body)).err
    )


def test_the_picture_is_drawn(aif: Aif, tmp_path: Path) -> None:
    picture = tmp_path / "nodes.png"

    assert aif("plan", "place", "-f", str(SAMPLE), "--plot", str(picture)).status == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
