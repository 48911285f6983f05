"""The demo: what it applies, how it waits, what it remembers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from demo import breach, manifests, real, running, story, waiting
from demo.record import DemoRecord, Files, Made, Nodes, load, save
from demo.up import Standing, known_of
from rich.console import Console

from cluster.api import Cluster
from cluster.errors import ClusterError, PartDied
from cluster.health import await_fact
from cluster.paths import Folders
from cluster.process import spawn, stop
from cluster.progress import Steps
from cluster.real import requirements
from cluster.real.machine import DEFAULT_NODES
from cluster.real.python_image import RUNTIME_IMAGE
from cluster.record import Provider

CLUSTER = Cluster("aif-demo", Provider.EMBEDDED, "/state/kubeconfig.yaml", None, Path("/cache/bin/kubectl"))


def test_every_compute_node_has_a_node_with_the_resources_that_it_claims() -> None:
    demo = manifests.load()
    resources = {node.name: node.resources for node in demo.nodes}
    for compute_node in demo.compute_nodes:
        for device in compute_node["spec"]["capability"]["devices"]:
            assert resources[compute_node["spec"]["nodeName"]][device["type"]] == str(device["count"])


def test_each_real_node_has_a_compute_node_and_the_service_a_server_that_answers() -> None:
    demo = manifests.load_real()
    assert demo.computing == [node.name for node in DEFAULT_NODES]
    (service,) = demo.services
    assert service["spec"]["workload"]["image"] == RUNTIME_IMAGE
    assert service["metadata"]["name"] == breach.MOVED
    assert service["spec"]["load"]["requestsPerSecond"] == real.RATE


def test_the_demo_is_up_on_one_kind_of_nodes_at_a_time(tmp_path: Path) -> None:
    files = Files(tmp_path / "demo")
    save(files, DemoRecord(Provider.EMBEDDED, "/k", None, nodes=Nodes.REAL))
    assert known_of(files, Nodes.REAL) is not None
    with pytest.raises(ClusterError, match="up with real nodes: run `make demo-down` first"):
        known_of(files, Nodes.SIMULATED)


def test_where_no_real_node_can_run_the_demo_says_why_and_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "problem", lambda: "real nodes need root: run the command with sudo")
    folders = Folders(cache=tmp_path / "cache", state=tmp_path / "state")
    with pytest.raises(ClusterError, match=r"need root.*; without NODES=real the demo runs on simulated nodes"):
        real.up(folders, Files(tmp_path / "demo"), Steps(Console(quiet=True)))
    assert list(tmp_path.iterdir()) == []


def test_one_node_registers_itself_by_its_label() -> None:
    demo = manifests.load()
    claimed = {compute_node["spec"]["nodeName"] for compute_node in demo.compute_nodes}
    (unclaimed,) = [node for node in demo.nodes if node.name not in claimed]
    assert unclaimed.labels["net4ai.node-restriction.kubernetes.io/tier"] == "Core"


def test_the_demo_has_a_node_of_every_tier_from_radio_to_cloud_and_an_external_one() -> None:
    demo = manifests.load()
    tiers = [compute_node["spec"]["tier"] for compute_node in demo.compute_nodes]
    assert {tier: tiers.count(tier) for tier in sorted(set(tiers))} == {"Cloud": 2, "Edge": 2, "RAN": 2}
    assert [one["metadata"]["name"] for one in demo.compute_nodes if one["spec"].get("origin") == "External"] == [
        "partner"
    ]


def an_object(**conditions: str) -> dict[str, Any]:
    listed = [{"type": kind, "status": status, "observedGeneration": 2} for kind, status in conditions.items()]
    return {"metadata": {"generation": 2}, "status": {"conditions": listed}}


@pytest.mark.parametrize(
    ("service", "settled"),
    [
        pytest.param(an_object(Placed="True", Ready="True"), True, id="it runs"),
        pytest.param(an_object(Placed="False", Ready="False"), True, id="it runs nowhere"),
        pytest.param(an_object(Placed="True", Ready="False"), False, id="it starts"),
        pytest.param({"metadata": {"generation": 1}}, False, id="nobody looked"),
        pytest.param({"metadata": {"generation": 1}, "status": {"conditions": None}}, False, id="nothing judged"),
        pytest.param(an_object(Ready="True") | {"metadata": {"generation": 3}}, False, id="an earlier spec was judged"),
    ],
)
def test_a_service_is_settled_once_it_runs_or_is_told_why_not(service: dict[str, Any], settled: bool) -> None:  # noqa: FBT001 - a row of the table
    assert waiting.is_settled(service) is settled


def test_the_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    files = Files(tmp_path / "demo")
    record = DemoRecord(Provider.GIVEN, "/k", "there").with_made(Made("v1", "Node", "gnb-1"))
    save(files, record)
    assert load(files) == record
    assert record.with_made(Made("v1", "Node", "gnb-1")) == record


def test_a_record_of_another_release_is_told_by_its_path(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.record.write_text("{}", encoding="utf-8")
    with pytest.raises(ClusterError, match=str(files.record)):
        load(files)


def test_an_operator_that_ended_is_told_with_its_last_words(tmp_path: Path) -> None:
    files = Files(tmp_path)
    identity = spawn([sys.executable, "-c", "raise SystemExit('no such setting')"], files.log)
    await_fact(lambda: not running.is_alive(identity), lambda: AssertionError("it lives"), 30)
    with pytest.raises(PartDied, match=r"(?s)the operator ended by itself.*no such setting.*operator\.log"):
        running.require_alive(identity, files)
    stop([identity], 1)


def test_the_commands_to_try_next_work_in_any_shell() -> None:
    shown = list(story.next_steps(Standing(CLUSTER, "default")))
    assert shown[0] == "export KUBECONFIG=/state/kubeconfig.yaml"
    assert shown[1] == f'export PATH={Path(sys.executable).parent}:/cache/bin:"$PATH"'
    assert any(line.startswith("aif explain tactile ") for line in shown)


def test_the_commands_name_the_namespace_where_it_is_not_the_default() -> None:
    shown = "\n".join(story.next_steps(Standing(CLUSTER, "aif-demo")))
    assert "aif explain tactile -n aif-demo" in shown
