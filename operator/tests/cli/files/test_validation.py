"""What an API server would refuse is refused here, and the message names file, document and field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aif.api.aiservice import AIService
from aif.api.kinds import AISERVICE, COMPUTENODE, Kind
from aif.cli.files.documents import Document
from aif.cli.files.validation import parse, problems
from tests.builders import a_compute_node, an_aiservice

Body = dict[str, Any]
Change = Callable[[Body], object]


def a_document(kind: Kind, change: Change = lambda _: None) -> Document:
    """Return a valid document of ``kind``, changed."""
    model = an_aiservice() if kind is AISERVICE else a_compute_node()
    body = {"apiVersion": "net4ai.io/v1alpha1", "kind": kind.name, **model.to_dict()}
    change(body)
    return Document("net.yaml", 2, body)


def found(document: Document, kind: Kind) -> list[tuple[str, str]]:
    return [(problem.field, problem.reason) for problem in problems(document, kind)]


@pytest.mark.parametrize("kind", [AISERVICE, COMPUTENODE], ids=lambda kind: kind.name)
def test_a_valid_object_has_no_problems(kind: Kind) -> None:
    assert found(a_document(kind), kind) == []


SERVICE_FAULTS = [
    pytest.param(
        lambda s: s["spec"]["qos"]["latency"].update(maxP99Microseconds="20ms"),
        "spec.qos.latency.maxP99Microseconds",
        'must be a valid integer, not "20ms"',
        id="text for a number",
    ),
    pytest.param(
        lambda s: s["spec"]["qos"]["latency"].update(maxP99Microsecond=1),
        "spec.qos.latency.maxP99Microsecond",
        "there is no such field; did you mean maxP99Microseconds?",
        id="a misspelt field",
    ),
    pytest.param(
        lambda s: s["spec"]["variants"][0].update(nothing=1),
        "spec.variants[0].nothing",
        "there is no such field; known are name, accelerator,",
        id="an unknown field in a list",
    ),
    pytest.param(lambda s: s["spec"].pop("serviceType"), "spec.serviceType", "is required", id="a field left out"),
    pytest.param(lambda s: s["spec"].update(model=None), "spec.model", "is required", id="null"),
    pytest.param(lambda s: s["spec"].update(model=3), "spec.model", "must be an object", id="a number for an object"),
    pytest.param(
        lambda s: s["spec"].update(serviceType="Inferenz"),
        "spec.serviceType",
        "must be 'Inference', 'Validation', 'Data' or 'Compute', not \"Inferenz\"",
        id="an unknown value",
    ),
    pytest.param(
        lambda s: s["spec"]["workload"].update(replicas=True),
        "spec.workload.replicas",
        "must be a valid integer, not true",
        id="a truth value for a number",
    ),
    pytest.param(
        lambda s: s["spec"]["model"].update(flopsPerRequest="31 G"),
        "spec.model.flopsPerRequest",
        "'31 G' is not a quantity such as 500m, 4Gi or 31G",
        id="a quantity with a blank",
    ),
    pytest.param(
        lambda s: s["spec"]["load"].update(requestsPerSecond=0),
        "spec.load.requestsPerSecond",
        "0 is not above zero",
        id="a capacity of nothing",
    ),
    pytest.param(
        lambda s: s["metadata"].update(name="Plates"), "metadata.name", "must match pattern", id="a name in capitals"
    ),
    pytest.param(
        lambda s: s["metadata"].update(name="p" * 41), "", "metadata.name must have at most 40", id="a long name"
    ),
    pytest.param(lambda s: s.pop("metadata"), "metadata.name", "is required", id="no metadata"),
    pytest.param(lambda s: s.pop("spec"), "spec", "is required", id="no spec"),
    pytest.param(
        lambda s: s["spec"].pop("load"), "spec", "qos.latency needs load.requestsPerSecond", id="a rule across fields"
    ),
    pytest.param(
        lambda s: s["spec"]["migration"].update(timeoutSeconds=60),
        "spec.migration",
        "verifySeconds and drainSeconds together",
        id="a rule within a part",
    ),
    pytest.param(
        lambda s: s["spec"]["variants"].append({"name": "gpu"}),
        "spec.variants[1].name",
        "gpu stands twice in this list",
        id="a key twice",
    ),
    pytest.param(
        lambda s: s["spec"]["placement"].update(tiers=["RAN", "RAN"]),
        "spec.placement.tiers[1]",
        "RAN stands twice in this list",
        id="a value twice",
    ),
    pytest.param(
        lambda s: s["spec"]["placement"].update(nodeSelector={f"k{i}": "v" for i in range(9)}),
        "spec.placement.nodeSelector",
        "at most 8",
        id="a map too large",
    ),
    pytest.param(
        lambda s: s["spec"]["workload"].update(args=["x" * 200] * 12),
        "spec.workload.args",
        "together must have at most",
        id="a list too long",
    ),
    pytest.param(
        lambda s: s.update(apiVersion="net4ai.io/v1"), "apiVersion", "must be net4ai.io/v1alpha1", id="version"
    ),
]


@pytest.mark.parametrize(("change", "field", "reason"), SERVICE_FAULTS)
def test_a_faulty_service_is_told_by_its_field(change: Change, field: str, reason: str) -> None:
    (problem, *_) = [one for one in problems(a_document(AISERVICE, change), AISERVICE) if one.field == field]
    assert reason in problem.reason


NODE_FAULTS = [
    pytest.param(lambda n: n["spec"].pop("nodeName"), "spec", "nodeName is needed", id="no Node"),
    pytest.param(lambda n: n["spec"].update(origin="External"), "spec", "provider is given if", id="no provider"),
    pytest.param(
        lambda n: n["spec"]["links"][0].update(to="gnb-7"), "", "spec.links.to must not be the node itself", id="itself"
    ),
    pytest.param(
        lambda n: n["spec"]["capability"]["devices"][0]["power"].update(idleWatts=500),
        "spec.capability.devices[0].power",
        "idleWatts must not exceed maxWatts",
        id="idle above full",
    ),
    pytest.param(
        lambda n: n["spec"]["capability"].update(devices=[]),
        "spec.capability.devices",
        "at least 1 item",
        id="no device",
    ),
]


@pytest.mark.parametrize(("change", "field", "reason"), NODE_FAULTS)
def test_a_faulty_compute_node_is_told_by_its_field(change: Change, field: str, reason: str) -> None:
    (problem, *_) = [one for one in problems(a_document(COMPUTENODE, change), COMPUTENODE) if one.field == field]
    assert reason in problem.reason


def test_all_faults_are_told_at_once() -> None:
    def break_two(body: Body) -> None:
        body["spec"]["workload"]["image"] = ""
        body["spec"]["qos"]["latency"]["weight"] = 101

    fields = [field for field, _ in found(a_document(AISERVICE, break_two), AISERVICE)]
    assert sorted(fields) == ["spec.qos.latency.weight", "spec.workload.image"]


def test_a_problem_reads_as_one_line_with_file_document_and_field() -> None:
    document = a_document(AISERVICE, lambda s: s["spec"].pop("serviceType"))
    (problem,) = problems(document, AISERVICE)
    assert str(problem) == "net.yaml, document 2 (AIService plates): spec.serviceType: is required"


def test_what_the_api_server_adds_is_no_fault() -> None:
    def as_stored(body: Body) -> None:
        body["metadata"] |= {"managedFields": [{"manager": "kubectl"}], "resourceVersion": "7", "selfLink": ""}
        body["status"] = {"nobodyKnows": True}

    assert found(a_document(AISERVICE, as_stored), AISERVICE) == []


def test_a_status_that_cannot_be_read_is_left_out() -> None:
    document = a_document(AISERVICE, lambda s: s.update(status={"placements": 3}))
    assert parse(document, AIService).status.placements == []
