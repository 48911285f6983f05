"""Nodes register themselves; a user's own ComputeNode is never written; only trusted and present nodes serve."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from audit import Audit
from network import A100, EXTERNAL, TIER_LABEL, a_compute_node, a_service, a_workload
from rest import Json, Rest, eventually, stays
from services import Services, condition

from cluster import nodes
from cluster.api import Cluster
from cluster.nodes import SimulatedNode
from cluster.parts import MANAGED_ANNOTATION

pytestmark = pytest.mark.usefixtures("operator")

PRODUCT = "NVIDIA-A100-SXM4-40GB"
TIER = {TIER_LABEL: "Edge"}


@pytest.fixture
def node(cluster: Cluster, rest: Rest) -> Iterator[str]:
    """A Node with accelerators that has not opted in; it and its ComputeNode go after the test."""
    name = "metro-1"
    labels = {"nvidia.com/gpu.product": PRODUCT}
    nodes.create(cluster, [SimulatedNode(name, labels=labels, resources={"nvidia.com/gpu": "2"})])
    yield name
    nodes.delete(cluster, [name])
    rest.delete("computenodes", name)
    eventually(lambda: rest.get("computenodes", name) is None, "its ComputeNode is gone")


def label(rest: Rest, node: str, labels: dict[str, str | None]) -> None:
    """Set or, by None, remove labels of a Node."""
    rest.patch("nodes", node, {"metadata": {"labels": labels}})


def await_registered(rest: Rest, name: str) -> Json:
    """Return the ComputeNode of that name once there is one."""
    return eventually(lambda: rest.get("computenodes", name), f"ComputeNode {name} is registered")


def await_verdict(rest: Rest, name: str, kind: str, status: str, reason: str) -> Json:
    """Return a condition of a ComputeNode once it says this."""

    def holds() -> Json:
        found = rest.get("computenodes", name)
        assert found is not None, f"there is no ComputeNode {name}"
        told = condition(found, kind)
        assert (told["status"], told["reason"]) == (status, reason), f"{kind} is {told}"
        return told

    return eventually(holds, f"ComputeNode {name} is {kind}={status} {reason}")


def test_a_node_with_a_tier_label_is_registered_with_what_it_has(rest: Rest, node: str) -> None:
    assert rest.get("computenodes", node) is None
    label(rest, node, dict(TIER))
    made = await_registered(rest, node)
    assert made["spec"]["tier"] == "Edge"
    assert made["spec"]["nodeName"] == node
    assert made["metadata"]["ownerReferences"][0]["kind"] == "Node"
    gpu = next(device for device in made["spec"]["capability"]["devices"] if device["type"] == "nvidia.com/gpu")
    assert (gpu["count"], gpu["model"]) == (2, PRODUCT)
    rates = {rate["precision"]: rate["flopsPerSecond"] for rate in gpu["peakFlops"]}
    assert rates["FP32"] == A100["peakFlops"][0]["flopsPerSecond"]
    await_verdict(rest, node, "Ready", "True", "AsExpected")


def test_a_registered_node_follows_its_node(rest: Rest, cluster: Cluster, node: str) -> None:
    label(rest, node, dict(TIER))
    await_registered(rest, node)
    label(rest, node, {TIER_LABEL: "Core"})
    eventually(lambda: await_registered(rest, node)["spec"]["tier"] == "Core", "the tier follows the label")
    nodes.set_resources(cluster, node, {"cpu": "16", "memory": "64Gi", "pods": "110", "nvidia.com/gpu": "1"})
    eventually(lambda: _gpus(await_registered(rest, node)) == 1, "the count follows allocatable")
    label(rest, node, {TIER_LABEL: None})
    eventually(lambda: rest.get("computenodes", node) is None, "without the label it is no ComputeNode")


def _gpus(document: Json) -> int:
    devices = document["spec"]["capability"]["devices"]
    return int(next((device["count"] for device in devices if device["type"] == "nvidia.com/gpu"), 0))


def test_a_wrong_tier_label_is_told_on_the_node_and_registers_nothing(rest: Rest, node: str) -> None:
    label(rest, node, {TIER_LABEL: "Basement"})

    def told() -> bool:
        listed = rest.list("events", "default")
        return any("Basement" in event["note"] for event in listed if event["regarding"]["name"] == node)

    eventually(told, "an event tells of the label")
    assert rest.get("computenodes", node) is None


def test_links_that_a_person_applies_to_a_registered_node_stay(rest: Rest, node: str) -> None:
    label(rest, node, dict(TIER))
    await_registered(rest, node)
    links = a_compute_node(node)["spec"]["links"]
    document = {"apiVersion": "net4ai.io/v1alpha1", "kind": "ComputeNode", "metadata": {"name": node}}
    rest.apply("computenodes", {**document, "spec": {"links": links}})
    label(rest, node, {TIER_LABEL: "Core"})
    eventually(lambda: await_registered(rest, node)["spec"]["tier"] == "Core", "the tier follows the label")
    assert await_registered(rest, node)["spec"]["links"][0]["to"] == "ue"


def test_who_removes_the_label_takes_a_registered_node_over(rest: Rest, node: str) -> None:
    label(rest, node, dict(TIER))
    await_registered(rest, node)
    rest.patch("computenodes", node, {"metadata": {"labels": {"net4ai.io/registered-by": None}}})
    rest.patch("computenodes", node, {"spec": {"tier": "Cloud"}})
    stays(lambda: await_registered(rest, node)["spec"]["tier"] == "Cloud", "the person's tier", 3)


def test_a_deleted_registered_node_is_registered_again(rest: Rest, node: str) -> None:
    label(rest, node, dict(TIER))
    before = await_registered(rest, node)["metadata"]["uid"]
    rest.delete("computenodes", node)
    eventually(lambda: await_registered(rest, node)["metadata"]["uid"] != before, "it is registered anew")


def test_a_users_own_compute_node_is_never_overwritten(rest: Rest, node: str, audit: Audit) -> None:
    mine = a_compute_node(node, tier="Cloud")
    stored = rest.apply("computenodes", mine)
    from_here = audit.from_now()
    label(rest, node, dict(TIER))
    await_verdict(rest, node, "Ready", "True", "AsExpected")
    live = await_registered(rest, node)
    assert (live["spec"], live["metadata"]["generation"]) == (stored["spec"], 1)
    wrote = {entry.kind for entry in from_here.writes() if entry.name == node}
    assert wrote <= {"computenodes/status.net4ai.io"}


@pytest.fixture
def rivals(rest: Rest) -> Iterator[tuple[str, str]]:
    """Two users' ComputeNodes for one Node, the older first; the younger comes first in the alphabet."""
    older, younger = "z-older", "a-younger"
    rest.apply("computenodes", a_compute_node(older, nodeName="spare-1"))
    await_verdict(rest, older, "Accepted", "True", "AsExpected")
    # Ages are told to the second: in the same one the name would decide.
    eventually(lambda: _is_past(rest, older), "a second goes by", 3)
    rest.apply("computenodes", a_compute_node(younger, nodeName="spare-1"))
    yield older, younger
    for name in (older, younger):
        rest.delete("computenodes", name)


def _is_past(rest: Rest, name: str) -> bool:
    probe = rest.send("POST", "/api/v1/namespaces/default/configmaps?dryRun=All", {"metadata": {"name": "now"}})
    found = rest.get("computenodes", name)
    assert found is not None
    return bool(probe["metadata"]["creationTimestamp"] > found["metadata"]["creationTimestamp"])


def test_of_two_for_one_node_the_younger_is_refused_until_the_older_goes(rest: Rest, rivals: tuple[str, str]) -> None:
    older, younger = rivals
    told = await_verdict(rest, younger, "Ready", "False", "NameConflict")
    assert older in told["message"]
    await_verdict(rest, older, "Ready", "True", "AsExpected")
    rest.delete("computenodes", older)
    await_verdict(rest, younger, "Ready", "True", "AsExpected")


def test_an_external_node_is_no_candidate_until_it_is_verified(rest: Rest, services: Services) -> None:
    await_verdict(rest, EXTERNAL, "Verified", "False", "VerificationPending")
    services.apply(a_service("plates", on=EXTERNAL))
    told = services.await_condition("plates", "Placed", "False")
    assert EXTERNAL in told["message"]
    assert services.get("plates")["status"].get("candidates", []) == []


def test_a_forged_verification_does_not_outlive_the_next_look(rest: Rest, services: Services) -> None:
    found = rest.get("computenodes", EXTERNAL)
    assert found is not None
    forged = [{**c, "status": "True"} if c["type"] == "Verified" else c for c in found["status"]["conditions"]]
    rest.patch("computenodes", EXTERNAL, {"status": {"conditions": forged}}, part="status")
    await_verdict(rest, EXTERNAL, "Verified", "False", "VerificationPending")
    services.apply(a_service("plates", on=EXTERNAL))
    services.await_condition("plates", "Placed", "False")


def test_a_cordoned_node_takes_nobody_until_it_is_free_again(rest: Rest, services: Services) -> None:
    rest.patch("nodes", "core-1", {"spec": {"unschedulable": True}})
    try:
        await_verdict(rest, "core-1", "Schedulable", "False", "NodeCordoned")
        services.apply(a_service("plates", on="core-1"))
        assert "core-1" in services.await_condition("plates", "Placed", "False")["message"]
    finally:
        rest.patch("nodes", "core-1", {"spec": {"unschedulable": None}})
    services.await_ready("plates")


def test_what_services_hold_of_a_node_is_reported(rest: Rest, services: Services) -> None:
    core = a_workload(resources={"cpu": 1, "memory": "64Mi"})
    services.apply(a_service("plates", load={"requestsPerSecond": 2}, workload=core, on="core-1"))
    services.apply(a_service("huge", load={"requestsPerSecond": 2000}, workload=core, on="core-1"))
    services.await_ready("plates")

    def held() -> Json:
        found = rest.get("computenodes", "core-1")
        return dict(found["status"]["reserved"]) if found else {}

    eventually(lambda: (held()["services"], held()["flopsPerSecond"]) == (1, "62G"), "what one service holds")
    services.delete("plates")
    eventually(lambda: (held()["services"], held()["flopsPerSecond"]) == (0, "0"), "nothing is held")


def test_a_service_leaves_a_compute_node_that_was_deleted(rest: Rest, services: Services) -> None:
    rest.apply("computenodes", a_compute_node("temporary", nodeName="spare-2"))
    services.apply(a_service("plates", on="spare-2"))
    services.await_ready("plates")
    rest.delete("computenodes", "temporary")
    told = services.await_condition("plates", "Placed", "False")
    assert told["message"]
    rest.apply("computenodes", a_compute_node("temporary", nodeName="spare-2"))
    services.await_ready("plates")
    rest.delete("computenodes", "temporary")


def test_a_compute_node_without_its_node_says_so(rest: Rest) -> None:
    rest.apply("computenodes", a_compute_node("nowhere"))
    told = await_verdict(rest, "nowhere", "Ready", "False", "NodeNotJoined")
    assert "nowhere" in told["message"]
    rest.delete("computenodes", "nowhere")


@pytest.fixture
def broken(cluster: Cluster, rest: Rest) -> Iterator[str]:
    """A Node with a ComputeNode; a test may break it."""
    name = "fragile-1"
    nodes.create(cluster, [SimulatedNode(name)])
    rest.apply("computenodes", a_compute_node(name))
    yield name
    rest.delete("computenodes", name)
    nodes.delete(cluster, [name])


def test_a_node_that_is_not_ready_is_told_and_nothing_is_torn_down(rest: Rest, services: Services, broken: str) -> None:
    services.apply(a_service("plates", on=broken))
    services.await_ready("plates")
    # Without its mark the node is no longer simulated: nobody makes it ready again.
    rest.patch("nodes", broken, {"metadata": {"annotations": {MANAGED_ANNOTATION: None}}})
    conditions = [{"type": "Ready", "status": "False", "reason": "KubeletNotReady"}]
    rest.patch("nodes", broken, {"status": {"conditions": conditions}}, part="status")
    await_verdict(rest, broken, "Ready", "False", "NodeNotReady")
    services.apply(a_service("late", on=broken))
    assert broken in services.await_condition("late", "Placed", "False")["message"]
    assert len(services.copies("plates")) == 1
    assert services.node_of("plates") == broken
