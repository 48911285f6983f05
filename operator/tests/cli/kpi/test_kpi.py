"""`aif kpi` prints the figures of a profile, and says what is wrong with one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from aif.cli.files.profiles import read
from tests.cli.conftest import Aif

ROOT = Path(__file__).parents[4]
SAMPLES = ROOT / "docs" / "samples"
KINDS = {"inference": "kpi-inference", "training": "kpi-training", "data": "kpi-data"}

Json = dict[str, Any]


def sample(kind: str) -> Json:
    """Return the sample profile of a kind."""
    return cast("Json", read(str(SAMPLES / f"{KINDS[kind]}.yaml")))


def found(aif: Aif, kind: str, profile: Json | None = None) -> Json:
    """Return what `aif kpi` prints as JSON about a profile, the sample by default."""
    stdin = json.dumps(sample(kind) if profile is None else profile)
    done = aif("kpi", kind, "-f", "-", "-o", "json", stdin=stdin)
    assert (done.status, done.err) == (0, "")
    structure: Json = json.loads(done.out)
    return structure


def changed(profile: Json, field: str, value: object) -> Json:
    """Return the profile with one field changed, such as ``cuts.1.userFlop``; None removes it."""
    *parents, last = field.split(".")
    part: Any = profile
    for name in parents:
        part = part[int(name)] if isinstance(part, list) else part[name]
    if value is None:
        del part[last]
    else:
        part[last] = value
    return profile


def test_the_worked_set_up_reproduces_cut_0(aif: Aif) -> None:
    first = found(aif, "inference")["cuts"][0]
    assert list(first) == [
        "name",
        "accuracy",
        "userSeconds",
        "transferSeconds",
        "networkSeconds",
        "latencySeconds",
        "energyJoules",
        "energyEfficiencyBitPerJoule",
        "carbonGrams",
    ]
    assert first["name"] == "0"
    assert first["latencySeconds"] == pytest.approx(4.05e-3, abs=5e-6)
    assert first["energyJoules"] == pytest.approx(2.20, abs=5e-3)
    assert first["energyEfficiencyBitPerJoule"] == pytest.approx(2.18e6, abs=5e3)


def test_all_cuts_are_shown_in_their_order(aif: Aif) -> None:
    assert [cut["name"] for cut in found(aif, "inference")["cuts"]] == list("0123456")


def test_training_prints_sample_round_and_total(aif: Aif) -> None:
    structure = found(aif, "training")
    assert {key: list(value) for key, value in structure.items() if isinstance(value, dict)} == {
        "perSample": ["computeSeconds", "computeJoules"],
        "perRound": ["computeJoules", "communicationJoules", "communicationSeconds", "computeSeconds"],
        "total": ["seconds", "joules", "carbonGrams"],
    }
    assert structure["total"]["joules"] == pytest.approx(538977336.26)
    assert structure["energyEfficiencyBitPerJoule"] == pytest.approx(2408602.15)
    assert structure["totalEnergyEfficiencyBitPerJoule"] == pytest.approx(11399.366)


def test_centralised_training_computes_in_the_network(aif: Aif) -> None:
    structure = found(aif, "training", changed(sample("training"), "mode", "centralised"))
    assert structure["perSample"]["computeSeconds"] == pytest.approx(93 / 19500)
    assert structure["total"]["seconds"] == pytest.approx(1220954.58, abs=0.01)


def test_a_direction_may_have_a_rate_of_its_own(aif: Aif) -> None:
    up = changed(sample("inference"), "link.upBitPerSecond", 0.975e9)
    assert found(aif, "inference", up)["cuts"][0]["transferSeconds"] == pytest.approx(2 * 4.8 / 1950)
    down = changed(sample("training"), "link.downBitPerSecond", 4.416e9)
    assert found(aif, "training", down)["perRound"]["communicationSeconds"] == pytest.approx(1 + 4.416 / 1.95)


def test_data_are_judged_by_what_lost_nothing(aif: Aif) -> None:
    assert found(aif, "data") == {
        "samples": 6,
        "losslessSamples": 5,
        "completeness": pytest.approx(5 / 6),
        "redundancyBits": pytest.approx(1.1490225),
        "redundantSamples": 1,
        "redundantShare": 0.2,
    }


def test_data_that_all_lost_something_hold_no_redundancy(aif: Aif) -> None:
    structure = found(aif, "data", {"samples": [[None], [None]], "epsilon": 0.1})
    assert (structure["completeness"], structure["redundancyBits"], structure["redundantShare"]) == (0.0, 0.0, 0.0)


def test_levels_put_close_values_together(aif: Aif) -> None:
    profile = {"samples": [[0.0, 0.1, 9.9, 10.0], [0.2, 0.0, 9.8, 10.0]], "epsilon": 0.0}
    assert found(aif, "data", profile)["redundancyBits"] == pytest.approx(1.0), "2 bit, of 4 distinct values"
    assert found(aif, "data", profile | {"levels": 2})["redundancyBits"] == pytest.approx(0.5)


def test_an_area_adds_density_and_coverage(aif: Aif) -> None:
    done = aif("kpi", "inference", "-f", str(SAMPLES / "kpi-area.yaml"), "-o", "yaml")
    structure = yaml.safe_load(done.out)
    assert structure["density"] == {
        "communicationBitPerSecondPerKm2": pytest.approx(2.34e9),
        "computeBitPerSecondPerKm2": pytest.approx(19.5e12 / 31e9 * 4.8e6),
        "bitPerSecondPerKm2": pytest.approx(2.34e9),
    }
    assert structure["coverage"] == pytest.approx(3.3 / 7.5)


def test_training_at_the_users_is_bounded_by_the_radio_alone(aif: Aif) -> None:
    area = {
        "sitesPerKm2": 3,
        "bandwidthHz": 1e8,
        "spectralEfficiencyBitPerSecondPerHz": 7.8,
        "computeNodesPerKm2": 1,
    }
    profile = sample("training") | {"density": area}
    assert list(found(aif, "training", profile)["density"]) == ["communicationBitPerSecondPerKm2", "bitPerSecondPerKm2"]
    central = found(aif, "training", profile | {"mode": "centralised"})["density"]
    assert central["bitPerSecondPerKm2"] == pytest.approx(19.5e12 / (93e9 * 200) * 4.8e6)


@pytest.mark.parametrize("kind", KINDS)
def test_json_yaml_and_table_tell_the_same(aif: Aif, kind: str) -> None:
    path = str(SAMPLES / f"{KINDS[kind]}.yaml")
    structure = json.loads(aif("kpi", kind, "-f", path, "-o", "json").out)
    assert yaml.safe_load(aif("kpi", kind, "-f", path, "-o", "yaml").out) == structure
    assert structure == found(aif, kind)
    expected = {"inference": "4.05 ms", "training": "539 MJ", "data": "83.33 %"}
    assert expected[kind] in aif("kpi", kind, "-f", path).out


def test_the_committed_picture_is_what_the_command_draws(aif: Aif, tmp_path: Path) -> None:
    """Draw it anew by ``aif kpi inference -f docs/samples/kpi-inference.yaml --plot docs/images/kpi-cuts.svg``."""
    done = aif("kpi", "inference", "-f", str(SAMPLES / "kpi-inference.yaml"), "--plot", str(tmp_path / "a.svg"))
    assert done.status == 0
    assert (tmp_path / "a.svg").read_bytes() == (ROOT / "docs" / "images" / "kpi-cuts.svg").read_bytes()


def test_training_is_drawn_too(aif: Aif, tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    assert aif("kpi", "training", "-f", str(SAMPLES / "kpi-training.yaml"), "--plot", str(picture)).status == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


FAULTS = [
    ("inference", "model.accuracy", 1.5, "must be less than or equal to 1"),
    ("inference", "model.inputBits", 0, "must be greater than 0"),
    ("inference", "model.totalFlop", -1, "must be greater than 0"),
    ("inference", "model.totalFlop", None, "is required"),
    ("inference", "cuts", [], "must have at least 1 item"),
    ("inference", "cuts", None, "is required"),
    ("inference", "cuts.2.userFlop", 1e9, "is below that of the cut before it, 3.9e+09"),
    ("inference", "cuts.6.userFlop", 32e9, "must not exceed model.totalFlop, 3.1e+10"),
    ("inference", "cuts.2.name", "1", "1 stands twice"),
    ("inference", "cuts.2.transferBits", -1, "must be 0 or greater"),
    ("inference", "cuts.2.flops", 1, "there is no such field"),
    ("inference", "user.watts", "30 W", "must be a valid number"),
    ("inference", "network", None, "is required"),
    ("inference", "network.flopPerSecond", float("nan"), "must be a finite number"),
    ("inference", "link.upBitPerSecond", 0, "must be greater than 0"),
    ("inference", "link.reliability", -0.1, "must be greater than or equal to 0"),
    ("inference", "carbonKgPerKWh", None, "is required"),
    ("inference", "carbonKgPerKWh", float("inf"), "must be a finite number"),
    ("inference", "cuttings", 1, "there is no such field; did you mean cuts?"),
    ("inference", "coverage", {"minBitPerSecond": 1, "minAccuracy": 1, "cells": []}, "must have at least 1 item"),
    ("training", "mode", "federated", "must be 'centralised' or 'distributed'"),
    ("training", "rounds", 0, "must be greater than or equal to 1"),
    ("training", "rounds", 1.5, "must be a valid integer"),
    ("training", "epochsPerRound", 0, "must be greater than 0"),
    ("training", "usersPerRound", None, "is required"),
    ("training", "data.samplesPerUser", 2e6, "must not exceed data.samples, 1.28e+06"),
    ("training", "model.bitsPerParameter", -32, "must be greater than 0"),
    ("data", "samples", [], "must have at least 1 item"),
    ("data", "samples.1", [1], "holds 1 values, samples[0] holds 4"),
    ("data", "samples.1", [1, "a", 2, 3], "must be a valid number"),
    ("data", "epsilon", 3, "must be less than or equal to 2"),
    ("data", "levels", 1, "must be greater than or equal to 2"),
]


@pytest.mark.parametrize(("kind", "field", "value", "complaint"), FAULTS)
def test_a_fault_names_file_and_field(aif: Aif, kind: str, field: str, value: object, complaint: str) -> None:
    if field == "samples.1":
        profile = sample(kind)
        profile["samples"][1] = value
    else:
        profile = changed(sample(kind), field, value)
    done = aif("kpi", kind, "-f", "-", stdin=yaml.safe_dump(profile))
    written = "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in field.split("."))[1:]
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"error: stdin: {written}")
    assert complaint in done.err


def test_the_file_is_named_where_there_is_one(aif: Aif, tmp_path: Path) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text("model: {}\n", encoding="utf-8")
    assert f"error: {path}: model.accuracy: is required" in aif("kpi", "inference", "-f", str(path)).err


@pytest.mark.parametrize("kind", KINDS)
def test_a_profile_is_asked_for(aif: Aif, kind: str) -> None:
    done = aif("kpi", kind)
    assert done.status == 2
    assert "--filename" in done.err
