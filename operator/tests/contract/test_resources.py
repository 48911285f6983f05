"""Resource profiles: those that come along, and what an administrator may write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import promql_parser
import pytest
from pydantic import ValidationError

from aif.contract.resources import Asked, ResourceQuery, Scope
from aif.errors import InvalidSetting
from aif.gateways.prometheus.profiles import load_resources

SHIPPED = load_resources()
OFF = "resourceProfiles: [{name: cadvisor, resources: []}]"


def a_query(**changes: Any) -> dict[str, Any]:
    """Return a query as an administrator writes it."""
    levels = {"raisePercent": 90, "clearPercent": 80}
    return {"resource": "memory", "scope": "Pod", "query": "max by ($by) (x[$window])", **levels} | changes


@pytest.mark.parametrize("asked", SHIPPED, ids=lambda asked: f"{asked.query.scope}-{asked.query.resource}")
def test_each_query_that_comes_along_is_promql_by_the_labels_of_its_scope(asked: Asked) -> None:
    for text in (asked.query.text, asked.profile.times(asked.query.scope)):
        promql_parser.parse(text)
        assert f"by ({', '.join(asked.query.scope.labels)})" in text


def test_pods_and_nodes_are_told_of_by_what_the_field_has() -> None:
    told = {scope: {each.query.resource for each in SHIPPED if each.query.scope is scope} for scope in Scope}
    assert told[Scope.POD] == {"cpu", "memory", "network", "traffic", "gpu", "gpu-memory", "power"}
    assert told[Scope.NODE] == {"cpu", "memory", "gpu", "gpu-memory", "link", "power"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"query": "max by ($by) (x[$range])"}, "unknown placeholder", id="placeholder"),
        pytest.param({"query": "max(x)"}, "must group by", id="no grouping"),
        pytest.param({"clearPercent": 90}, "must lie below raisePercent", id="no room between the levels"),
        pytest.param({"clearPercent": None}, "give both levels", id="one level"),
        pytest.param({"scope": "Moon"}, "scope", id="an unknown scope"),
        pytest.param({"extra": 1}, "extra", id="an unknown field"),
    ],
)
def test_a_bad_query_is_refused_with_its_field(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ResourceQuery.model_validate(a_query(**changes))


def test_an_administrator_turns_an_exporter_off(tmp_path: Path) -> None:
    file = tmp_path / "resources.yaml"
    file.write_text(OFF)
    assert {each.profile.name for each in load_resources(str(file))} == {"dcgm-exporter", "node-exporter", "kepler"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "resourceProfiles: [{name: mine, sampledAt: {Pod: 'x by ($by)'}, resources: "
            "[{resource: memory, scope: Pod, query: 'x by ($by)'}]}]",
            "both tell memory of a Pod",
            id="told twice",
        ),
        pytest.param(
            "resourceProfiles: [{name: mine, resources: [{resource: a, scope: Pod, query: 'x by ($by)'}]}]",
            "sampledAt.Pod",
            id="untimed",
        ),
        pytest.param("profiles: []", "resourceProfiles", id="the other kind of file"),
    ],
)
def test_a_bad_file_is_refused_with_its_setting_and_field(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "resources.yaml"
    file.write_text(text)
    with pytest.raises(InvalidSetting, match=said) as refused:
        load_resources(str(file))
    assert "AIF_RESOURCE_PROFILES" in str(refused.value)
