"""What Prometheus beside real nodes is made from, without one: configuration, rules, the programs."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from documents import ROOT
from rich.console import Console

from cluster import api, prometheus, tools
from cluster.errors import ClusterError, ToolMissing
from cluster.paths import Folders
from cluster.progress import Steps
from cluster.real import monitoring
from cluster.real.monitoring import Access

SCRAPE = (monitoring.MANIFESTS / "scrape.yaml").read_text()
RULES = monitoring.MANIFESTS / "recording.yaml"
ACCESS = Access("https://198.18.0.1:6443", Path("/pki/ca.crt"), Path("/held/token"))


def jobs(scrape_seconds: int = 1) -> dict[str, Any]:
    """The jobs of the configuration by name."""
    made = monitoring.configuration(SCRAPE, RULES, ACCESS, scrape_seconds)
    return {job["job_name"]: job for job in made["scrape_configs"]}


def test_every_job_finds_its_targets_by_this_cluster_with_its_own_token() -> None:
    for job in jobs().values():
        for found in job["kubernetes_sd_configs"]:
            assert found["api_server"] == ACCESS.server
            assert found["tls_config"] == {"ca_file": "/pki/ca.crt"}
            assert found["authorization"] == {"credentials_file": "/held/token"}


def test_kubelets_are_asked_with_the_token_and_not_too_often() -> None:
    asked = [job for job in jobs().values() if job.get("scheme") == "https"]
    assert {job["job_name"] for job in asked} == {"kubelet", "cadvisor"}
    for job in asked:
        assert job["authorization"] == {"credentials_file": "/held/token"}
        assert job["scrape_interval"] == "5s"
    assert jobs(30)["kubelet"]["scrape_interval"] == "30s"


def test_all_else_is_what_users_take() -> None:
    for mine, given in zip(jobs().values(), yaml.safe_load(SCRAPE)["scrape_configs"], strict=True):
        own = {"kubernetes_sd_configs", "tls_config", "authorization", "scrape_interval"}
        assert {k: v for k, v in mine.items() if k not in own} == {k: v for k, v in given.items() if k not in own}


def test_what_a_server_says_of_itself_never_counts() -> None:
    services = jobs()["aiservices"]
    assert services["honor_labels"] is False
    given = {rule["target_label"] for rule in services["relabel_configs"] if "target_label" in rule}
    assert given == {"namespace", "aiservice", "copy", "node", "pod"}


def test_the_guide_quotes_the_job_for_services_as_it_is() -> None:
    guide = (ROOT / "docs" / "measuring.md").read_text()
    quoted = yaml.safe_load(guide.partition("```yaml\nscrape_configs:")[2].partition("```")[0])
    assert quoted == [job for job in yaml.safe_load(SCRAPE)["scrape_configs"] if job["job_name"] == "aiservices"]


def test_every_recording_rule_is_promql_under_a_name_with_its_level() -> None:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    for rule in rules:
        promql_parser.parse(rule["expr"])
        assert rule["record"].partition(":")[0] in {"aiservice", "aiservice_copy", "node"}
    assert len({rule["record"] for rule in rules}) == len(rules)


def test_promtool_takes_the_rules() -> None:
    programs = prometheus.provide(Folders.of({}), None)
    done = subprocess.run([programs.promtool, "check", "rules", RULES], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_program_that_cannot_ask_kubernetes_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in prometheus.PROGRAMS:
        program = tmp_path / name
        program.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "prometheus, version 2.42.0" && exit 0\nexit 1\n')
        program.chmod(0o755)

    def refuse(*_: object) -> Any:  # noqa: ANN401 - never returns
        raise ClusterError("no Go here")

    monkeypatch.setattr(prometheus, "ensure", refuse)
    folders = Folders(tmp_path / "cache", tmp_path / "state")
    folders.binaries.mkdir(parents=True)
    path = str(tmp_path)
    assert prometheus.provide(folders, path).prometheus == tmp_path / "prometheus"
    with pytest.raises(ToolMissing, match=r"Debian's apt-get was not found; .*no Go here.*install Prometheus"):
        prometheus.provide(folders, path, kubernetes=True)


def test_prometheus_is_built_with_files_and_kubernetes_as_its_only_discoveries() -> None:
    family = tools.prometheus()
    assert family.tags == ("remove_all_sd", "enable_kubernetes_sd")
    assert family.key != replace(family, tags=()).key
    assert f"Version={family.version.removeprefix('v')}" in family.linker_flags


def test_a_cluster_without_real_nodes_is_refused(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "cache", tmp_path / "state")
    assert api.find("none", folders=folders) is None
    with pytest.raises(ClusterError, match="has no real nodes"):
        monitoring.start("none", folders, Steps(Console(quiet=True)))
