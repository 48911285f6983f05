"""Metric profiles: those that come along, and what an administrator may write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import promql_parser
import pytest
from pydantic import ValidationError

from aif.contract.profiles import EACH_COPY, Profile, Signal
from aif.errors import InvalidSetting
from aif.gateways.prometheus.profiles import load

SHIPPED = load()


def a_profile(**changes: Any) -> dict[str, Any]:
    """Return a profile as an administrator writes it."""
    return {"name": "mine", "point": "Server", "queries": {"requests": "sum by ($by) (increase(x[$window]))"}} | changes


@pytest.mark.parametrize("name", SHIPPED)
def test_each_query_that_comes_along_is_promql(name: str) -> None:
    profile = SHIPPED[name]
    for signal in profile.queries:
        query = profile.query(signal, 60, EACH_COPY if profile.per_copy else "namespace, aiservice")
        assert query is not None
        promql_parser.parse(query)
        assert "$" not in query.replace("$1", "").replace("$2", "")


@pytest.mark.parametrize("name", SHIPPED)
def test_each_profile_that_comes_along_tells_requests_and_their_time(name: str) -> None:
    assert {Signal.REQUESTS, Signal.SAMPLED_AT, Signal.REQUEST_SECONDS} <= set(SHIPPED[name].queries)


def test_a_window_and_labels_are_filled_in() -> None:
    profile = Profile.model_validate(a_profile())
    assert profile.query(Signal.REQUESTS, 300) == "sum by (namespace, aiservice) (increase(x[300s]))"


def test_what_a_runtime_does_not_tell_has_no_query() -> None:
    assert Profile.model_validate(a_profile()).query(Signal.ACCURACY, 300) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"queries": {"requests": "sum by ($by) (x[$range])"}}, "unknown placeholder", id="placeholder"),
        pytest.param({"queries": {"requests": "sum(x)"}}, "must group by", id="no grouping"),
        pytest.param({"queries": {"speed": "sum by ($by) (x)"}}, "speed", id="an unknown signal"),
        pytest.param({"queries": {}}, "at least 1", id="no query"),
        pytest.param({"point": "Moon"}, "point", id="an unknown point"),
        pytest.param({"name": "Mine!"}, "name", id="a bad name"),
        pytest.param({"extra": 1}, "extra", id="an unknown field"),
    ],
)
def test_a_bad_profile_is_refused_with_its_field(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Profile.model_validate(a_profile(**changes))


def test_an_administrators_profile_replaces_the_one_of_its_name(tmp_path: Path) -> None:
    file = tmp_path / "profiles.yaml"
    file.write_text("profiles:\n- {name: vllm, point: Gateway, queries: {requests: 'sum by ($by) (x)'}}\n")
    profiles = load(str(file))
    assert profiles["vllm"].point == "Gateway"
    assert set(profiles) == set(SHIPPED)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "profiles: [{name: a, point: Server, queries: {requests: 'x'}}]", "profiles.0.queries", id="field"
        ),
        pytest.param("profiles: [", "no YAML", id="no YAML"),
        pytest.param("- 1", "the file", id="a list"),
        pytest.param("", "the file", id="empty"),
    ],
)
def test_a_bad_file_is_refused_with_its_name_and_field(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "profiles.yaml"
    file.write_text(text)
    with pytest.raises(InvalidSetting, match=said) as refused:
        load(str(file))
    assert "profiles.yaml" in refused.value.message


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(InvalidSetting, match="cannot be read"):
        load("/nowhere/profiles.yaml")
