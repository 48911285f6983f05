"""Alerts and dashboard ask for what the operator exposes, and for nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import promql_parser
import pytest
from charts import only, rendered, values
from documents import ROOT, Document
from promql_parser import VectorSelector

from aif.gateways.exposition import Exposition

SCRAPED: Final = {"namespace", "service", "pod", "instance", "job"}
"""Labels that a ServiceMonitor adds."""


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return rendered(*values("everything"))


def alerts(documents: list[Document]) -> list[Document]:
    (group,) = only(documents, "PrometheusRule")["spec"]["groups"]
    rules: list[Document] = group["rules"]
    return rules


def dashboard(documents: list[Document]) -> dict[str, Any]:
    ((name, text),) = only(documents, "ConfigMap")["data"].items()
    assert name.endswith(".json")
    drawn: dict[str, Any] = json.loads(text)
    return drawn


def selectors(expression: str) -> Iterator[VectorSelector]:
    """Yield the vectors that an expression asks for; the variables of Grafana are filled in."""
    found: list[VectorSelector] = []

    def visit(part: object) -> None:
        if isinstance(part, VectorSelector):
            found.append(part)

    promql_parser.walk(promql_parser.parse(expression.replace("$__rate_interval", "5m")), visit)
    yield from found


def exposed() -> dict[str, set[str]]:
    """Return the labels of every series of the operator, by its name."""
    series: dict[str, set[str]] = {}
    suffixes = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",), "gauge": ("",)}
    metrics = Exposition()
    for family in metrics.registry.collect():
        labels = _labels(metrics, family.name)
        for suffix in suffixes[family.type]:
            series[family.name + suffix] = labels | ({"le"} if suffix == "_bucket" else set())
    return series


def _labels(metrics: Exposition, name: str) -> set[str]:
    metric: Any = next(value for value in vars(metrics).values() if getattr(value, "_name", "") == name)
    return set(metric._labelnames)  # noqa: SLF001 - told nowhere else


def expressions(documents: list[Document]) -> list[str]:
    panels = dashboard(documents)["panels"]
    return [rule["expr"] for rule in alerts(documents)] + [t["expr"] for panel in panels for t in panel["targets"]]


def test_every_expression_asks_only_for_what_the_operator_exposes(documents: list[Document]) -> None:
    known = exposed()
    for expression in expressions(documents):
        asked = list(selectors(expression))
        assert asked, expression
        for selector in asked:
            assert selector.name in known, f"{selector.name} in {expression}"
            matched = {matcher.name for matcher in selector.matchers.matchers}
            assert matched <= known[selector.name] | SCRAPED, expression


def test_an_expression_over_something_else_would_be_noticed() -> None:
    (found,) = selectors("rate(aif_gone_total[5m]) > 1")
    assert found.name not in exposed()


def test_every_metric_is_drawn_or_alerted_on(documents: list[Document]) -> None:
    asked = {selector.name for text in expressions(documents) for selector in selectors(text)}
    unseen = {name for name in exposed() if name not in asked and not name.endswith("_sum")}
    assert unseen == set()


def test_labels_in_the_text_of_an_alert_are_labels_of_its_result(documents: list[Document]) -> None:
    for rule in alerts(documents):
        text = json.dumps(rule["annotations"])
        labels = {part.split(" ")[0].rstrip("}") for part in text.split("$labels.")[1:]}
        (first, *_) = selectors(rule["expr"])
        assert first.name is not None
        assert labels <= exposed()[first.name] | SCRAPED, rule["alert"]


def test_every_alert_has_a_heading_in_troubleshooting_and_a_row_in_the_guide(documents: list[Document]) -> None:
    told = {rule["alert"] for rule in alerts(documents)}
    guide, help_ = ((ROOT / "docs" / name).read_text() for name in ("install.md", "troubleshooting.md"))
    assert set(re.findall(r"^### (AIF\w+)$", help_, re.MULTILINE)) == told
    assert set(re.findall(r"^\| `(AIF\w+)` \|", guide, re.MULTILINE)) == told


def test_the_alerts_say_how_bad_it_is_and_what_to_do(documents: list[Document]) -> None:
    told = {rule["alert"]: rule.get("for") for rule in alerts(documents)}
    assert told["AIFOperatorKopfDown"] == "2m"
    for rule in alerts(documents):
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"].keys() == {"summary", "description"}


def test_thresholds_are_values() -> None:
    changed = "metrics.prometheusRule.thresholds.watchSilentSeconds=77"
    documents = rendered("--set", f"metrics.prometheusRule.enabled=true,{changed}")
    (silent,) = (rule for rule in alerts(documents) if rule["alert"] == "AIFOperatorWatchSilent")
    assert silent["expr"].endswith("> 77")


def test_alerts_look_at_the_scraped_service_alone(documents: list[Document]) -> None:
    service = only(documents, "Service")["metadata"]["name"]
    for rule in alerts(documents):
        for selector in selectors(rule["expr"]):
            matched = {matcher.name: matcher.value for matcher in selector.matchers.matchers}
            assert matched["service"] == service
            assert matched["namespace"] == "aif-system"


def test_the_monitor_finds_the_service_and_its_port(documents: list[Document]) -> None:
    monitor, service = only(documents, "ServiceMonitor")["spec"], only(documents, "Service")
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}
    pod = only(documents, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= pod.items()


def test_panels_have_ids_titles_and_room_of_their_own(documents: list[Document]) -> None:
    panels = dashboard(documents)["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
