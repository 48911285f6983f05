"""The answer to one AIService in full: status, children and events, and their order."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from aif.api.aiservice import AIService
from aif.api.aiservice_status import AIServiceStatus
from aif.api.computenode import ComputeNode
from aif.domain.actions import Emit, WriteStatus
from aif.domain.cluster import ServiceView
from aif.errors import Denied, NameTaken, Rejected
from aif.reconcile.aiservice import fail, reconcile
from aif.reconcile.snapshot import Decision
from tests.builders import A100, CPU_32, NOON, a_compute_node, a_node, an_aiservice
from tests.reconcile.scenes import a_child, a_copys_pod, a_snapshot, a_view, changed, copy_of, said, settled

LATER = NOON + timedelta(hours=1)
CROWD = [a_compute_node(f"node-{number:03}", tier="Edge") for number in range(60)]


def status_of(decision: Decision) -> AIServiceStatus:
    """Return the status that the decision writes."""
    (write,) = [action for action in decision.actions if isinstance(action, WriteStatus)]
    return AIServiceStatus.model_validate(write.status)


def conditions(status: AIServiceStatus) -> dict[str, tuple[str, str]]:
    return {condition.type: (condition.status, condition.reason) for condition in status.conditions}


def test_a_new_placement_is_recorded_before_anything_is_made_from_it() -> None:
    steps = said(reconcile(an_aiservice(), a_snapshot(), NOON).actions)
    assert steps[0] == "status AIService plates"
    assert [step.rsplit(" ", 1)[0] for step in steps[1:]] == [
        "apply Deployment",
        "apply Service",
        "apply PodDisruptionBudget",
        "event",
    ]


def test_all_conditions_are_judged_for_the_present_generation() -> None:
    status = status_of(reconcile(an_aiservice(metadata={"generation": 4}), a_snapshot(), NOON))
    assert status.observed_generation == 4
    assert {condition.observed_generation for condition in status.conditions} == {4}
    assert {"Ready", "Accepted", "Placed", "WorkloadReady", "EndpointReady", "QoSMet", "MetricsAvailable"} <= set(
        conditions(status)
    )


def test_what_runs_as_decided_needs_nothing() -> None:
    service, world = settled(an_aiservice())
    decision = reconcile(service, world, LATER)
    assert decision.actions == ()
    assert decision.claims == world.claims
    assert not decision.waiting


def test_a_service_that_runs_is_ready() -> None:
    service, _ = settled(an_aiservice())
    told = conditions(service.status)
    assert told["Ready"] == ("True", "AsExpected")
    assert not {"Reconciling", "Stalled", "Migrating"} & set(told)


@pytest.mark.parametrize(
    ("pod", "reason"),
    [
        pytest.param({}, "Progressing", id="not ready yet"),
        pytest.param({"waiting": "ImagePullBackOff"}, "ImagePullFailed", id="no image"),
        pytest.param({"waiting": "CrashLoopBackOff"}, "CrashLooping", id="crashes"),
    ],
)
def test_a_pod_that_is_not_ready_says_why(pod: dict[str, Any], reason: str) -> None:
    service, _ = settled(an_aiservice(), pod={"ready": False, **pod})
    told = conditions(service.status)
    assert told["WorkloadReady"] == ("False", reason)
    assert told["Ready"][0] == "False"
    assert told["Reconciling"][0] == "True"


def test_an_obstacle_of_the_replica_set_is_told_with_its_words() -> None:
    service, world = settled(an_aiservice())
    (child,) = [c for c in world.view.children if c.copy]
    failure = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: small, requested: pods=1"}
    refused = a_child({**child.body, "status": {"conditions": [failure]}})
    view = ServiceView((refused, *(c for c in world.view.children if not c.copy)))
    status = status_of(reconcile(service, a_snapshot(claims=world.claims, view=view), NOON))
    assert conditions(status)["WorkloadReady"] == ("False", "QuotaExceeded")


def test_what_fits_nowhere_waits_and_is_told_once() -> None:
    service = an_aiservice(workload={"image": "plates:1", "resources": {"cpu": 999}})
    decision = reconcile(service, a_snapshot(), NOON)
    assert decision.waiting
    assert said(decision.actions)[0] == "status AIService plates"
    (event,) = [action for action in decision.actions if isinstance(action, Emit)]
    assert event.type == "Warning"
    told = service.model_copy(update={"status": status_of(decision)})
    assert reconcile(told, a_snapshot(), LATER).actions == ()


NEARLY_AS_HUGE = {"image": "plates:1", "resources": {"cpu": 998}}
HUGE = an_aiservice(workload={"image": "plates:1", "resources": {"cpu": 999}})


def waits(service: AIService, *rows: ComputeNode) -> AIService:
    """Return ``service`` with the status of its refusal among these nodes."""
    return service.model_copy(update={"status": status_of(reconcile(service, a_snapshot(*rows), NOON))})


def test_a_service_that_waits_as_before_is_not_written_for_other_figures() -> None:
    told = waits(HUGE, *CROWD[:2])
    assert reconcile(told, a_snapshot(*CROWD), LATER).actions == ()


@pytest.mark.parametrize(
    ("service", "rows"),
    [
        pytest.param(HUGE, [a_compute_node(devices=[CPU_32])], id="another reason"),
        pytest.param(changed(HUGE, workload=NEARLY_AS_HUGE), CROWD, id="another spec"),
        pytest.param(
            HUGE.model_copy(update={"spec": HUGE.spec.model_copy(update={"suspend": True})}), CROWD, id="a pause"
        ),
        pytest.param(HUGE, [a_compute_node(devices=[{**CPU_32, "count": 2000}, A100])], id="a place"),
    ],
)
def test_a_service_that_waits_is_written_when_it_is_another_wait(service: AIService, rows: list[ComputeNode]) -> None:
    told = waits(HUGE, *CROWD).status
    decision = reconcile(service.model_copy(update={"status": told}), a_snapshot(*rows), LATER)
    assert status_of(decision).conditions != told.conditions


def test_another_proposal_is_written_although_a_service_waits_for_approval_as_before() -> None:
    asked = an_aiservice(autonomy={"level": "Manual"})
    told = waits(asked, a_compute_node("gnb-7"))
    assert reconcile(told, a_snapshot(a_compute_node("gnb-7")), LATER).actions == ()
    status = status_of(reconcile(told, a_snapshot(a_compute_node("gnb-8")), LATER))
    assert status.plan is not None
    assert told.status.plan is not None
    assert (status.plan.node, told.status.plan.node) == ("gnb-8", "gnb-7")


def test_the_status_stays_small_among_many_nodes() -> None:
    status = status_of(reconcile(an_aiservice(), a_snapshot(*CROWD), NOON))
    assert len(status.candidates) == 5
    assert len(json.dumps(status.to_dict())) < 16 * 1024


def test_a_fault_stops_what_is_new_and_leaves_what_serves() -> None:
    old = an_aiservice()
    service, world = settled(old, changed_to=changed(old, ue={"attachedTo": "nowhere"}))
    decision = reconcile(service, world, LATER)
    told = conditions(status_of(decision))
    assert (told["Ready"], told["Placed"][0]) == (("False", "RefNotFound"), "True")
    assert told["Stalled"] == ("True", "RefNotFound")
    assert said(decision.actions) == ["status AIService plates", "event RefNotFound"]
    assert decision.claims == world.claims
    assert decision.waiting, "a node of that name may come"


def test_a_pause_removes_the_copies_releases_the_claim_and_is_told_once() -> None:
    old = an_aiservice()
    service, world = settled(old, changed_to=changed(old, suspend=True))
    decision = reconcile(service, world, LATER)
    assert decision.claims == ()
    assert [step.split("-")[0] for step in said(decision.actions)] == [
        "delete Deployment plates",
        "status AIService plates",
        "event Suspended",
    ]
    status = status_of(decision)
    assert conditions(status)["Ready"] == ("False", "Suspended")
    paused = service.model_copy(update={"status": status})
    assert [step for step in said(reconcile(paused, a_snapshot(), LATER).actions) if step.startswith("event")] == []


def test_a_service_that_is_being_deleted_is_left_to_garbage_collection() -> None:
    service = an_aiservice(metadata={"deletionTimestamp": "2030-01-01T11:59:00Z"})
    assert reconcile(service, a_snapshot(), NOON) == Decision()


def test_a_move_keeps_ready_and_says_that_it_goes_on() -> None:
    service, world = settled(an_aiservice(), pod={"ready": False})
    other = copy_of(an_aiservice(workload={"image": "plates:0"}))
    view = a_view(*world.view.children, other, pods=[*world.view.pods, a_copys_pod(other)])
    told = conditions(status_of(reconcile(service, a_snapshot(claims=world.claims, view=view), LATER)))
    assert told["Migrating"][0] == "True"
    assert told["Ready"][0] == "True"


def test_where_the_old_copy_goes_at_once_nothing_is_told_to_serve_on() -> None:
    service, world = settled(an_aiservice(), pod={"ready": False})
    other = copy_of(an_aiservice(workload={"image": "plates:0"}))
    view = a_view(*world.view.children, other, pods=[*world.view.pods, a_copys_pod(other, ready=False)])
    decision = reconcile(service, a_snapshot(claims=world.claims, view=view), LATER)
    assert f"delete Deployment {other.reference.name}" in said(decision.actions)
    assert decision.status is not None
    assert "Migrating" not in conditions(decision.status)


@pytest.mark.parametrize(
    ("error", "condition", "reason"),
    [
        pytest.param(NameTaken("Service shop/plates exists"), "Accepted", "NameConflict", id="a taken name"),
        pytest.param(Denied("exceeded quota: small"), "WorkloadReady", "QuotaExceeded", id="a quota"),
        pytest.param(Denied("policy no-latest says no"), "Accepted", "InvalidSpec", id="a policy"),
        pytest.param(Rejected("spec.x: Invalid value"), "Accepted", "InvalidSpec", id="an invalid value"),
    ],
)
def test_a_refused_child_becomes_a_condition(error: Rejected, condition: str, reason: str) -> None:
    service, world = settled(an_aiservice())
    status = status_of(fail(service, error, world, LATER))
    assert conditions(status)[condition] == ("False", reason)
    assert conditions(status)["Ready"] == ("False", reason)
    assert status.placements == service.status.placements


def test_a_namespace_that_goes_is_no_fault_of_the_service() -> None:
    service, world = settled(an_aiservice())
    decision = fail(service, Denied("namespace shop because it is being terminated"), world, LATER)
    assert decision.actions == ()


def test_a_failure_that_is_told_already_is_not_told_again() -> None:
    service, world = settled(an_aiservice())
    error = Denied("exceeded quota: small")
    told: AIService = service.model_copy(update={"status": status_of(fail(service, error, world, LATER))})
    assert fail(told, error, world, LATER).actions == ()


@pytest.mark.parametrize(
    ("ready", "answers", "reason", "note"),
    [
        pytest.param("True", True, "MoveStarted", "Move 1 from gnb-7 to gnb-8, because of NodeCordoned", id="a cordon"),
        pytest.param("Unknown", True, "Moving", "in place of the one on gnb-7, which serves no more", id="a loss"),
        pytest.param("True", False, "Moving", "in place of the one on gnb-7, which serves no more", id="a failed copy"),
    ],
)
def test_the_news_of_a_move_says_what_becomes_of_the_old_copy(
    ready: str, reason: str, note: str, *, answers: bool
) -> None:
    service, world = settled(an_aiservice(), a_compute_node("gnb-7"), pod={"ready": answers})
    gone = a_node("worker-gnb-7", ready=ready, ready_since=LATER - timedelta(hours=1), unschedulable=True)
    nodes = [gone, a_node("worker-gnb-8")]
    both = a_snapshot(*map(a_compute_node, ("gnb-7", "gnb-8")), nodes=nodes, view=world.view, claims=world.claims)
    (news,) = [action for action in reconcile(service, both, LATER).actions if isinstance(action, Emit)]
    assert news.reason == reason
    assert note in news.note
