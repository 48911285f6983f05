"""The list of compute nodes tells what is free, who is there, and why one cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import DEMO, Aif

GOLDEN = Path(__file__).parent / "golden" / "nodes.json"


def test_the_demos_nodes_are_listed_as_they_were_reviewed(aif: Aif) -> None:
    """Write the file anew by ``aif nodes -f manifests/samples/network.yaml -f .../services.yaml -o json``."""
    assert json.loads(aif("nodes", *DEMO, "-o", "json").out) == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_nodes_nearest_to_the_user_come_first(aif: Aif) -> None:
    tiers = [node["tier"] for node in json.loads(aif("nodes", *DEMO, "-o", "json").out)["nodes"]]
    assert tiers == ["RAN", "RAN", "Edge", "Edge", "Core", "Cloud", "Cloud"]


def test_what_services_hold_is_not_free(aif: Aif) -> None:
    before = json.loads(aif("nodes", "-f", DEMO[1], "-o", "json").out)["nodes"]
    after = json.loads(aif("nodes", *DEMO, "-o", "json").out)["nodes"]
    free = [[device["free"] for device in node["devices"]] for nodes in (before, after) for node in nodes[:1]]
    assert (free[0], free[1]) == ([1, 32], [0, 30])
    assert (before[0]["services"], after[0]["services"]) == ([], ["default/roadside"])


def test_the_table_says_below_it_why_a_node_cannot_be_used(aif: Aif) -> None:
    *_, last = aif("nodes", *DEMO).out.splitlines()
    assert last.startswith("partner: VerificationPending: ")


def test_the_table_fits_into_100_columns(aif: Aif, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert max(map(len, aif("nodes", *DEMO).out.splitlines())) <= 100
