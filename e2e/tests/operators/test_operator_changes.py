"""A changed spec is planned anew; the copy that serves goes only when the next one answers."""

from __future__ import annotations

import time

import pytest
from kubectl import Kubectl
from network import GPU, a_service, a_workload, accelerated, within
from rest import Json, eventually
from services import Services, least_endpoints

pytestmark = pytest.mark.usefixtures("operator")


def images(copies: list[Json]) -> list[str]:
    return [copy["spec"]["template"]["spec"]["containers"][0]["image"] for copy in copies]


def test_a_new_image_comes_beside_the_old_copy_which_goes_when_it_is_ready(services: Services) -> None:
    services.apply(a_service("plates", on="edge-1"))
    services.await_ready("plates")
    with least_endpoints(services, "plates") as fewest:
        services.patch("plates", {"workload": {"image": "plates:2"}})
        eventually(lambda: images(services.copies("plates")) == ["plates:2"], "only the new copy is left")
        services.await_ready("plates")
    assert fewest[0] >= 1
    eventually(lambda: "Completed" in services.events("plates"), "the move is over")
    phases = ["MoveStarted", "TargetReady", "ContractVerified", "TrafficSwitched", "Completed"]
    assert [services.events("plates").count(each) for each in phases] == [1] * len(phases)
    (record,) = services.get("plates")["status"]["migrations"]
    assert (record["trigger"], record["result"], record["verifiedBy"]) == ("SpecChanged", "Completed", "Probe")


def test_a_copy_that_never_becomes_ready_leaves_the_old_one_serving(services: Services) -> None:
    services.apply(a_service("plates", on="edge-1"))
    services.await_ready("plates")
    # A claim that does not exist keeps the new pod from being scheduled.
    volume = {"name": "models", "mountPath": "/models", "claimName": "missing"}
    with least_endpoints(services, "plates") as fewest:
        services.patch("plates", {"workload": {"volumes": [volume]}})
        eventually(lambda: len(services.copies("plates")) == 2, "both copies are there")
        services.await_condition("plates", "Migrating", "True")
        time.sleep(3)
    assert fewest[0] >= 1
    assert services.condition("plates", "Ready")["status"] == "True", "a move keeps Ready"
    services.patch("plates", {"workload": {"volumes": []}})
    eventually(lambda: len(services.copies("plates")) == 1, "the spec that served before is served again")
    services.await_ready("plates")


def test_a_target_that_the_present_node_misses_moves_the_service(services: Services) -> None:
    service = a_service("plates", **within(100), variants=accelerated(), placement={"tiers": ["Cloud"]})
    services.apply(service)
    services.await_ready("plates")
    assert services.node_of("plates") == "cloud-1"
    with least_endpoints(services, "plates") as fewest:
        services.patch("plates", {"placement": {"tiers": ["Cloud", "Edge"]}, **within(30)})
        eventually(lambda: services.node_of("plates") in ("edge-1", "edge-2"), "it is placed nearer to its users")
        eventually(lambda: len(services.copies("plates")) == 1, "the far copy is gone")
    assert fewest[0] >= 1
    services.await_ready("plates")


def test_a_wider_contract_moves_nobody(services: Services) -> None:
    services.apply(a_service("plates", **within(30), variants=accelerated(), placement={"tiers": ["Edge"]}))
    services.await_ready("plates")
    before = services.copies("plates")[0]["metadata"]["uid"]
    services.patch("plates", {"placement": None, **within(100)})
    services.await_ready("plates")
    assert [copy["metadata"]["uid"] for copy in services.copies("plates")] == [before]


def test_a_change_that_nothing_satisfies_leaves_the_old_copy_and_says_what_is_short(services: Services) -> None:
    services.apply(a_service("plates", **within(30), variants=accelerated(), placement={"tiers": ["Edge"]}))
    services.await_ready("plates")
    with least_endpoints(services, "plates") as fewest:
        services.patch("plates", within(1))
        told = services.await_condition("plates", "Placed", "False")
        time.sleep(2)
    assert fewest[0] >= 1
    assert "serves on" in told["message"]
    assert "latency short by" in told["message"]
    services.patch("plates", within(30))
    services.await_condition("plates", "Placed", "True")


def test_a_full_node_says_that_it_has_no_room_beside_the_serving_copy(services: Services) -> None:
    services.apply(a_service("plates", variants=accelerated(), on="edge-2"))
    services.await_ready("plates")
    services.patch("plates", {"workload": {"image": "plates:2"}})
    told = services.await_condition("plates", "Placed", "False", "NoSurgeCapacity")
    assert GPU in told["message"]
    assert images(services.copies("plates")) == ["plates:1"]
    assert services.ready_endpoints("plates") == 1
    services.patch("plates", {"update": "Recreate"})
    eventually(lambda: images(services.copies("plates")) == ["plates:2"], "with Recreate the old copy goes first")
    services.await_ready("plates")


def test_kubectl_scale_changes_the_same_copy(services: Services, kubectl: Kubectl) -> None:
    services.apply(a_service("plates", on="edge-1"))
    services.await_ready("plates")
    (before,) = services.copies("plates")
    for replicas in (3, 1):
        kubectl("scale", "--namespace", services.namespace, f"--replicas={replicas}", "ais/plates")
        _await_replicas(services, replicas)
    (after,) = services.copies("plates")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


def _await_replicas(services: Services, replicas: int) -> None:
    eventually(lambda: services.ready_endpoints("plates") == replicas, f"{replicas} replicas answer")
    eventually(lambda: services.get("plates")["status"]["replicas"] == replicas, f"{replicas} replicas are reported")


def test_replicas_beyond_the_room_of_the_node_are_told_and_the_present_ones_serve(services: Services) -> None:
    services.apply(a_service("plates", variants=accelerated(), on="edge-2"))
    services.await_ready("plates")
    services.patch("plates", {"workload": {"replicas": 2}})
    told = services.await_condition("plates", "Degraded", "True")
    assert told["message"].startswith("1 of 2 replicas find no place")
    assert GPU in told["message"]
    services.await_condition("plates", "Placed", "True")
    assert services.ready_endpoints("plates") == 1


def test_many_changes_in_a_row_end_in_the_last_one(services: Services) -> None:
    services.apply(a_service("plates", on="edge-1"))
    services.await_ready("plates")
    with least_endpoints(services, "plates") as fewest:
        for number in range(2, 12):
            services.patch("plates", {"workload": a_workload(f"plates:{number}")})
            time.sleep(0.1)
        eventually(lambda: images(services.copies("plates")) == ["plates:11"], "only the last image is left")
    assert fewest[0] >= 1
    services.await_ready("plates")


def test_approval_holds_a_placement_until_it_is_given(services: Services, kubectl: Kubectl) -> None:
    services.apply(a_service("plates", on="edge-1", autonomy={"level": "Manual"}))
    services.await_condition("plates", "ApprovalRequired", "True")
    assert services.copies("plates") == []
    token = services.get("plates")["status"]["plan"]["token"]
    kubectl("annotate", "--namespace", services.namespace, "ais/plates", f"net4ai.io/approve={token}")
    services.await_ready("plates")
