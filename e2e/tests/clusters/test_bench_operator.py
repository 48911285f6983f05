"""The benchmark of the operator measures what it says, at a size that takes a minute."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from documents import ROOT

_WRITES = 5
"""Status, Deployment, Service, PodDisruptionBudget and Event."""


@pytest.fixture(scope="module")
def contestants() -> dict[str, dict[str, Any]]:
    """Return what a small run of the benchmark printed."""
    size = ("--services", "24", "--nodes", "4", "--rounds", "1", "--paced", "0.5")
    command = [sys.executable, str(ROOT / "benchmarks" / "bench_operator.py"), *size, "--output", "json"]
    # As a user starts it: with its own folder on the path, which PYTHONSAFEPATH of the tests would leave out
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)["contestants"]
    return found


@pytest.mark.slow
def test_every_contestant_places_all_services(contestants: dict[str, dict[str, Any]]) -> None:
    for name in ("aif", "aif-raised", "kopf", "raw"):
        told = contestants[name]
        assert told["placed"] == [24], name
        assert told["pacedPlaced"] == 22, name
        assert told["perSecond"] > 0.0
        assert 0.0 < told["pacedP50Milliseconds"] <= told["pacedP99Milliseconds"]
        assert told["cpuMillisecondsEach"] > 0.0
        assert told["mostMiB"] >= told["idleMiB"] * 0.9


@pytest.mark.slow
def test_the_operator_writes_no_more_than_a_placement_takes(contestants: dict[str, dict[str, Any]]) -> None:
    assert contestants["aif"]["writesEach"] == _WRITES
    assert contestants["raw"]["writesEach"] == _WRITES
    assert contestants["kopf"]["writesEach"] == _WRITES + 1


@pytest.mark.slow
def test_the_scheduler_of_kubernetes_is_measured_beside_it(contestants: dict[str, dict[str, Any]]) -> None:
    assert contestants["kube-scheduler"]["perSecond"] > 0.0
