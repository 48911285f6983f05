"""What no schema can refuse becomes a condition of the object itself, and stops no other object.

The numbers are those of docs/reference/bad-input.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from documents import ROOT
from kubectl import Kubectl
from network import GPU, a_compute_node, a_service, a_workload, accelerated, within
from operator_process import Replica
from rest import Json, Rest, eventually
from services import Services

pytestmark = pytest.mark.usefixtures("operator")

GATEWAY = {"gateway": {"name": "edge", "host": "plates.example.org"}}


@pytest.mark.parametrize(
    ("spec", "reason", "field"),
    [
        pytest.param(
            {"ue": {"attachedTo": "nowhere"}}, "RefNotFound", "spec.ue.attachedTo", id="a site that is missing"
        ),
        pytest.param(
            {"workload": a_workload(runtimeClassName="gvisor")},
            "InvalidSpec",
            "spec.workload.runtimeClassName",
            id="a RuntimeClass that is not allowed",
        ),
        pytest.param({"expose": GATEWAY}, "RefNotFound", "spec.expose.gateway", id="a cluster without Gateway API"),
    ],
)
def test_a_reference_that_leads_nowhere_is_told_by_its_field(
    services: Services, spec: Json, reason: str, field: str
) -> None:
    services.apply(a_service("plates", **spec))
    told = services.await_condition("plates", "Accepted", "False", reason)
    assert field in told["message"]
    assert services.condition("plates", "Stalled")["status"] == "True"
    assert services.condition("plates", "Ready")["status"] == "False"
    assert services.copies("plates") == []


def test_a_reference_that_comes_true_is_noticed(services: Services, rest: Rest) -> None:
    services.apply(a_service("plates", ue={"attachedTo": "site-1"}, placement={"tiers": ["Edge"]}))
    services.await_condition("plates", "Accepted", "False", "RefNotFound")
    rest.apply("computenodes", a_compute_node("site-1", nodeName="spare-1"))
    try:
        services.await_condition("plates", "Accepted", "True")
    finally:
        rest.delete("computenodes", "site-1")


@pytest.mark.parametrize(
    ("spec", "short"),
    [
        pytest.param({"workload": a_workload(resources={"cpu": "999Pi"})}, "cpu", id="more cores than there are"),
        pytest.param({"workload": a_workload(resources={"memory": "500Pi"})}, "memory", id="more memory"),
        pytest.param({"variants": accelerated(count=64)}, GPU, id="more accelerators"),
        pytest.param({"variants": accelerated(accelerator="example.org/none")}, "example.org/none", id="unknown ones"),
        pytest.param({"variants": accelerated(deviceMemory="500Pi")}, "memory", id="larger accelerators"),
        pytest.param({"placement": {"nodeSelector": {"no": "such-label"}}}, "no=such-label", id="labels of no node"),
        pytest.param({"qos": {"securityLevel": "High"}}, "security", id="a level that nobody has"),
    ],
)
def test_a_demand_that_nothing_meets_says_what_is_short(services: Services, spec: Json, short: str) -> None:
    services.apply(a_service("plates", **spec))
    told = services.await_condition("plates", "Placed", "False")
    assert short in told["message"].lower()
    assert len(told["message"]) <= 1024
    assert services.copies("plates") == []


def test_b22_a_node_that_claims_more_than_it_has_is_not_believed(rest: Rest, services: Services) -> None:
    rest.apply("computenodes", a_compute_node("boaster", gpus=64, nodeName="spare-2"))
    try:
        services.apply(a_service("plates", variants=accelerated(count=8), on="spare-2"))
        assert GPU in services.await_condition("plates", "Placed", "False")["message"]
    finally:
        rest.delete("computenodes", "boaster")


@pytest.mark.parametrize(
    ("quota", "resource"),
    [
        pytest.param({"pods": "0"}, "pods", id="pods"),
        pytest.param({"count/deployments.apps": "0"}, "deployments", id="Deployments"),
        pytest.param({"count/services": "0"}, "services", id="Services"),
    ],
)
def test_a_quota_that_refuses_children_is_named_and_waited_for(
    services: Services, rest: Rest, quota: Json, resource: str
) -> None:
    rest.create("resourcequotas", {"metadata": {"name": "small"}, "spec": {"hard": quota}}, services.namespace)
    eventually(lambda: _is_counted(rest, services.namespace), "the quota is in force")
    services.apply(a_service("plates", on="edge-1"))
    told = services.await_condition("plates", "WorkloadReady", "False", "QuotaExceeded")
    assert "small" in told["message"]
    assert resource in told["message"]
    rest.delete("resourcequotas", "small", services.namespace)
    services.await_ready("plates", within_s=60)


def _is_counted(rest: Rest, namespace: str) -> bool:
    found = rest.get("resourcequotas", "small", namespace)
    return bool(found and found.get("status", {}).get("hard"))


def test_an_unknown_priority_class_is_told(services: Services) -> None:
    services.apply(a_service("plates", on="edge-1", priorityClassName="no-such-class"))
    told = services.await_condition("plates", "WorkloadReady", "False")
    eventually(
        lambda: "no-such-class" in services.condition("plates", "WorkloadReady")["message"],
        f"the class is named, not only: {told['message']}",
    )


@pytest.fixture
def loosened(kubectl: Kubectl, rest: Rest) -> Iterator[None]:
    """A CRD that allows more replicas than this release reads, as an administrator's edit or another release may."""
    path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/workload/properties/replicas/maximum"
    patch = [{"op": "replace", "path": path, "value": 100_000}]
    kubectl("patch", "crd", "aiservices.net4ai.io", "--type=json", "-p", json.dumps(patch))
    eventually(lambda: _maximum(rest) == 100_000, "the CRD is changed")
    yield
    _tighten(kubectl)


def _tighten(kubectl: Kubectl) -> None:
    kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds" / "aiservices.net4ai.io.yaml"))


def _maximum(rest: Rest) -> int:
    found = rest.get("customresourcedefinitions", "aiservices.net4ai.io")
    assert found is not None
    schema = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return int(schema["properties"]["spec"]["properties"]["workload"]["properties"]["replicas"]["maximum"])


@pytest.mark.usefixtures("loosened")
def test_a_stored_spec_that_cannot_be_read_is_told_and_serves_on(services: Services, kubectl: Kubectl) -> None:
    services.apply(a_service("plates", on="edge-1"))
    services.await_ready("plates")
    too_many = {"workload": {"replicas": 5000}}
    # The API server takes a moment to serve a changed schema.
    eventually(lambda: services.patch("plates", too_many), "the loosened schema admits it")
    services.apply(a_service("born-bad", on="edge-1", workload=a_workload(replicas=5000)))
    _tighten(kubectl)
    for name in ("plates", "born-bad"):
        told = services.await_condition(name, "Accepted", "False", "InvalidSpec")
        assert "spec.workload.replicas" in told["message"]
        assert services.condition(name, "Ready")["status"] == "False"
    assert services.ready_endpoints("plates") == 1
    services.patch("plates", {"workload": {"replicas": 1}})
    services.await_ready("plates")
    services.delete("born-bad")
    eventually(lambda: "born-bad" not in _names(services), "it can be deleted")


def _names(services: Services) -> list[str]:
    return [item["metadata"]["name"] for item in services.rest.list("aiservices", services.namespace)]


def test_b5_without_a_measured_value_the_contract_is_neither_met_nor_breached(services: Services) -> None:
    services.apply(a_service("plates", on="edge-1", variants=accelerated(), **within(50)))
    services.await_ready("plates")
    assert services.condition("plates", "QoSMet")["status"] == "Unknown"
    assert services.condition("plates", "MetricsAvailable")["status"] == "Unknown"
    (latency,) = services.get("plates")["status"]["qos"]
    assert (latency["verdict"], latency.get("measured")) == ("Unknown", None)


FORGED = {
    "malformed": "{{{",
    "of another shape": json.dumps([1, 2]),
    "of another object": json.dumps({"spec": {"serviceType": "Compute"}}),
}


@pytest.mark.parametrize("content", FORGED.values(), ids=FORGED)
def test_b23_a_forged_annotation_of_the_framework_hides_nothing(services: Services, content: str) -> None:
    notes = {"kopf.zalando.org/last-handled-configuration": content, "kopf.zalando.org/seen": content}
    services.apply(a_service("plates", on="edge-1", metadata={"annotations": notes}))
    services.await_ready("plates")
    services.patch("plates", {"workload": {"image": "plates:2"}})
    services.await_ready("plates")
    services.delete("plates")
    eventually(lambda: not _names(services), "it is gone")
    eventually(lambda: not services.copies("plates"), "its children are gone")


def test_b23_a_status_that_a_user_forged_is_replaced(services: Services, rest: Rest) -> None:
    services.apply(a_service("plates", on="edge-1"))
    services.await_ready("plates")
    forged = {"url": "http://evil.example.org", "conditions": []}
    rest.patch("aiservices", "plates", {"status": forged}, services.namespace, part="status")
    services.await_ready("plates")
    eventually(lambda: "evil" not in services.get("plates")["status"]["url"], "the url is the operator's")


def test_no_input_stops_another_object(services: Services, operator: Replica) -> None:
    for number in range(30):
        services.apply(_bad(number))
    services.apply(a_service("bystander", on="edge-1"))
    services.await_ready("bystander", within_s=15)
    services.patch("bystander", {"workload": {"image": "plates:2"}})
    eventually(lambda: _images(services) == ["plates:2"], "the bystander's change is carried out", 15)
    services.await_ready("bystander")
    for number in range(30):
        told = services.await_condition(f"bad-{number}", "Ready", "False")
        assert told["message"], f"bad-{number} does not say why"
    assert operator.alive
    assert operator.metric("aif_kopf_up") == 1.0


def _bad(number: int) -> Json:
    faults: list[Json] = [
        {"ue": {"attachedTo": "nowhere"}},
        {"workload": a_workload(runtimeClassName="gvisor")},
        {"expose": GATEWAY},
        {"workload": a_workload(resources={"cpu": "999Pi"})},
        {"variants": accelerated(accelerator="example.org/none")},
        {"priorityClassName": "no-such-class", "placement": {"nodeSelector": {"kubernetes.io/hostname": "edge-1"}}},
    ]
    return a_service(f"bad-{number}", **faults[number % len(faults)])


def _images(services: Services) -> list[str]:
    return [copy["spec"]["template"]["spec"]["containers"][0]["image"] for copy in services.copies("bystander")]
