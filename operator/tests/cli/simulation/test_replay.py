"""`aif simulate` on a recording says of every decision whether it would be the same now."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from aif.gateways.journal import files
from tests.cli.conftest import Aif
from tests.handlers.test_recording import a_loss, first_places, recorded


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a recording of three services that come, of which the last finds no place."""
    recorded(tmp_path, first_places)
    return tmp_path


def altered(folder: Path, **changes: Any) -> None:
    """Change what a recording says that came out for each service."""
    (path,) = files(folder)
    lines = [orjson.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    for line in lines:
        for result in line.get("results", {}).values():
            for place in result["places"]:
                place.update(changes)
    path.write_bytes(gzip.compress(b"".join(orjson.dumps(line) + b"\n" for line in lines)))


def test_a_recording_is_replayed_and_all_is_the_same(aif: Aif, folder: Path) -> None:
    done = aif("simulate", str(folder))
    assert done.status == 0, done.err
    heading, first, second, third, *_, last = done.out.splitlines()
    assert heading.split() == ["TIME", "KIND", "SERVICE", "RECORDED", "SCORE", "REPLAYED", "SCORE", "SAME"]
    assert [line.split()[2] for line in (first, second, third)] == ["default/first", "default/second", "default/third"]
    assert "CapacityReserved" in third
    assert last.startswith("all ")
    assert last.endswith("about 3 services are the same")


def test_a_decision_that_is_another_one_now_is_shown_and_ends_with_1(aif: Aif, folder: Path) -> None:
    altered(folder, score=1)
    done = aif("simulate", str(folder))
    assert done.status == 1
    assert done.err.splitlines()[1:] == []
    assert re.fullmatch(r"2 of \d decisions about 3 services are different", done.out.splitlines()[-1])
    assert "  recorded: " in done.out
    assert "  replayed: " in done.out


def test_programs_get_the_comparison_as_json(aif: Aif, folder: Path) -> None:
    altered(folder, node="gnb-0")
    done = aif("simulate", str(folder), "-o", "json")
    told = json.loads(done.out)
    assert (done.status, told["different"], told["total"]) == (1, 2, told["same"] + 2)
    first = told["decisions"][0]
    assert (first["service"], first["kind"], first["same"]) == ("default/first", "Batch", False)
    assert first["recorded"]["places"][0]["node"] == "gnb-0"
    (place,), (altered_place,) = first["replayed"]["places"], first["recorded"]["places"]
    assert place == altered_place | {"node": "gnb-7"}


def test_programs_get_it_as_yaml_too(aif: Aif, folder: Path) -> None:
    assert "different: 0\n" in aif("simulate", str(folder), "-o", "yaml").out


def test_one_service_or_one_node_is_replayed(aif: Aif, folder: Path) -> None:
    for words in (("--service", "first"), ("--node", "gnb-7")):
        told = json.loads(aif("simulate", str(folder), *words, "-o", "json").out)
        assert {decision["service"] for decision in told["decisions"]} == {"default/first"}


def test_a_service_that_was_not_decided_is_told(aif: Aif, folder: Path) -> None:
    done = aif("simulate", str(folder), "--service", "nobody")
    assert (done.status, done.out) == (1, "")
    assert done.err.splitlines()[-1] == f"error: {folder}: no decision about nobody is recorded there"


def test_what_chooses_from_a_recording_needs_one(aif: Aif, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("")
    done = aif("simulate", "-f", str(tmp_path), "--service", "plates")
    assert done.status == 2
    assert "name its folder" in done.err


def test_a_folder_without_anything_is_told(aif: Aif, tmp_path: Path) -> None:
    done = aif("simulate", str(tmp_path))
    assert done.status == 1
    assert done.err == f"error: {tmp_path}: no file in this folder ends in .json, .yaml, .yml, and it is no recording\n"


def test_a_damaged_file_is_named(aif: Aif, folder: Path) -> None:
    (path,) = files(folder)
    path.write_bytes(b"no gzip" + path.read_bytes())
    done = aif("simulate", str(folder))
    assert done.status == 1
    assert f"error: {path}: damaged (" in done.err


def test_a_recording_of_another_format_is_refused_with_its_version(aif: Aif, folder: Path) -> None:
    (path,) = files(folder)
    path.write_bytes(gzip.compress(b'{"kind":"Start","format":99,"version":"9.9.9","policy":{}}\n'))
    done = aif("simulate", str(folder))
    assert done.status == 1
    assert "format 99, written by version 9.9.9" in done.err


def test_something_else_in_a_file_of_that_name_is_told(aif: Aif, folder: Path) -> None:
    (path,) = files(folder)
    path.write_bytes(gzip.compress(b'{"kind":"Batch"}\n'))
    done = aif("simulate", str(folder))
    assert done.status == 1
    assert f"error: {path}: no recording of decisions" in done.err


def test_services_that_were_planned_anew_are_shown_as_single(aif: Aif, tmp_path: Path) -> None:
    recorded(tmp_path, a_loss)
    told = json.loads(aif("simulate", str(tmp_path), "-o", "json").out)
    assert {decision["kind"] for decision in told["decisions"]} == {"Batch", "Single"}
    assert told["different"] == 0
