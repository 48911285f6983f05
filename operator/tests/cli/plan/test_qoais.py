"""`aif plan qoais` takes a contract apart and compares schemes by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from aif.cli.files.profiles import read
from tests.cli.conftest import SAMPLES, Aif

CONTRACT = str(SAMPLES / "aiservice-contract.yaml")
SCHEMES = str(Path(__file__).parents[4] / "docs" / "samples" / "schemes.yaml")

Json = dict[str, Any]


def planned(aif: Aif, *words: str, stdin: str = "") -> Json:
    done = aif("plan", "qoais", "-f", CONTRACT, *words, "-o", "json", stdin=stdin)
    assert (done.status, done.err) == (0, "")
    structure: Json = json.loads(done.out)
    return structure


def test_indicators_and_resources_are_printed(aif: Aif) -> None:
    structure = planned(aif)
    assert list(structure) == ["service", "class", "variant", "indicators", "resources"]
    assert (structure["service"], structure["class"], structure["variant"]) == ("contract", "Inference", "gpu")
    assert {
        "dimension": "Performance",
        "indicator": "latency",
        "measure": "Quantified",
        "bound": "AtMost",
        "target": 0.05,
        "unit": "s",
        "enforcement": "Hard",
        "demand": None,
        "demandUnit": None,
    } in structure["indicators"]
    assert {
        "resource": "Connection",
        "indicator": "bandwidth",
        "measure": "Quantified",
        "bound": "AtLeast",
        "target": 200e6,
        "unit": "bit/s",
        "enforcement": "Hard",
        "from": "bandwidth",
        "attainable": True,
    } in structure["resources"]


def test_without_an_accepted_measure_there_is_no_number(aif: Aif) -> None:
    unmeasured = [one for one in planned(aif)["indicators"] if one["measure"] == "NoAcceptedMeasure"]
    assert {one["indicator"] for one in unmeasured} == {"generalisation", "robustness", "explainability", "fairness"}
    assert all(one["target"] is one["demand"] is None for one in unmeasured)


def test_the_cheapest_scheme_that_meets_the_contract_is_named(aif: Aif) -> None:
    compared = planned(aif, "--schemes", SCHEMES)["schemes"]
    assert compared["chosen"] == "Collaborative"
    assert [one["name"] for one in compared["compared"]] == ["Collaborative", "Centralised", "Distributed"]
    (miss,) = compared["compared"][2]["misses"]
    assert (miss["indicator"], miss["required"]) == ("robustnessVariance", 1e-3)


def test_the_accuracy_asked_for_is_that_of_the_service(aif: Aif) -> None:
    profile = cast("Json", read(SCHEMES))
    profile["schemes"] = [profile["schemes"][0] | {"accuracies": [0.69]}]
    profile["contract"] = {}
    compared = planned(aif, "--schemes", "-", stdin=json.dumps(profile))["schemes"]
    assert compared["chosen"] is None
    assert [miss["indicator"] for miss in compared["compared"][0]["misses"]] == ["accuracy"]
    assert compared["compared"][0]["robustnessVariance"] is None, "one evaluation says nothing"


def test_json_yaml_and_table_tell_the_same(aif: Aif) -> None:
    done = aif("plan", "qoais", "-f", CONTRACT, "--schemes", SCHEMES, "-o", "yaml")
    assert yaml.safe_load(done.out) == planned(aif, "--schemes", SCHEMES)
    table = aif("plan", "qoais", "-f", CONTRACT, "--schemes", SCHEMES).out
    assert "Taken: Collaborative" in table
    assert ">= 200 Mbit/s" in table


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("aiservice-*.yaml")), ids=lambda path: path.stem)
def test_every_sample_of_a_service_is_taken_apart_without_a_gap(aif: Aif, path: Path) -> None:
    done = aif("plan", "qoais", "-f", str(path), "-o", "json")
    assert done.status == 0, done.err
    assert "NaN" not in done.out
    assert "Infinity" not in done.out


def test_a_variant_may_be_named(aif: Aif) -> None:
    words = ("plan", "qoais", "-f", str(SAMPLES / "aiservice-variants.yaml"))
    assert json.loads(aif(*words, "--variant", "cpu", "-o", "json").out)["variant"] == "cpu"
    assert "has no variant none; there are: " in aif(*words, "--variant", "none").err


def test_a_file_must_hold_one_service(aif: Aif) -> None:
    done = aif("plan", "qoais", "-f", str(SAMPLES / "services.yaml"))
    assert done.status == 1
    assert "must hold one AIService, found " in done.err


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param({"prices": None}, "prices: is required", id="no prices"),
        pytest.param({"schemes": []}, "schemes: must have at least 1 item", id="no schemes"),
        pytest.param({"contract": {"maxCost": 1}}, "contract.maxCost: there is no such field", id="unknown"),
        pytest.param({"goals": 0.5}, "schemes[0].goals: weights must be one per goal and sum to 1", id="weights"),
        pytest.param({"accuracy": 1.5}, "schemes[0].accuracies[0]: must be less than or equal to 1", id="no share"),
        pytest.param({"flop": -1}, "schemes[0].flop: must be 0 or greater", id="negative"),
    ],
)
def test_a_fault_names_file_and_field(aif: Aif, change: Json, complaint: str) -> None:
    profile = cast("Json", read(SCHEMES))
    first = profile["schemes"][0]
    if "goals" in change:
        first["goals"][0]["weight"] = change["goals"]
    elif "accuracy" in change:
        first["accuracies"][0] = change["accuracy"]
    elif "flop" in change:
        first["flop"] = change["flop"]
    else:
        profile |= change
    done = aif("plan", "qoais", "-f", CONTRACT, "--schemes", "-", stdin=json.dumps(profile))
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"error: stdin: {complaint}")
