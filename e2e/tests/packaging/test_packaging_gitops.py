"""What the guide gives to Argo CD and Flux: checks of health that run, values that the chart takes."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from argocd import GUIDE, example, examples, health
from charts import CHART, CRDS_CHART, rendered
from documents import ROOT, Document

from aif.api.conditions import Reason

HEALTHS: Final = {"Healthy", "Progressing", "Suspended", "Degraded"}
CHARTS: Final = {path.relative_to(ROOT).as_posix() for path in (CHART, CRDS_CHART)}


def an_object(*conditions: tuple[str, str, str], generation: int = 2) -> Document:
    """Return an object of generation 2 with conditions of type, status and reason."""
    told = [{"type": kind, "status": status, "reason": reason, "message": "why"} for kind, status, reason in conditions]
    return {"metadata": {"generation": 2}, "status": {"observedGeneration": generation, "conditions": told}}


READY: Final = ("Ready", "True", "AsExpected")
RECONCILING: Final = ("Reconciling", "True", "Progressing")
STALLED: Final = ("Stalled", "True", "InvalidSpec")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param({"metadata": {"generation": 1}}, "Progressing", id="no status yet"),
        pytest.param({"metadata": {"generation": 1}, "status": {}}, "Progressing", id="no conditions yet"),
        pytest.param(an_object(READY, generation=1), "Progressing", id="judged for an older spec"),
        pytest.param(an_object(READY), "Healthy", id="ready"),
        pytest.param(an_object(("Ready", "True", "ServedLocally")), "Healthy", id="served locally"),
        pytest.param(an_object(("Ready", "False", "Progressing"), RECONCILING), "Progressing", id="rolling out"),
        pytest.param(an_object(("Ready", "False", "LatencyInfeasible"), RECONCILING), "Progressing", id="no node fits"),
        pytest.param(an_object(("Ready", "False", "InvalidSpec"), STALLED), "Degraded", id="stalled"),
        pytest.param(an_object(("Ready", "False", "Suspended")), "Suspended", id="suspended"),
        pytest.param(an_object(("Ready", "False", "AwaitingApproval")), "Suspended", id="awaiting approval"),
        pytest.param(an_object(("Ready", "False", "CrashLooping"), RECONCILING), "Degraded", id="crashing"),
        pytest.param(an_object(("Ready", "False", "NodeNotReady")), "Degraded", id="nothing will change it"),
        pytest.param(an_object(("Ready", "Unknown", "Progressing")), "Progressing", id="unknown"),
    ],
)
def test_argo_sees_the_health_of_a_service(document: Document, expected: str) -> None:
    assert health("AIService", document)[0] == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param({"metadata": {"generation": 1}}, "Progressing", id="no status yet"),
        pytest.param(an_object(READY, generation=1), "Progressing", id="judged for an older spec"),
        pytest.param(an_object(READY), "Healthy", id="ready"),
        pytest.param(an_object(READY, ("Schedulable", "True", "AsExpected")), "Healthy", id="schedulable"),
        pytest.param(an_object(READY, ("Schedulable", "False", "NodeCordoned")), "Suspended", id="cordoned"),
        pytest.param(an_object(("Ready", "False", "VerificationPending")), "Progressing", id="not verified"),
        pytest.param(an_object(("Ready", "False", "NodeNotJoined")), "Progressing", id="not joined"),
        pytest.param(an_object(("Ready", "False", "NodeNotReady")), "Degraded", id="not ready"),
        pytest.param(an_object(("Ready", "False", "NameConflict")), "Degraded", id="in conflict"),
    ],
)
def test_argo_sees_the_health_of_a_node(document: Document, expected: str) -> None:
    assert health("ComputeNode", document)[0] == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param({"metadata": {"generation": 1}}, "Progressing", id="no status yet"),
        pytest.param(an_object(READY, generation=1), "Progressing", id="judged for an older spec"),
        pytest.param(an_object(READY), "Progressing", id="it learns"),
        pytest.param(an_object(("Ready", "False", "QuorumNotReached"), RECONCILING), "Progressing", id="clients lack"),
        pytest.param(an_object(READY, ("Complete", "False", "Progressing")), "Progressing", id="not complete"),
        pytest.param(an_object(READY, ("Complete", "True", "TargetReached")), "Healthy", id="complete"),
        pytest.param(an_object(("Complete", "True", "Converged"), generation=1), "Healthy", id="an end is an end"),
        pytest.param(an_object(("Failed", "True", "Diverged"), STALLED), "Degraded", id="failed"),
        pytest.param(an_object(("Ready", "False", "InvalidSpec"), STALLED), "Degraded", id="stalled"),
        pytest.param(an_object(("Suspended", "True", "Preempted")), "Suspended", id="made way for a service"),
        pytest.param(an_object(("ApprovalRequired", "True", "AwaitingApproval")), "Suspended", id="awaiting approval"),
    ],
)
def test_argo_sees_the_health_of_a_training_job(document: Document, expected: str) -> None:
    assert health("TrainingJob", document)[0] == expected


@pytest.mark.parametrize("kind", ["AIService", "ComputeNode", "TrainingJob"])
def test_every_reason_has_a_health_and_is_told_in_its_message(kind: str) -> None:
    for reason, status in product(Reason, ("True", "False", "Unknown")):
        found, message = health(kind, an_object(("Ready", status, reason)))
        assert found in HEALTHS
        assert message == f"{reason}: why"


def test_the_health_in_the_table_of_the_guide_is_what_the_checks_say() -> None:
    told = set(re.findall(r"^\| (Healthy|Progressing|Suspended|Degraded) \|", GUIDE.read_text(), re.MULTILINE))
    assert told == HEALTHS


def values_given() -> list[tuple[str, Document]]:
    """Return the path of a chart and the values that each example of a release gives it."""
    sources = example("Application", "aif-operator")["spec"]["sources"]
    releases = [example("HelmRelease", name)["spec"] for name in ("aif-operator-crds", "aif-operator")]
    argo = [(source["path"], source.get("helm", {}).get("valuesObject", {})) for source in sources]
    return argo + [(release["chart"]["spec"]["chart"], release.get("values", {})) for release in releases]


def test_the_examples_name_both_charts_each() -> None:
    named = [path for path, _ in values_given()]
    assert sorted(named) == sorted([*CHARTS, *CHARTS])


def test_the_chart_takes_the_values_of_every_example(tmp_path: Path) -> None:
    given = [values for path, values in values_given() if path.endswith("aif-operator")]
    given += [document for document in examples() if "metrics" in document]
    assert len(given) == 3
    for number, values in enumerate(given):
        file = tmp_path / f"{number}.yaml"
        file.write_text(yaml.safe_dump(values))
        assert rendered("--values", file)


def test_flux_installs_the_kinds_before_the_operator() -> None:
    release = example("HelmRelease", "aif-operator")["spec"]
    assert release["dependsOn"] == [{"name": example("HelmRelease", "aif-operator-crds")["metadata"]["name"]}]


def test_every_alert_of_the_chart_stands_in_the_guide_and_no_other() -> None:
    documents = rendered("--set", "metrics.prometheusRule.enabled=true")
    (rules,) = (document for document in documents if document["kind"] == "PrometheusRule")
    (group,) = rules["spec"]["groups"]
    told = re.findall(r"^\| `(AIF[A-Z]\w+)`", GUIDE.read_text(), re.MULTILINE)
    assert told == [rule["alert"] for rule in group["rules"]]


def test_every_value_in_the_table_of_the_guide_exists() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    rows = re.findall(r"^\| (`[a-z][\w.`, ]+`) \|", GUIDE.read_text(), re.MULTILINE)
    paths = [path for row in rows for path in re.findall(r"`([a-zA-Z.]+)`", row)]
    assert "metrics.serviceMonitor.enabled" in paths
    for path in paths:
        place: Any = values
        for key in path.split("."):
            assert key in place, path
            place = place[key]
