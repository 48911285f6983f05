"""Files of roles: what breaks a rule is named with its file and its field."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aif_runtime.learning.data import TASKS
from aif_runtime.learning.errors import InvalidRole
from aif_runtime.learning.mlp import Mlp
from aif_runtime.learning.models import built
from aif_runtime.roles.aggregator import AggregatorRole
from aif_runtime.roles.client import ClientRole
from aif_runtime.roles.routine_manager import RoutineManagerRole
from aif_runtime.roles.settings import Role, load

BASE = {"job": "j", "name": "r", "insecure": True}
CLIENT = {**BASE, "aggregator": "h:1"}
AGGREGATOR = {**BASE, "listen": "h:1", "state": "/s", "output": {"folder": "/o"}}
GROUP = {"name": "a", "cut": "fc1", "server": "h:2"}
MANAGER = {**BASE, "listen": "h:1", "aggregator": "h:2", "forwarding": "h:3", "state": "/s", "groups": [GROUP]}


def loaded(folder: Path, kind: type[Role], told: Any, **environ: str) -> Role:  # noqa: ANN401 - JSON
    """Return a role from a file with that JSON."""
    path = folder / "role.json"
    path.write_text(json.dumps(told), encoding="utf-8")
    return load(kind, [str(path)], environ)


@pytest.mark.parametrize(
    ("kind", "told", "said"),
    [
        pytest.param(
            ClientRole, {**CLIENT, "seeds": 1}, "seeds: Extra inputs are not permitted", id="an unknown field"
        ),
        pytest.param(
            ClientRole, {**CLIENT, "seed": -1}, "seed: Input should be greater than or equal to 0", id="a seed"
        ),
        pytest.param(ClientRole, {**CLIENT, "name": "a b"}, "name: String should match pattern", id="a name"),
        pytest.param(ClientRole, {**CLIENT, "insecure": False}, "either tls must be given, or insecure", id="no TLS"),
        pytest.param(
            ClientRole, {**CLIENT, "tls": {"authority": "a", "certificate": "b", "key": "c"}}, "either tls", id="both"
        ),
        pytest.param(
            ClientRole, {**CLIENT, "plan": {"momentum": 1}}, "plan.momentum: Input should be less", id="momentum"
        ),
        pytest.param(
            ClientRole, {**CLIENT, "plan": {"learningRate": "x"}}, "plan.learningRate: Input should be", id="rate"
        ),
        pytest.param(
            ClientRole, {**CLIENT, "data": {"source": "Mnist"}}, "data.source: Input should be 'Digits'", id="data"
        ),
        pytest.param(
            ClientRole, {**CLIENT, "data": {"source": "Volume"}}, "path is for the source Volume", id="no path"
        ),
        pytest.param(ClientRole, {**CLIENT, "access": "h:2"}, "either aggregator or access", id="two kinds of client"),
        pytest.param(ClientRole, {**CLIENT, "index": 3}, "index (3) must be below data.clients (1)", id="an index"),
        pytest.param(
            AggregatorRole, {**AGGREGATOR, "rules": {"rounds": 0}}, "rules.rounds: Input should be", id="no round"
        ),
        pytest.param(
            AggregatorRole,
            {**AGGREGATOR, "rules": {"quorum": 3}},
            "quorum (3) must not be above clients (1)",
            id="quorum",
        ),
        pytest.param(
            AggregatorRole, {**AGGREGATOR, "strategy": {"name": "X"}}, "strategy.name: Input should", id="strategy"
        ),
        pytest.param(AggregatorRole, {**AGGREGATOR, "frameBytes": 1}, "frameBytes: Input should be", id="frames"),
        pytest.param(
            RoutineManagerRole, {**MANAGER, "groups": []}, "groups: Tuple should have at least 1", id="no group"
        ),
        pytest.param(
            RoutineManagerRole, {**MANAGER, "groups": [GROUP, GROUP]}, "two have the same name", id="two alike"
        ),
        pytest.param(
            RoutineManagerRole,
            {**MANAGER, "groups": [{**GROUP, "server": ""}]},
            "a group needs a server",
            id="no server",
        ),
        pytest.param(
            RoutineManagerRole,
            {**MANAGER, "groups": [{**GROUP, "cut": "Input"}], "privacy": {"forbidRawInput": True}},
            "groups.a.cut: Input would show the data, which forbidRawInput excludes",
            id="raw data",
        ),
        pytest.param(
            RoutineManagerRole,
            {**MANAGER, "groups": [{**GROUP, "clients": 2}], "privacy": {"kAnonymity": 3}},
            "groups.a.clients: must be at least kAnonymity (3)",
            id="fewer than k",
        ),
        pytest.param(ClientRole, [], "must hold an object", id="no object"),
    ],
)
def test_what_breaks_a_rule_is_named(tmp_path: Path, kind: type[Role], told: Any, said: str) -> None:  # noqa: ANN401 - JSON
    with pytest.raises(InvalidRole) as refused:
        loaded(tmp_path, kind, told)
    assert str(refused.value).startswith(f"{tmp_path}/role.json: ")
    assert said in str(refused.value)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidRole) as refused:
        loaded(tmp_path, ClientRole, {**CLIENT, "seed": -1, "plan": {"batch": -1}})
    assert len(str(refused.value).splitlines()) == 2


def test_a_cut_that_the_model_has_not_is_refused(tmp_path: Path) -> None:
    role = loaded(tmp_path, RoutineManagerRole, {**MANAGER, "groups": [{**GROUP, "cut": "conv1"}]})
    assert isinstance(role, RoutineManagerRole)
    with pytest.raises(InvalidRole, match=r"groups.a.cut: the model cannot be cut at 'conv1'"):
        role.aims()


def test_a_cut_below_all_that_learns_is_refused_where_raw_data_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = tuple(replace(layer, parameters=0) for layer in built("mlp-3", (), TASKS["Digits"], 1).layers)
    monkeypatch.setattr(Mlp, "layers", idle)
    told = {**MANAGER, "groups": [{**GROUP, "cut": "fc1"}], "privacy": {"forbidRawInput": True}}
    role = loaded(tmp_path, RoutineManagerRole, told)
    assert isinstance(role, RoutineManagerRole)
    with pytest.raises(InvalidRole, match=r"groups.a.cut: no layer below fc1 learns, so it would show the data"):
        role.aims()


@pytest.mark.parametrize("variable", ["AIF_INDEX", "JOB_COMPLETION_INDEX"])
def test_the_number_of_a_pod_stands_behind_its_name(tmp_path: Path, variable: str) -> None:
    role = loaded(tmp_path, ClientRole, {**CLIENT, "data": {"clients": 3}}, **{variable: "2"})
    assert isinstance(role, ClientRole)
    assert (role.name, role.index) == ("r-2", 2)


def test_a_number_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRole, match="'two' is no whole number"):
        loaded(tmp_path, ClientRole, CLIENT, AIF_INDEX="two")


def test_the_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "role.json"
    path.write_text(json.dumps(CLIENT), encoding="utf-8")
    assert load(ClientRole, [], {"AIF_ROLE_FILE": str(path)}).name == "r"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param([], "no file: give it as argument, or in AIF_ROLE_FILE", id="none"),
        pytest.param(["/nothing/there"], "/nothing/there: cannot be read as JSON", id="missing"),
    ],
)
def test_a_file_that_is_not_there_is_told(arguments: list[str], said: str) -> None:
    with pytest.raises(InvalidRole, match=said):
        load(ClientRole, arguments, {})
