"""`aif top` and `aif history` tell of a real cluster what the operator did there."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from command_line import aif
from network import GPU, a_service, a_workload, accelerated, within
from rest import eventually
from services import Services

from cluster.api import Cluster

pytestmark = pytest.mark.usefixtures("operator")

_PATIENCE_S: Final = 120.0


def told(cluster: Cluster, *words: str) -> dict[str, Any]:
    """Return what `aif` prints about the cluster."""
    options = ("--kubeconfig", str(cluster.kubeconfig or ""), "--context", cluster.context or "", "--output", "json")
    done = aif(*words, *options, environment={"HOME": "/nonexistent"})
    assert done.returncode == 0, done.stderr
    structure: dict[str, Any] = json.loads(done.stdout)
    return structure


def test_top_shows_a_service_and_what_its_node_lacks_since(cluster: Cluster, services: Services) -> None:
    services.apply(a_service("plates", variants=accelerated(), on="edge-1"))
    services.await_ready("plates", within_s=_PATIENCE_S)
    (shown,) = told(cluster, "top", "services", "-n", services.namespace)["services"]
    assert (shown["name"], shown["placed"], shown["placements"][0]["node"]) == ("plates", True, "edge-1")
    (node,) = [node for node in told(cluster, "top", "nodes")["nodes"] if node["name"] == "edge-1"]
    assert {each["name"]: each["claimed"] for each in node["resources"]}[GPU] >= 1
    assert node["services"] >= 1


def test_history_tells_of_a_refusal_and_of_the_place_found_later(cluster: Cluster, services: Services) -> None:
    services.apply(a_service("plates", workload=a_workload(resources={"cpu": 5000})))
    services.await_condition("plates", "Placed", "False", within_s=_PATIENCE_S)
    services.patch("plates", {"workload": {"resources": {"cpu": "100m"}}})
    services.await_ready("plates", within_s=_PATIENCE_S)
    eventually(lambda: "Placed" in services.events("plates"), "the event is written", _PATIENCE_S)
    history = told(cluster, "history", "plates", "-n", services.namespace)
    events = [entry["reason"] for entry in history["history"] if entry["source"] == "Event"]
    assert events[-1] == "Placed"
    assert set(events[:-1]) & {"CapacityReserved", "MemoryInfeasible", "ComputeInfeasible", "NoCandidateNode"}
    times = [entry["time"] for entry in history["history"]]
    assert times == sorted(times)
    assert history["history"][0]["reason"] == "Created"
    assert [place["node"] for place in history["placements"]] == [services.node_of("plates")]


def test_an_impossible_contract_is_told_with_its_reason(cluster: Cluster, services: Services) -> None:
    services.apply(a_service("plates", **within(1)))
    services.await_condition("plates", "Placed", "False", within_s=_PATIENCE_S)
    (shown,) = told(cluster, "top", "services", "-n", services.namespace)["services"]
    assert (shown["placed"], shown["placements"]) == (False, [])
    assert shown["reason"] == services.condition("plates", "Placed")["reason"]
