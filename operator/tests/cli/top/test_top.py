"""`aif top` lists what nodes have and what is claimed of it, and what services ask for and where they are."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, RenderableType

from aif.cli.output import share_bar
from aif.cli.top.nodes import view as nodes_view
from aif.cli.top.services import report, view
from tests.builders import an_aiservice
from tests.cli.conftest import DEMO, Aif
from tests.cli.explain.test_explain import a_condition, a_placed_service

GOLDEN = Path(__file__).parents[1] / "golden"


def listed(aif: Aif, what: str, *words: str) -> list[Any]:
    told: list[Any] = json.loads(aif("top", what, *DEMO, *words, "-o", "json").out)[what]
    return told


@pytest.mark.parametrize("what", ["nodes", "services"])
def test_the_demo_is_listed_as_it_was_reviewed(aif: Aif, what: str) -> None:
    """Write a file anew by ``aif top nodes -f manifests/samples/network.yaml -f .../services.yaml -o json``."""
    golden = json.loads((GOLDEN / f"top-{what}.json").read_text(encoding="utf-8"))
    assert {what: listed(aif, what)} == golden


def test_what_is_claimed_and_what_is_free_make_the_capacity(aif: Aif) -> None:
    resources = [resource for node in listed(aif, "nodes") for resource in node["resources"]]
    assert resources
    assert all(each["claimed"] + each["free"] == pytest.approx(each["capacity"]) for each in resources)


@pytest.mark.parametrize(
    ("sort_by", "first"),
    [
        pytest.param("tier", "gnb-1", id="nearest to the user first"),
        pytest.param("name", "cloud", id="by name"),
        pytest.param("services", "gnb-2", id="most services first"),
        pytest.param("cpu", "gnb-2", id="largest share of the cores first"),
        pytest.param("nvidia.com/gpu", "gnb-1", id="largest share of the accelerators first"),
        pytest.param("gpu", "gnb-1", id="a resource without its vendor"),
    ],
)
def test_nodes_are_sorted(aif: Aif, sort_by: str, first: str) -> None:
    assert listed(aif, "nodes", "--sort-by", sort_by)[0]["name"] == first


@pytest.mark.parametrize(
    ("sort_by", "first"),
    [
        pytest.param("name", "acceptance", id="by name"),
        pytest.param("node", "chat", id="by node"),
        pytest.param("score", "roadside", id="lowest score first"),
        pytest.param("cpu", "batch", id="most cores first"),
        pytest.param("memory", "batch", id="most memory first"),
        pytest.param("compute", "batch", id="most compute first"),
    ],
)
def test_services_are_sorted(aif: Aif, sort_by: str, first: str) -> None:
    assert listed(aif, "services", "--sort-by", sort_by)[0]["name"] == first


@pytest.mark.parametrize(("what", "known"), [("nodes", "tier, services, amd.com/gpu, cpu"), ("services", "score, cpu")])
def test_an_unknown_order_is_told_with_those_that_are_known(aif: Aif, what: str, known: str) -> None:
    done = aif("top", what, *DEMO, "--sort-by", "moon")
    assert (done.status, done.out) == (1, "")
    assert "--sort-by: nothing is called moon; known are name," in done.err
    assert known in done.err


def test_something_else_than_nodes_and_services_is_wrong_usage(aif: Aif) -> None:
    done = aif("top", "pods", *DEMO)
    assert done.status == 2
    assert "No such command 'pods'" in done.err


def test_a_table_names_a_node_once_and_its_resources_below_each_other(aif: Aif) -> None:
    lines = aif("top", "nodes", *DEMO).out.splitlines()
    assert lines[0].split() == ["NODE", "TIER", "SERVICES", "RESOURCE", "CAPACITY", "CLAIMED", "FREE", "SHARE"]
    assert lines[1].split() == ["gnb-1", "RAN", "1", "cpu", "32", "2", "30", "6", "%"]
    assert lines[2].split() == ["memory", "128Gi", "4Gi", "124Gi", "3", "%"]
    assert lines[3].split() == ["gpu", "1", "1", "0", "100", "%"]


def test_the_tables_fit_into_120_columns_and_have_no_colours_without_a_terminal(
    aif: Aif, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    for what in ("nodes", "services"):
        out = aif("top", what, *DEMO).out
        assert max(map(len, out.splitlines())) <= 120
        assert "\x1b" not in out
        assert "█" not in out


def test_services_of_one_namespace_are_chosen(aif: Aif) -> None:
    assert listed(aif, "services", "-n", "nowhere") == []
    assert len(listed(aif, "services", "-n", "default")) == 8
    assert "There is no AIService here" in aif("top", "services", *DEMO, "-n", "nowhere").out


def a_terminal(encoding: str = "utf-8") -> Console:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return Console(file=stream, width=120, force_terminal=True, color_system="standard")


def printed(structure: dict[str, Any], shows: Callable[[dict[str, Any], Console], RenderableType]) -> str:
    screen = Console(file=io.StringIO(), width=120)
    with screen.capture() as captured:
        screen.print(shows(structure, screen))
    return captured.get()


@pytest.mark.parametrize(
    ("share", "good_when_full", "style"),
    [(0.2, False, "green"), (0.7, False, "yellow"), (0.95, False, "red"), (0.95, True, "green"), (0.05, True, "red")],
)
def test_a_bar_on_a_terminal_says_by_its_colour_whether_to_worry(
    share: float, style: str, *, good_when_full: bool
) -> None:
    screen = a_terminal()
    bar = share_bar(share, screen, good_when_full=good_when_full)
    assert bar.plain.count("█") == round(share * 10)
    assert [str(span.style) for span in bar.spans] == [style]


def test_a_terminal_without_unicode_gets_plain_bars() -> None:
    assert share_bar(0.5, a_terminal("ascii")).plain == "#####       50 %"


@pytest.mark.parametrize(("share", "blocks"), [(1.4, 10), (-0.1, 0)])
def test_more_than_all_fits_into_a_bar(share: float, blocks: int) -> None:
    assert share_bar(share, a_terminal()).plain.count("█") == blocks


def test_a_service_tells_what_its_contract_came_to_and_what_is_amiss() -> None:
    breached = {"dimension": "latency", "target": 10_000, "predicted": 9_000, "verdict": "Breached"}
    degraded = a_condition("Degraded", "True", "NodeCordoned")
    fine = [a_condition(kind) for kind in ("Ready", "Accepted", "Placed")]
    structure = report([a_placed_service(qos=[breached], conditions=[*fine, degraded])], "name")
    assert structure["services"][0]["verdicts"] == {"latency": "Breached"}
    out = printed(structure, view)
    assert "Degraded: NodeCordoned" in out
    assert "latency Breached" in out


def test_a_service_that_nobody_has_looked_at_is_pending() -> None:
    out = printed(report([an_aiservice()], "score"), view)
    assert "Pending" in out


def test_namespaces_are_shown_where_there_are_several() -> None:
    structure = report([an_aiservice(namespace="a"), an_aiservice(namespace="b")], "name")
    assert printed(structure, view).startswith("NAMESPACE  SERVICE")


def test_a_cluster_without_nodes_is_told_what_to_do() -> None:
    assert "label a Node" in printed({"nodes": []}, nodes_view)


def test_a_node_that_has_not_joined_is_shown_as_such() -> None:
    row = {"name": "far", "tier": "Edge", "services": 0, "joined": False, "resources": []}
    assert printed({"nodes": [row]}, nodes_view).splitlines()[1].split()[:2] == ["far", "Edge"]
    assert "not joined" in printed({"nodes": [row]}, nodes_view)
