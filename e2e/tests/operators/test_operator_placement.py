"""An AIService is applied, placed with an explanation, run, paused and removed, under the operator's own rights."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from audit import Audit
from kubectl import Kubectl
from network import GPU, a_service, a_workload, accelerated, within
from rest import Json, Rest, eventually
from services import Services

pytestmark = pytest.mark.usefixtures("operator")


def pod_of(deployment: Json) -> Json:
    spec: Json = deployment["spec"]["template"]["spec"]
    return spec


def test_an_applied_service_becomes_a_ready_pod_on_the_node_of_its_choice(services: Services, kubectl: Kubectl) -> None:
    document = a_service("plates", **within(50), variants=accelerated(args=["--engine=gpu"]), on="edge-1")
    kubectl("apply", "--namespace", services.namespace, "-f", "-", stdin=json.dumps(document))
    kubectl("wait", "--for=condition=Ready", "--timeout=30s", "--namespace", services.namespace, "ais/plates")
    (deployment,) = services.copies("plates")
    pod, (container,) = pod_of(deployment), pod_of(deployment)["containers"]
    assert pod["nodeSelector"] == {"kubernetes.io/hostname": "edge-1"}
    assert container["resources"]["limits"][GPU] == "1"
    assert container["args"] == ["--engine=gpu"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    (running,) = services.children("pods", "plates")
    assert running["spec"]["nodeName"] == "edge-1"
    assert services.ready_endpoints("plates") == 1


def test_the_status_explains_the_decision_within_its_bounds(services: Services) -> None:
    services.apply(a_service("plates", **within(30), variants=accelerated(), placement={"tiers": ["Edge", "Cloud"]}))
    services.await_ready("plates")
    status: dict[str, Any] = services.get("plates")["status"]
    (placement,), candidates = status["placements"], status["candidates"]
    assert placement["tier"] == "Edge"
    assert placement["node"] == candidates[0]["node"]
    assert {term["name"] for term in candidates[0]["terms"]} >= {"latency"}
    (latency,) = [item for item in status["qos"] if item["dimension"] == "latency"]
    assert latency["predicted"] <= latency["target"] == 30_000
    assert status["demands"]["flopsPerSecond"] == "155G"
    assert status["demands"]["accelerators"] == f"1x {GPU}"
    refused = {item["reason"]: item for item in status["rejected"]}
    assert refused["LatencyInfeasible"]["nearest"] == "cloud-1"
    assert refused["LatencyInfeasible"]["required"] != refused["LatencyInfeasible"]["available"]
    assert len(json.dumps(status)) < 16 * 1024


def test_the_columns_of_kubectl_have_values(services: Services, kubectl: Kubectl) -> None:
    services.apply(a_service("plates", **within(50), variants=accelerated(), on="edge-1"))
    services.await_ready("plates")
    head, row = kubectl("get", "ais", "--namespace", services.namespace, "-o", "wide").splitlines()
    assert head.split() == [
        "NAME", "TYPE", "NODE", "TIER", "READY", "QOS", "REASON", "AGE",
        "PREDICTED", "TARGET", "MIGRATIONS", "URL", "MESSAGE",
    ]  # fmt: skip
    assert row.split()[:7] == ["plates", "Inference", "edge-1", "Edge", "True", "Unknown", "AsExpected"]
    assert "50.0ms" in row
    assert f"http://plates.{services.namespace}.svc" in row
    nodes = {line.split()[0]: line.split() for line in kubectl("get", "cn", "-o", "wide").splitlines()}
    assert nodes["edge-1"][1:5] == ["Edge", "4x", "NVIDIA-A100-SXM4-40GB", "82.0"]
    assert nodes["edge-1"][6] == "True"


def test_what_was_decided_is_told_in_events(services: Services) -> None:
    services.apply(a_service("plates", on="edge-1"))
    eventually(lambda: "Placed" in services.events("plates"), "an event tells of the placement")


def test_a_service_that_fits_nowhere_says_what_is_short_and_by_how_much(services: Services) -> None:
    services.apply(a_service("huge", workload=a_workload(resources={"cpu": 1000, "memory": "1Gi"}), on="edge-1"))
    told = services.await_condition("huge", "Placed", "False")
    assert "cpu" in told["message"].lower()
    assert "1000" in told["message"]
    assert "edge-1" in told["message"]
    assert services.condition("huge", "Ready")["status"] == "False"
    assert services.copies("huge") == []


def test_the_same_sample_applied_twice_changes_nothing(services: Services, kubectl: Kubectl) -> None:
    document = json.dumps(a_service("plates", **within(50), variants=accelerated(), on="edge-1"))
    apply = ("apply", "--server-side", "--namespace", services.namespace, "-f", "-")
    kubectl(*apply, stdin=document)
    services.await_ready("plates")
    before = _versions(services, "plates")
    kubectl(*apply, stdin=document)
    assert _versions(services, "plates") == before


def test_what_is_placed_and_what_waits_comes_to_rest(services: Services, audit: Audit) -> None:
    services.apply(a_service("plates", **within(50), variants=accelerated(), on="edge-1"))
    services.apply(a_service("huge", workload=a_workload(resources={"cpu": 1000}), on="edge-1"))
    services.await_ready("plates")
    # Longer than a ComputeNode takes to tell what is held of it
    eventually(lambda: _quiet(audit, 6.0), "the operator has nothing left to write", within_s=60)
    before, versions = audit.from_now(), _versions(services, "plates")
    time.sleep(15)
    assert [str(entry) for entry in before.writes()] == []
    assert _versions(services, "plates") == versions


def _quiet(audit: Audit, seconds: float) -> bool:
    before = audit.from_now()
    time.sleep(seconds)
    return not before.writes()


def _versions(services: Services, name: str) -> dict[str, str]:
    """Return the resourceVersions of an AIService and its children."""
    listed = [services.get(name), *services.copies(name), *services.children("services", name)]
    return {item["metadata"]["uid"]: item["metadata"]["resourceVersion"] for item in listed}


def test_a_deleted_service_leaves_nothing_and_its_room_goes_to_one_that_waits(services: Services) -> None:
    services.apply(a_service("first", variants=accelerated(), on="edge-2"))
    services.await_ready("first")
    services.apply(a_service("second", variants=accelerated(), on="edge-2"))
    told = services.await_condition("second", "Placed", "False")
    assert GPU in told["message"]
    services.delete("first")
    services.await_ready("second")
    eventually(
        lambda: not (services.copies("first") + services.children("services", "first")), "no child of the first is left"
    )


def test_a_namespace_with_services_can_be_deleted(services: Services, rest: Rest) -> None:
    services.apply(a_service("plates", on="edge-1"))
    services.apply(a_service("huge", workload=a_workload(resources={"cpu": 1000}), on="edge-1"))
    services.await_ready("plates")
    rest.delete("namespaces", services.namespace)
    eventually(lambda: rest.get("namespaces", services.namespace) is None, "the namespace is gone", 60)


def test_a_suspended_service_frees_its_room_keeps_its_address_and_resumes(services: Services) -> None:
    services.apply(a_service("plates", variants=accelerated(), on="edge-2"))
    services.await_ready("plates")
    services.patch("plates", {"suspend": True})
    services.await_condition("plates", "Ready", "False", "Suspended")
    eventually(lambda: not services.copies("plates"), "the copy is gone")
    assert len(services.children("services", "plates")) == 1
    services.apply(a_service("other", variants=accelerated(), on="edge-2"))
    services.await_ready("other")
    services.delete("other")
    services.patch("plates", {"suspend": False})
    services.await_ready("plates")
    assert services.node_of("plates") == "edge-2"


def test_a_service_without_a_demand_on_latency_starts_at_the_radio_site(services: Services) -> None:
    services.apply(a_service("anywhere"))
    services.await_ready("anywhere")
    assert services.node_of("anywhere") in ("ran-1", "ran-2")
