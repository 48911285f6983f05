"""From a placement to children: what is made, restored, kept and removed, and in which order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from aif.api.aiservice import AIService
from aif.domain.actions import Apply, Delete
from aif.domain.cluster import Child, Pod
from aif.reconcile.children import disruption_budget, front, route
from aif.reconcile.copies import Json
from aif.reconcile.rollout import removal, rollout
from tests.builders import an_aiservice
from tests.reconcile.scenes import a_child, a_copys_pod, a_placement, a_snapshot, a_view, changed, copy_of, said

OLD = an_aiservice("plates")
NEW = changed(OLD, workload={"image": "plates:2", "resources": {"cpu": 2, "memory": "4Gi"}})
OLD_COPY, NEW_COPY = copy_of(OLD), copy_of(NEW)
FRONT = a_child(front(OLD))


def name_of(child: Child) -> str:
    return child.reference.name


def steps(service: AIService, *children: Child, pods: Iterable[Pod] = (), **placement: Any) -> list[str]:
    """Return in a few words what is done for ``service`` on its node beside a budget that is as it should be."""
    place = a_placement(service, **placement)
    budget = a_child(disruption_budget(service, place.replicas))
    return said(rollout(service, [place], a_snapshot(view=a_view(*children, budget, pods=pods))))


def budget_steps(budget: Child) -> list[str]:
    """Return in a few words what is done for a service of one replica that has ``budget``."""
    view = a_view(OLD_COPY, FRONT, budget, pods=[a_copys_pod(OLD_COPY)])
    return said(rollout(OLD, [a_placement(OLD)], a_snapshot(view=view)))


def tampered(child: Child, **fields: Any) -> Child:
    """Return ``child`` with fields of its spec as somebody else set them."""
    body = {**child.body, "spec": {**child.body["spec"], **fields}}
    return a_child(body)


def test_a_placement_makes_a_deployment_and_a_service() -> None:
    assert steps(OLD) == [f"apply Deployment {name_of(OLD_COPY)}", "apply Service plates"]


def test_what_is_as_it_should_be_is_left_alone() -> None:
    assert steps(OLD, OLD_COPY, FRONT) == []


def test_a_changed_pod_makes_a_new_copy_beside_the_one_that_serves() -> None:
    pods = [a_copys_pod(OLD_COPY)]
    assert steps(NEW, OLD_COPY, FRONT, pods=pods) == [f"apply Deployment {name_of(NEW_COPY)}"]


def test_the_old_copy_goes_once_the_new_one_is_ready() -> None:
    pods = [a_copys_pod(OLD_COPY), a_copys_pod(NEW_COPY)]
    assert steps(NEW, OLD_COPY, NEW_COPY, FRONT, pods=pods) == [
        f"delete Deployment {name_of(OLD_COPY)}",
        "event Retired",
    ]


@pytest.mark.parametrize(
    ("ready", "wanted"),
    [pytest.param(1, 2, id="one of two"), pytest.param(0, 1, id="none of one"), pytest.param(2, 3, id="two of three")],
)
def test_the_old_copy_stays_while_any_new_replica_is_missing(ready: int, wanted: int) -> None:
    new = copy_of(NEW, a_placement(NEW, replicas=wanted))
    pods = [a_copys_pod(OLD_COPY), *(a_copys_pod(new, uid=str(n)) for n in range(ready))]
    assert steps(NEW, OLD_COPY, new, FRONT, pods=pods, replicas=wanted) == []


def test_a_new_pod_that_terminates_does_not_let_the_old_copy_go() -> None:
    pods = [a_copys_pod(OLD_COPY), a_copys_pod(NEW_COPY, terminating=True)]
    assert steps(NEW, OLD_COPY, NEW_COPY, FRONT, pods=pods) == []


def test_an_old_copy_that_answers_nobody_goes_at_once() -> None:
    pods = [a_copys_pod(OLD_COPY, ready=False)]
    assert steps(NEW, OLD_COPY, NEW_COPY, FRONT, pods=pods) == [
        f"delete Deployment {name_of(OLD_COPY)}",
        "event Retired",
    ]


def test_a_service_scaled_to_nothing_keeps_no_old_copy() -> None:
    none = copy_of(NEW, a_placement(NEW, replicas=0))
    pods = [a_copys_pod(OLD_COPY)]
    assert steps(NEW, OLD_COPY, none, FRONT, pods=pods, replicas=0)[0] == f"delete Deployment {name_of(OLD_COPY)}"


def test_with_update_recreate_the_old_copy_goes_before_the_new_one_is_ready() -> None:
    service = changed(OLD, update="Recreate", workload={"image": "plates:2", "resources": {"cpu": 2, "memory": "4Gi"}})
    assert f"delete Deployment {name_of(OLD_COPY)}" in steps(service, OLD_COPY, FRONT, pods=[a_copys_pod(OLD_COPY)])


def test_a_changed_number_of_replicas_scales_the_copy_and_tells_of_no_repair() -> None:
    assert steps(OLD, OLD_COPY, FRONT, pods=[a_copys_pod(OLD_COPY)], replicas=3) == [
        f"apply Deployment {name_of(OLD_COPY)}"
    ]


def test_a_budget_that_follows_the_replicas_is_no_repair() -> None:
    assert budget_steps(a_child(disruption_budget(OLD, 3))) == ["apply PodDisruptionBudget plates"]


def test_a_budget_that_somebody_changed_is_restored_and_told() -> None:
    foreign = tampered(a_child(disruption_budget(OLD, 1)), selector={"matchLabels": {"app": "else"}})
    assert budget_steps(foreign) == ["apply PodDisruptionBudget plates", "event Repaired"]


@pytest.mark.parametrize(
    ("probe", "grace"),
    [
        pytest.param({"timeoutSeconds": 1}, {"terminationGracePeriodSeconds": 30}, id="as Kubernetes fills in"),
        pytest.param({"timeoutSeconds": 9}, {"terminationGracePeriodSeconds": 77}, id="as a release made it"),
    ],
)
def test_a_copy_of_an_earlier_release_keeps_the_times_that_it_was_made_with(probe: Json, grace: Json) -> None:
    pod = OLD_COPY.body["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    before = {**container, "readinessProbe": {**container["readinessProbe"], **probe}}
    spec = {**pod, **grace, "containers": [before]}
    old = tampered(OLD_COPY, template={**OLD_COPY.body["spec"]["template"], "spec": spec})
    assert steps(OLD, old, FRONT, pods=[a_copys_pod(OLD_COPY)]) == []


@pytest.mark.parametrize(
    "foreign",
    [
        pytest.param(tampered(OLD_COPY, selector={"matchLabels": {"app": "else"}}), id="another selector"),
        pytest.param(tampered(OLD_COPY, template={"metadata": {}, "spec": {"containers": []}}), id="no container"),
        pytest.param(tampered(OLD_COPY, replicas=0, revisionHistoryLimit=9), id="a field beside the replicas"),
    ],
)
def test_a_copy_that_somebody_changed_is_restored_and_told(foreign: Child) -> None:
    assert steps(OLD, foreign, FRONT) == [f"apply Deployment {name_of(OLD_COPY)}", "event Repaired"]


def test_a_service_that_somebody_changed_is_restored_and_told() -> None:
    assert steps(OLD, OLD_COPY, tampered(FRONT, selector={"app": "else"})) == ["apply Service plates", "event Repaired"]


def test_a_child_without_its_owner_is_applied_again() -> None:
    assert steps(OLD, a_child(OLD_COPY.body, owner_uid=""), FRONT) == [f"apply Deployment {name_of(OLD_COPY)}"]


def test_a_child_that_goes_already_is_made_again_and_not_deleted_twice() -> None:
    going = a_child(OLD_COPY.body, terminating=True)
    assert steps(OLD, going, FRONT) == [f"apply Deployment {name_of(OLD_COPY)}"]


def test_a_copy_of_an_earlier_service_of_the_same_name_is_not_ours_to_delete() -> None:
    foreign = a_child(NEW_COPY.body, owner_uid="uid-of-an-earlier-one")
    assert steps(OLD, OLD_COPY, foreign, FRONT, pods=[a_copys_pod(OLD_COPY)]) == []


def test_a_deletion_names_exactly_the_object_that_was_seen() -> None:
    snapshot = a_snapshot(view=a_view(OLD_COPY))
    (action,) = removal(OLD, snapshot.view)
    assert isinstance(action, Delete)
    assert (action.target.uid, action.resource_version) == (f"uid-{name_of(OLD_COPY)}", "7")


def test_a_pause_removes_the_copies_and_keeps_the_address() -> None:
    assert said(removal(OLD, a_view(OLD_COPY, FRONT))) == [f"delete Deployment {name_of(OLD_COPY)}"]


EXPOSED = an_aiservice("plates", expose={"gateway": {"name": "edge", "host": "plates.example.org"}})


def test_a_route_is_made_where_one_is_asked_for_and_served() -> None:
    snapshot = a_snapshot(routes_served=True)
    assert "apply HTTPRoute plates" in said(rollout(EXPOSED, [a_placement(EXPOSED)], snapshot))


def test_a_route_that_is_no_longer_asked_for_goes() -> None:
    gateway = EXPOSED.spec.expose.gateway
    assert gateway is not None
    assert "delete HTTPRoute plates" in steps(OLD, OLD_COPY, FRONT, a_child(route(OLD, gateway)))


def test_the_node_selector_asks_for_the_nodes_hostname_label() -> None:
    (deployment, *_) = rollout(OLD, [a_placement(OLD)], a_snapshot())
    assert isinstance(deployment, Apply)
    assert deployment.body["spec"]["template"]["spec"]["nodeSelector"] == {"kubernetes.io/hostname": "worker-gnb-7"}


def test_a_budget_keeps_a_drained_node_waiting_for_all_replicas() -> None:
    placements = [a_placement(OLD, replicas=2), a_placement(OLD, "gnb-8", replicas=1)]
    budgets = [
        action.body
        for action in rollout(OLD, placements, a_snapshot())
        if isinstance(action, Apply) and action.body["kind"] == "PodDisruptionBudget"
    ]
    assert [(budget["metadata"]["name"], budget["spec"]["minAvailable"]) for budget in budgets] == [("plates", 3)]


def test_each_placement_is_a_copy_of_its_own() -> None:
    placements = [a_placement(OLD, replicas=2), a_placement(OLD, "gnb-8", replicas=1)]
    copies = [step for step in said(rollout(OLD, placements, a_snapshot())) if "Deployment" in step]
    assert copies == [f"apply Deployment plates-{placement.copy_id}" for placement in placements]
