"""Status and scale: what the operator writes is taken and shown, and scaling goes the usual way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from documents import ROOT, Document, complete, object_file
from kubectl import Kubectl
from schema_cases import located, schema_places

KINDS = {"AIService": "aiservices", "ComputeNode": "computenodes", "TrainingJob": "trainingjobs"}
NAMESPACE = "subresources"
COLUMNS = [
    pytest.param(
        "AIService",
        ["TYPE", "NODE", "TIER", "READY", "QOS", "REASON", "PREDICTED", "TARGET", "MIGRATIONS", "URL", "MESSAGE"],
        ["Inference", "gnb-7", "RAN", "True", "AsExpected", "5.25 ms", "20 ms", "http://everything", "All is well"],
        id="AIService",
    ),
    pytest.param(
        "ComputeNode",
        ["TIER", "ACCELERATOR", "TFLOPS", "SERVICES", "READY", "ORIGIN", "NODE", "SCHEDULABLE", "EFFICIENCY", "POWER"],
        ["Cloud", "1 x NVIDIA-A100-SXM4-40GB", "19.5", "True", "External", "worker-3", "80", "400 W"],
        id="ComputeNode",
    ),
    pytest.param(
        "TrainingJob",
        ["MODE", "STATE", "ROUND", "CLIENTS", "METRIC", "AGE", "CUT", "TARGET", "REMAINING", "REASON", "MESSAGE"],
        ["Federated", "Training", "3/20", "7/8", "91.2 %", "fc2, fc3", "94 %", "340 s", "AsExpected", "All is well"],
        id="TrainingJob",
    ),
]


def _status(kind: str) -> Document:
    status: Document = yaml.safe_load(object_file(f"{kind.lower()}-status").read_text())
    return status


def _schema(kind: str) -> dict[str, Any]:
    definition = yaml.safe_load((ROOT / "crds" / f"{KINDS[kind]}.net4ai.io.yaml").read_text())
    schema: dict[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
    return schema


@pytest.fixture(scope="module", autouse=True)
def _objects(kubectl: Kubectl) -> Iterator[None]:
    """Objects with a status as the operator writes it, out of the reach of other tests."""
    kubectl("create", "namespace", NAMESPACE)
    documents = [complete(kind) for kind in KINDS]
    documents[0]["metadata"]["namespace"] = documents[2]["metadata"]["namespace"] = NAMESPACE
    documents[1]["metadata"]["name"] = "with-status"
    kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(documents))
    for document in documents:
        told = {key: document[key] for key in ("apiVersion", "kind", "metadata")} | {
            "status": _status(document["kind"])
        }
        arguments = ("apply", "--server-side", "--subresource=status", "--field-manager=test", "-f", "-")
        kubectl(*arguments, stdin=yaml.safe_dump(told))
    yield
    kubectl("delete", "--wait=false", "-f", "-", stdin=yaml.safe_dump_all(documents))
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def _get(kubectl: Kubectl, kind: str, *arguments: str) -> str:
    name = "with-status" if kind == "ComputeNode" else "everything"
    return kubectl("get", KINDS[kind], name, "--namespace", NAMESPACE, *arguments)


@pytest.mark.parametrize("kind", KINDS)
def test_the_complete_status_has_every_field_of_the_schema(kind: str) -> None:
    covered = {place.place for place in located(_schema(kind), _status(kind), ("status",))}
    assert {place for place, _ in schema_places(_schema(kind), "status")} - covered == set()


@pytest.mark.parametrize("kind", KINDS)
def test_a_status_is_stored_as_the_operator_writes_it(kubectl: Kubectl, kind: str) -> None:
    assert json.loads(_get(kubectl, kind, "-o", "json"))["status"] == _status(kind)


@pytest.mark.parametrize(("kind", "headings", "values"), COLUMNS)
def test_kubectl_get_shows_the_columns(kubectl: Kubectl, kind: str, headings: list[str], values: list[str]) -> None:
    heading, row = _get(kubectl, kind, "-o", "wide").splitlines()
    assert [name for name in headings if name not in heading.split()] == []
    assert [value for value in values if value not in row] == []


def test_short_names_and_the_category_are_known(kubectl: Kubectl) -> None:
    listed = kubectl("get", "ais,cn,tj", "--namespace", NAMESPACE, "-o", "name").split()
    assert "trainingjob.net4ai.io/everything" in listed
    assert "aiservice.net4ai.io/everything" in listed
    assert "computenode.net4ai.io/with-status" in listed
    assert "aiservice.net4ai.io/everything" in kubectl("get", "aif", "--namespace", NAMESPACE, "-o", "name")


def test_kubectl_wait_sees_the_condition(kubectl: Kubectl) -> None:
    kubectl("wait", "--for=condition=Ready", "--timeout=5s", "--namespace", NAMESPACE, "ais/everything")


def test_nodes_are_selected_by_field(kubectl: Kubectl) -> None:
    chosen = kubectl("get", "cn", "--field-selector", "spec.nodeName=worker-3,spec.tier=Cloud", "-o", "name")
    assert "computenode.net4ai.io/with-status" in chosen.split()
    assert kubectl("get", "cn", "--field-selector", "spec.nodeName=no-such-node", "-o", "name") == ""


def test_scaling_sets_the_replicas_and_shows_the_selector(kubectl: Kubectl) -> None:
    kubectl("scale", "ais", "everything", "--replicas=3", "--namespace", NAMESPACE)
    path = f"/apis/net4ai.io/v1alpha1/namespaces/{NAMESPACE}/aiservices/everything/scale"
    scale = json.loads(kubectl("get", "--raw", path))
    assert scale["spec"]["replicas"] == 3
    assert scale["status"] == {"replicas": 1, "selector": "net4ai.io/service=everything"}
