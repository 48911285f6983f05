"""A simulation decides as the operator does: same reconciliation, one ledger, services in their order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.builders import CPU_32, CPU_VARIANT, a_compute_node, an_aiservice
from tests.cli.conftest import DEMO, SAMPLES, Aif

GOLDEN = Path(__file__).parents[1] / "golden"

Json = dict[str, Any]


def a_service(name: str = "plates", **changes: Any) -> Json:
    body = an_aiservice(name, **changes).to_dict()
    return {"apiVersion": "net4ai.io/v1alpha1", "kind": "AIService", "metadata": {"name": name}, "spec": body["spec"]}


def a_radio_site(name: str = "gnb-7", **changes: Any) -> Json:
    body = a_compute_node(name, **changes).to_dict()
    metadata = {"name": name, "creationTimestamp": "2030-01-01T00:00:00Z"}
    return {"apiVersion": "net4ai.io/v1alpha1", "kind": "ComputeNode", "metadata": metadata, "spec": body["spec"]}


def a_kubernetes_node(name: str, labels: dict[str, str] | None = None, **status: Any) -> Json:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels or {}}, "status": status}


def text_of(*objects: Json) -> str:
    return yaml.safe_dump_all(objects)


def simulated(aif: Aif, *objects: Json) -> list[Json]:
    done = aif("simulate", "-f", "-", "-o", "json", stdin=text_of(*objects))
    assert done.status == 0, done.err
    services: list[Json] = json.loads(done.out)["services"]
    return services


def test_the_demo_is_decided_as_it_was_reviewed(aif: Aif) -> None:
    """Write the file anew by ``aif simulate -f manifests/samples/network.yaml -f .../services.yaml -o json``."""
    done = aif("simulate", *DEMO, "-o", "json")
    assert done.status == 0, done.err
    assert json.loads(done.out) == json.loads((GOLDEN / "simulate.json").read_text(encoding="utf-8"))


def test_the_same_files_give_the_same_result(aif: Aif) -> None:
    assert aif("simulate", *DEMO, "-o", "yaml").out == aif("simulate", *DEMO, "-o", "yaml").out


def test_yaml_and_json_say_the_same(aif: Aif) -> None:
    assert yaml.safe_load(aif("simulate", *DEMO, "-o", "yaml").out) == json.loads(
        aif("simulate", *DEMO, "-o", "json").out
    )


def test_the_table_shows_every_service_and_why_one_is_nowhere(aif: Aif) -> None:
    shown = aif("simulate", *DEMO).out
    headings, roadside, *_ = shown.splitlines()
    assert headings.split() == ["SERVICE", "TYPE", "NODE", "TIER", "VARIANT", "SCORE", "PREDICTED", "TARGET", "WHY"]
    assert roadside.split()[:4] == ["roadside", "Inference", "gnb-1", "RAN"]
    assert "tactile: No node of 7 fits" in shown
    assert "latency short by" in shown
    assert "6 of 8 services placed" in shown


def test_a_narrow_screen_leaves_the_last_column_out(aif: Aif, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = aif("simulate", *DEMO).out
    assert "WHY" not in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_there_are_no_colours_without_a_terminal(aif: Aif) -> None:
    assert "\x1b" not in aif("simulate", *DEMO).out + aif("explain", "roadside", *DEMO).out + aif("nodes", *DEMO).out


def test_every_sample_of_a_service_is_valid(aif: Aif) -> None:
    assert aif("simulate", str(SAMPLES)).status == 0


def test_an_unplaced_service_is_a_result_and_no_error(aif: Aif) -> None:
    (service,) = simulated(aif, a_service())
    assert not service["placed"]
    assert aif("simulate", "-f", "-", stdin=text_of(a_service())).status == 0


def test_strict_asks_for_a_place_for_every_service(aif: Aif) -> None:
    alone, both = text_of(a_service()), text_of(a_service(), a_radio_site())
    assert aif("simulate", "--strict", "-f", "-", stdin=alone).status == 3
    assert aif("simulate", "--strict", "-f", "-", stdin=both).status == 0


def test_strict_is_content_with_a_suspended_service(aif: Aif) -> None:
    assert aif("simulate", "--strict", "-f", "-", stdin=text_of(a_service(suspend=True))).status == 0


def test_services_share_one_ledger_in_the_order_of_the_files(aif: Aif) -> None:
    first, second = simulated(aif, a_service("first"), a_service("second"), a_radio_site())
    assert (first["placed"], second["placed"]) == (True, False)
    assert second["reason"] == "CapacityReserved"
    second, first = simulated(aif, a_service("second"), a_service("first"), a_radio_site())
    assert (second["placed"], first["placed"]) == (True, False)


def test_a_compute_node_without_its_node_gets_one_that_is_ready(aif: Aif) -> None:
    (service,) = simulated(aif, a_service(), a_radio_site())
    assert [placement["nodeName"] for placement in service["placements"]] == ["worker-gnb-7"]


def test_the_node_that_is_given_counts_and_no_simulated_one(aif: Aif) -> None:
    not_ready = [{"type": "Ready", "status": "False"}]
    node = a_kubernetes_node("worker-gnb-7", allocatable={"cpu": "32"}, conditions=not_ready)
    (service,) = simulated(aif, a_service(), a_radio_site(), node)
    assert service["reason"] == "NodeNotReady"


def test_pods_that_are_given_take_their_share(aif: Aif) -> None:
    requests = {"cpu": "1", "nvidia.com/gpu": "1"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "other", "namespace": "default"},
        "spec": {"nodeName": "worker-gnb-7", "containers": [{"name": "c", "resources": {"requests": requests}}]},
    }
    (service,) = simulated(aif, a_service(), a_radio_site(), pod)
    assert service["reason"] == "CapacityReserved"


def test_an_unverified_external_node_is_no_candidate(aif: Aif) -> None:
    external = a_radio_site("far", origin="External", provider={"name": "partner"})
    (service,) = simulated(aif, a_service(), external)
    assert service["reason"] == "VerificationPending"


def test_a_labelled_node_registers_itself(aif: Aif) -> None:
    label = {"net4ai.node-restriction.kubernetes.io/tier": "Edge"}
    node = a_kubernetes_node("metro", label, allocatable={"cpu": "32", "memory": "128Gi", "pods": "110"})
    service = a_service(model={"name": "any"}, load=None, qos=None, variants=[CPU_VARIANT])
    (placed,) = simulated(aif, service, node)
    assert [(one["node"], one["tier"]) for one in placed["placements"]] == [("metro", "Edge")]


def test_a_label_that_names_no_tier_is_noted(aif: Aif) -> None:
    node = a_kubernetes_node("metro", {"net4ai.node-restriction.kubernetes.io/tier": "Rim"}, allocatable={"cpu": "1"})
    done = aif("simulate", "-f", "-", "-o", "json", stdin=text_of(node))
    (note,) = json.loads(done.out)["notes"]
    assert note.startswith("Node metro: ")
    assert "'Rim'" in note


def test_what_was_decided_elsewhere_does_not_count(aif: Aif) -> None:
    elsewhere = [
        {"node": "gone", "nodeName": "gone", "tier": "RAN", "variant": "gpu", "replicas": 1, "score": 1, "copy": "c"}
    ]
    (service,) = simulated(aif, a_service() | {"status": {"placements": elsewhere}}, a_radio_site())
    assert [placement["node"] for placement in service["placements"]] == ["gnb-7"]


def test_the_policy_is_that_of_the_environment(aif: Aif, monkeypatch: pytest.MonkeyPatch) -> None:
    near, far = a_radio_site(), a_radio_site("metro", tier="Edge", price=None, devices=[CPU_32])
    service = a_service(
        variants=[CPU_VARIANT], load={"requestsPerSecond": 1}, qos={"latency": {"maxP99Microseconds": 500_000}}
    )
    (by_default,) = simulated(aif, service, near, far)
    assert by_default["placements"][0]["node"] == "gnb-7"
    monkeypatch.setenv("AIF_LADDER", "Edge;RAN")
    (by_policy,) = simulated(aif, service, near, far)
    assert by_policy["placements"][0]["node"] == "metro"


def test_objects_of_other_kinds_are_left_aside_and_counted(aif: Aif) -> None:
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    done = aif("simulate", "-f", "-", stdin=text_of(other, other | {"metadata": {"name": "b"}}))
    assert (done.status, done.err) == (0, "note: 2 of kind ConfigMap left aside\n")


@pytest.mark.parametrize(
    ("objects", "complaint"),
    [
        pytest.param(
            [a_service() | {"kind": "AiService"}],
            "stdin, document 1 (AiService plates): kind: there is no AiService in net4ai.io",
            id="a misspelt kind",
        ),
        pytest.param([{"metadata": {"name": "x"}}], "stdin, document 1 (no kind x): kind: is required", id="no kind"),
        pytest.param(
            [a_service(), a_service()],
            "stdin, document 2 (AIService plates): metadata.name: stands already in stdin, document 1",
            id="a name twice",
        ),
        pytest.param(
            [a_kubernetes_node("n", allocatable={"cpu": "1"}) | {"spec": {"taints": [{}]}}],
            "stdin, document 1 (Node n): cannot be read as a Node (KeyError: 'key')",
            id="a node that cannot be read",
        ),
        pytest.param(
            [{"apiVersion": "v1", "kind": "Node", "metadata": {}}],
            "stdin, document 1 (Node): metadata.name: is required",
            id="a node without a name",
        ),
    ],
)
def test_faulty_objects_are_told_by_document_and_field(aif: Aif, objects: list[Json], complaint: str) -> None:
    done = aif("simulate", "-f", "-", stdin=text_of(*objects))
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"error: {complaint}")
    assert len(done.err.splitlines()) == 1


def test_each_fault_is_a_line(aif: Aif) -> None:
    broken = a_service()
    broken["spec"] |= {"serviceType": "?", "suspend": "no"}
    done = aif("simulate", "-f", "-", stdin=text_of(broken))
    assert [line.split(": ")[2] for line in done.err.splitlines()] == ["spec.serviceType", "spec.suspend"]


def test_equal_names_in_two_namespaces_are_two_services(aif: Aif) -> None:
    elsewhere = a_service()
    elsewhere["metadata"]["namespace"] = "other"
    assert [one["namespace"] for one in simulated(aif, a_service(), elsewhere)] == ["default", "other"]
