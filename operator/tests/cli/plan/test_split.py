"""`aif plan split`: two sides, several, peers; and profiles that are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Aif

SAMPLES = Path(__file__).parents[4] / "docs" / "samples"
SIDE = {"flopPerSecond": 1e12, "watts": 10}
LINK = {"bitPerSecond": 1e9, "watts": 1}
OWN = {
    "name": "own",
    "layers": [
        {"name": "b", "inputs": ["a"], "flop": 2e9, "elements": 1e3, "parameters": 10},
        {"name": "x", "elements": 1e6},
        {"name": "a", "inputs": ["x"], "flop": 1e9, "elements": 1e4, "parameters": 10},
    ],
}
PROFILE: dict[str, Any] = {"model": OWN, "user": SIDE, "network": {**SIDE, "flopPerSecond": 1e13}, "link": LINK}
PEERS = {"model": {"name": "vgg16"}, "user": SIDE, "link": LINK, "peers": [{"name": "p", **SIDE, "link": LINK}]}


def planned(aif: Aif, body: dict[str, Any]) -> dict[str, Any]:
    """Return what is printed for a profile."""
    result = aif("plan", "split", "-f", "-", "-o", "json", stdin=yaml.safe_dump(body))
    assert (result.status, result.err) == (0, "")
    structure: dict[str, Any] = json.loads(result.out)
    return structure


def test_layers_in_any_order_are_cut_where_least_time_passes(aif: Aif) -> None:
    """After a: 1 ms, 0.32 ms of transfer and 0.2 ms; at the ends 32.3 ms and 3 ms."""
    structure = planned(aif, PROFILE)
    assert structure["best"]["cut"] == "a"
    assert structure["best"]["value"] == pytest.approx(1.52e-3)
    assert structure["best"]["gain"] == pytest.approx(3 / 1.52)
    assert [cut["name"] for cut in structure["cuts"]] == ["x", "a", "b"]


def test_cuts_alone_are_enough(aif: Aif) -> None:
    cuts = [
        {"name": "0", "userFlop": 0, "transferBits": 32e6},
        {"name": "1", "userFlop": 1e9, "transferBits": 320e3},
        {"name": "2", "userFlop": 3e9, "transferBits": 0},
    ]
    structure = planned(aif, {**PROFILE, "model": {"name": "own", "cuts": cuts}})
    assert structure["best"]["value"] == pytest.approx(1.52e-3)
    assert "graph" not in structure


@pytest.mark.parametrize(
    ("objective", "cut", "value"),
    [("Latency", "a", 1.52e-3), ("Energy", "a", 12.32e-3), ("Throughput", "a", 1e-3)],
)
def test_each_objective_is_honoured(aif: Aif, objective: str, cut: str, value: float) -> None:
    best = planned(aif, {**PROFILE, "objective": objective})["best"]
    assert (best["cut"], best["value"]) == (cut, pytest.approx(value))


def test_a_cut_through_blocks_is_told_beside_the_best_legal_one(aif: Aif) -> None:
    result = aif("plan", "split", "-f", str(SAMPLES / "plan-split-graph.yaml"), "-o", "json")
    structure = json.loads(result.out)
    assert len(structure["graph"]["sent"]) == 4
    assert structure["graph"]["value"] < structure["best"]["value"]


def test_several_hops_hand_on_in_order(aif: Aif) -> None:
    result = aif("plan", "split", "-f", str(SAMPLES / "plan-split-hops.yaml"), "-o", "json")
    parts = json.loads(result.out)["path"]["parts"]
    assert [part["side"] for part in parts] == ["user", "radio-site", "edge", "network"]
    assert [part["after"] for part in parts[1:]] == [part["upTo"] for part in parts[:-1]]
    assert sum(part["flop"] for part in parts) == pytest.approx(8.18e9, rel=1e-3)


def test_peers_share_all_rows(aif: Aif) -> None:
    result = aif("plan", "split", "-f", str(SAMPLES / "plan-split-peers.yaml"), "-o", "json")
    plan = json.loads(result.out)["vertical"]
    assert sum(one["share"] for one in plan["shares"]) == pytest.approx(1.0)
    assert plan["gain"] > 1.5


def test_a_model_takes_other_pixels(aif: Aif) -> None:
    structure = planned(aif, {**PROFILE, "model": {"name": "resnet50", "pixels": 448}})
    assert structure["cuts"][-1]["userFlop"] > 4 * 8.1e9


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"model": {"name": "vgg17"}}, "model.name: there is no table of a model vgg17", id="unknown model"
        ),
        pytest.param(
            {
                "model": {
                    "name": "m",
                    "layers": [{"name": "x", "elements": 1}, {"name": "a", "inputs": ["a"], "elements": 1}],
                }
            },
            "model.layers: form a cycle: a",
            id="a cycle",
        ),
        pytest.param(
            {
                "model": {
                    "name": "m",
                    "layers": [{"name": "x", "elements": 1}, {"name": "a", "inputs": ["y"], "elements": 1}],
                }
            },
            "model.layers[1].inputs: there is no layer y",
            id="unknown input",
        ),
        pytest.param(
            {
                "model": {
                    "name": "m",
                    "cuts": [
                        {"name": "0", "userFlop": 5, "transferBits": 1},
                        {"name": "1", "userFlop": 3, "transferBits": 0},
                    ],
                }
            },
            "model.cuts: cuts are out of order: 1 holds less than the one before",
            id="cuts out of order",
        ),
        pytest.param(
            {"model": {**OWN, "cuts": [{"name": "0", "userFlop": 5, "transferBits": 1}] * 2}},
            "model.cuts: must not stand beside model.layers",
            id="layers and cuts",
        ),
        pytest.param(
            {"model": {**OWN, "layers": [*OWN["layers"], {"name": "y", "elements": float("nan")}]}},
            "model.layers[3].elements: must be a finite number",
            id="NaN",
        ),
        pytest.param({"bits": {"activation": 0}}, "bits.activation: must be greater than 0", id="no bits"),
        pytest.param({"objective": "Speed"}, "objective: must be 'Latency', 'Energy' or 'Throughput'", id="objective"),
        pytest.param(
            {"limits": {"minimumDepth": -1}}, "limits.minimumDepth: must be greater than or equal", id="depth"
        ),
        pytest.param({"limits": {"latencySeconds": 1e-9}}, "no cut keeps every limit: of 3, 3 take longer", id="limit"),
        pytest.param({"network": None}, "network: is required", id="no network"),
        pytest.param({"cloud": {"name": "c", **SIDE, "link": LINK}}, "cloud: takes what peers cannot hold", id="cloud"),
        pytest.param(
            {"hops": [{"name": "h", **SIDE, "link": LINK}], "limits": {"latencySeconds": 1}},
            "limits: over several hops may not bound latency",
            id="limits over hops",
        ),
        pytest.param({"peers": PEERS["peers"]}, "network: must not stand beside peers", id="peers and network"),
    ],
)
def test_a_profile_that_breaks_a_rule_is_refused_by_field(aif: Aif, changes: dict[str, Any], message: str) -> None:
    result = aif("plan", "split", "-f", "-", stdin=yaml.safe_dump({**PROFILE, **changes}))
    assert (result.status, result.out) == (1, "")
    assert f"error: stdin: {message}" in result.err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"objective": "Energy"}, "peers: are shared for least latency and without limits", id="energy"),
        pytest.param({"model": OWN}, "peers: need a model that is known by name", id="own layers"),
        pytest.param({"user": {**SIDE, "memoryBytes": 1e6}}, "", id="the user holds nothing"),
    ],
)
def test_peers_take_known_models_and_least_latency(aif: Aif, changes: dict[str, Any], message: str) -> None:
    result = aif("plan", "split", "-f", "-", stdin=yaml.safe_dump({**PEERS, **changes}))
    assert result.status == (1 if message else 0)
    assert message in result.err


@pytest.mark.parametrize("sample", ["plan-split", "plan-split-hops", "plan-split-peers"])
def test_each_plan_can_be_drawn(aif: Aif, tmp_path: Path, sample: str) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "plan.svg"
    result = aif("plan", "split", "-f", str(SAMPLES / f"{sample}.yaml"), "--plot", str(picture))
    assert (result.status, result.err) == (0, "")
    assert "better end" in result.out
    assert picture.stat().st_size > 1000
