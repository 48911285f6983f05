"""The alerts of the chart, tried by promtool: each fires for what it is about, after its time, and for nothing else."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from charts import NAMESPACE, only, rendered, values

from cluster import prometheus
from cluster.paths import Folders

Json = dict[str, Any]

OF: Final = {"namespace": NAMESPACE, "service": "aif-metrics", "pod": "aif-0"}
"""What a scrape adds; the values name the release so."""
HEALTHY: Final = {
    "aif_leader": "1x40",
    "aif_kopf_up": "1x40",
    "aif_reconcile_errors_total,kind=AIService,error=ApiError": "0x40",
    "aif_event_loop_lag_seconds": "0.01x40",
    "aif_watch_last_event_age_seconds,resource=nodes": "20x40",
    "aif_workqueue_depth": "3x40",
    "aif_threshold_alarms": "0x40",
    "aif_resource_alarms,resource=cpu": "0x40",
    "aif_node_alarms,alarm=Unreachable": "0x40",
    "aif_prometheus_errors_total,error=Timeout": "0x40",
}
"""A sample a minute, from the beginning on, of a replica that leads."""


@dataclass(frozen=True, slots=True)
class Case:
    """What one series does instead, and the alert that is expected with the labels that it adds."""

    alert: str
    series: str
    does: str
    labels: tuple[tuple[str, str], ...] = ()
    of_its_pod: bool = False
    """Whether the labels of the series are those of the alert."""


CASES: Final = (
    Case("AIFOperatorNoLeader", "aif_leader", "0x40"),
    Case("AIFOperatorKopfDown", "aif_kopf_up", "0x40", of_its_pod=True),
    Case(
        "AIFOperatorReconcileErrors",
        "aif_reconcile_errors_total,kind=AIService,error=ApiError",
        "0+60x40",
        (("kind", "AIService"), ("error", "ApiError")),
    ),
    Case("AIFOperatorEventLoopLag", "aif_event_loop_lag_seconds", "3x40", of_its_pod=True),
    Case("AIFOperatorWatchSilent", "aif_watch_last_event_age_seconds,resource=nodes", "150x40", of_its_pod=True),
    Case("AIFOperatorBacklog", "aif_workqueue_depth", "5000x40", of_its_pod=True),
    Case("AIFContractsBroken", "aif_threshold_alarms", "2x40"),
    Case("AIFServicesUnderPressure", "aif_resource_alarms,resource=cpu", "1x40", (("resource", "cpu"),)),
    Case("AIFNodeAlarm", "aif_node_alarms,alarm=Unreachable", "1x40", (("alarm", "Unreachable"),)),
    Case("AIFMetricsUnusable", "aif_prometheus_errors_total,error=Timeout", "0+6x40", (("error", "Timeout"),)),
)


@pytest.fixture(scope="module")
def rules() -> list[Json]:
    """The alerts as the chart gives them to Prometheus."""
    groups: list[Json] = only(rendered(*values("everything")), "PrometheusRule")["spec"]["groups"]
    return groups


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_an_alert_fires_for_what_it_is_about_and_no_other_does(case: Case, rules: list[Json], tmp_path: Path) -> None:
    _promtool(tmp_path, rules, HEALTHY | {case.series: case.does}, {case.alert: _labels(case, rules)})


def test_no_alert_fires_while_all_is_well(rules: list[Json], tmp_path: Path) -> None:
    _promtool(tmp_path, rules, HEALTHY, {})


def test_a_second_leader_is_told(rules: list[Json], tmp_path: Path) -> None:
    expected = {"AIFOperatorTwoLeaders": _labels(Case("AIFOperatorTwoLeaders", "aif_leader", ""), rules)}
    _promtool(tmp_path, rules, HEALTHY | {"aif_leader,pod=aif-1": "1x40"}, expected)


def test_every_alert_is_tried(rules: list[Json]) -> None:
    known = {rule["alert"] for group in rules for rule in group["rules"]}
    assert {case.alert for case in CASES} | {"AIFOperatorTwoLeaders"} == known


def _labels(case: Case, rules: list[Json]) -> Json:
    (rule,) = (rule for group in rules for rule in group["rules"] if rule["alert"] == case.alert)
    own = _parsed(case.series)[1] if case.of_its_pod else dict(case.labels)
    return {**own, **rule["labels"]}


def _parsed(series: str) -> tuple[str, dict[str, str]]:
    name, *labels = series.split(",")
    return name, OF | dict(label.split("=") for label in labels)


def _written(series: str) -> str:
    name, labels = _parsed(series)
    return name + "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"


def _promtool(folder: Path, rules: list[Json], series: dict[str, str], firing: dict[str, Json]) -> None:
    """Let promtool play these series: after half an hour these alerts fire, and none did before it was due."""
    due = {rule["alert"]: int(rule["for"].removesuffix("m")) for group in rules for rule in group["rules"]}
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": _without_words(rules)}))
    fired = [
        {"eval_time": "30m", "alertname": name, "exp_alerts": [{"exp_labels": firing[name]}] if name in firing else []}
        for name in due
    ]
    early = [{"eval_time": f"{after - 1}m", "alertname": name, "exp_alerts": []} for name, after in due.items()]
    played = [{"series": _written(name), "values": does} for name, does in series.items()]
    test = {"interval": "1m", "input_series": played, "alert_rule_test": fired + early}
    (folder / "test.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": [test]}))
    programs = prometheus.provide(Folders.of(os.environ), os.environ.get("PATH"))
    command: list[str | Path] = [programs.promtool, "test", "rules", folder / "test.yaml"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _without_words(rules: list[Json]) -> list[Json]:
    """Return the rules without what people read."""
    bare = [{key: value for key, value in rule.items() if key != "annotations"} for g in rules for rule in g["rules"]]
    return [{"name": "aif-operator", "rules": bare}]
