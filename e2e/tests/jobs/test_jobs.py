"""Training jobs on simulated nodes: every mode comes up, and a job lives through what may happen to it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from network import a_service
from rest import Json, eventually
from services import Services
from status_page import Page, serving
from training_jobs import MODES, TrainingJobs, a_training_job

from cluster import nodes
from cluster.api import Cluster


@pytest.fixture
def page() -> Iterator[Page]:
    """The status page of a job."""
    with serving() as page:
        yield page


@pytest.mark.usefixtures("operator")
def test_every_mode_comes_up_with_all_its_roles(jobs: TrainingJobs) -> None:
    own: Json = {"model": {"entryPoint": "own_model:made"}, "data": {"source": "Own"}, "tls": "None"}
    for mode in MODES:
        jobs.apply(a_training_job(mode.lower(), mode))
    jobs.apply(a_training_job("own", **own))
    jobs.apply(a_training_job("workers", "Centralized", workers=3, tls="None"))
    for name in (*map(str.lower, MODES), "own", "workers"):
        _comes_up(jobs, name)
    _leads_to_the_first(jobs, "workers", 3)
    listed = jobs.rest.list("secrets", jobs.namespace)
    assert len(listed) == 3, "certificates where roles talk to one another"
    assert len({tuple(sorted(one["data"])) for one in listed}) >= 2


def _leads_to_the_first(jobs: TrainingJobs, name: str, count: int) -> None:
    """Look at the pods of several workers: each has a number, and the Service leads to the first."""
    pods = jobs.pods(name)
    numbers = {pod["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"]: pod for pod in pods}
    assert set(numbers) == {str(number) for number in range(count)}
    first = numbers["0"]["metadata"]["name"]
    address = jobs.children("services", name)["trainer"]["spec"]["clusterIP"]
    for pod in pods:
        assert pod["spec"]["hostAliases"] == [{"ip": address, "hostnames": [f"{name}-trainer"]}]

    def led_to() -> list[str]:
        found = jobs.rest.list("endpointslices", jobs.namespace, **{"kubernetes.io/service-name": f"{name}-trainer"})
        return [end["targetRef"]["name"] for part in found for end in part.get("endpoints") or ()]

    eventually(lambda: led_to() == [first], f"the Service leads to {first}")


def _comes_up(jobs: TrainingJobs, name: str) -> None:
    jobs.await_condition(name, "Placed", "True", "AsExpected")
    placements = jobs.get(name)["status"]["placements"]
    roles, wanted = {each["role"] for each in placements}, sum(each["pods"] for each in placements)
    eventually(lambda: set(jobs.children("jobs", name)) == roles, f"the Jobs of {name}")
    assert set(jobs.children("configmaps", name)) == set(jobs.children("networkpolicies", name)) == roles
    for held in jobs.children("configmaps", name).values():
        assert json.loads(held["data"]["role.json"])["job"] == name

    def running() -> list[Json]:
        pods = [pod for pod in jobs.pods(name) if pod.get("status", {}).get("phase") == "Running"]
        return pods if len(pods) == wanted else []

    for pod in eventually(running, f"the pods of {name} run", 60):
        placed = jobs.nodes(name, pod["metadata"]["labels"]["net4ai.io/role"])
        assert pod["spec"]["nodeName"] in placed, "the scheduler of the cluster binds it where it was decided"


@pytest.mark.usefixtures("operator")
def test_a_job_lives_through_what_may_happen_to_it(jobs: TrainingJobs, page: Page, cluster: Cluster) -> None:
    jobs.apply(a_training_job("digits", quorum={"minClients": 2}))
    jobs.await_condition("digits", "QuorumReady", "True")

    page.says("Training", round=1, clients={"live": 3, "answered": 3}, accuracyBasisPoints=8000)
    page.lead(jobs.rest, jobs.namespace, "digits")
    jobs.await_condition("digits", "Training", "True", "AsExpected")
    jobs.await_condition("digits", "Ready", "True")

    page.says("Training", round=2, clients={"live": 2}, excluded={"client-1": "its numbers are not finite"})
    jobs.await_condition("digits", "Degraded", "True", "ClientLost")
    page.says("Paused", round=2, reason="QuorumNotReached", message="1 of 2 clients", clients={"live": 1})
    jobs.await_condition("digits", "QuorumReady", "False", "QuorumNotReached")
    page.says("Training", round=3, clients={"live": 3}, accuracyBasisPoints=8500)
    jobs.await_condition("digits", "Ready", "True")

    (lost,) = jobs.nodes("digits", "aggregator")
    nodes.stop_heartbeat(cluster, lost)
    try:
        nodes.await_ready(cluster, [lost], ready=False)
        eventually(lambda: lost not in jobs.nodes("digits", "aggregator"), "the aggregator leaves the lost node")
    finally:
        nodes.resume_heartbeat(cluster, lost)
        nodes.await_ready(cluster, [lost])
    page.lead(jobs.rest, jobs.namespace, "digits")
    jobs.await_condition("digits", "Ready", "True")

    jobs.suspend("digits", suspended=True)
    jobs.await_condition("digits", "Suspended", "True", "Suspended")
    eventually(lambda: not jobs.pods("digits"), "the pods of a suspended job are gone")
    assert jobs.get("digits")["status"]["progress"]["round"] >= 1, "what was done is not forgotten"
    jobs.suspend("digits", suspended=False)
    page.lead(jobs.rest, jobs.namespace, "digits")
    jobs.await_condition("digits", "Ready", "True")
    assert jobs.get("digits")["status"]["run"] == 2

    page.says("Complete", round=20, accuracyBasisPoints=9500, digest="sha256:ab", bestRound=19)
    jobs.await_condition("digits", "Complete", "True", "RoundsReached")
    assert jobs.get("digits")["status"]["result"]["digest"] == "sha256:ab"
    eventually(lambda: not jobs.pods("digits"), "what still ran is taken away")
    eventually(lambda: {"Placed", "Training", "Suspended", "RoundsReached"} <= set(jobs.events("digits")), "events")


@pytest.mark.usefixtures("operator")
def test_a_job_that_diverges_has_failed_and_one_whose_time_is_over_is_deleted(jobs: TrainingJobs, page: Page) -> None:
    jobs.apply(a_training_job("short", tls="None", ttlSecondsAfterFinished=3))
    page.says("Failed", reason="Diverged", message="the loss of round 3 is not finite", round=3)
    page.lead(jobs.rest, jobs.namespace, "short")
    jobs.await_condition("short", "Failed", "True", "Diverged")
    eventually(lambda: jobs.rest.get("trainingjobs", "short", jobs.namespace) is None, "it is deleted")


@pytest.mark.usefixtures("operator")
def test_a_deadline_ends_a_job_and_bad_input_names_its_field(jobs: TrainingJobs) -> None:
    jobs.apply(a_training_job("late", stop={"deadlineSeconds": 3}))
    jobs.apply(a_training_job("wrong", model={"name": "mlp-99"}))
    jobs.apply(a_training_job("huge", clients=1000))
    jobs.apply(a_training_job("signed", tls="CertManager", issuerRef={"name": "training"}))
    assert "spec.model.name" in jobs.await_condition("wrong", "Accepted", "False", "InvalidSpec")["message"]
    assert "install cert-manager" in jobs.await_condition("signed", "Accepted", "False", "RefNotFound")["message"]
    jobs.await_condition("huge", "Placed", "False")
    assert jobs.pods("huge") == [], "nothing is held for a part of a job"
    jobs.await_condition("late", "Failed", "True", "DeadlineExceeded")


@pytest.mark.usefixtures("operator")
def test_a_job_starts_after_another_on_an_event_and_with_approval_and_its_model_is_judged(
    jobs: TrainingJobs, page: Page
) -> None:
    asked = {"start": {"after": ["first"], "event": "new-data"}, "validation": {"minAccuracyBasisPoints": 9000}}
    autonomy = {"level": "Partial", "approvalSteps": ["Place"]}
    jobs.apply(a_training_job("second", "Centralized", autonomy=autonomy, **asked))
    jobs.apply(a_training_job("ring-a", start={"after": ["ring-b"]}))
    jobs.apply(a_training_job("ring-b", start={"after": ["ring-a"]}))
    _waits_for(jobs, "second", "the TrainingJob first, which is not there")
    assert "ring-b after ring-a" in jobs.await_condition("ring-b", "Accepted", "False", "InvalidSpec")["message"]

    jobs.apply(a_training_job("first", tls="None"))
    _waits_for(jobs, "second", "the TrainingJob first to be Complete")
    page.says("Complete", round=20, accuracyBasisPoints=9500, digest="sha256:ab", bestRound=19)
    page.lead(jobs.rest, jobs.namespace, "first")
    jobs.await_condition("first", "Complete", "True")
    _waits_for(jobs, "second", "the event new-data")
    jobs.annotate("second", event="new-data")

    jobs.await_condition("second", "ApprovalRequired", "True", "AwaitingApproval")
    plan = jobs.get("second")["status"]["plan"]
    assert [each["role"] for each in plan["placements"]] == ["trainer"]
    assert jobs.pods("second") == [], "nothing runs before a person has agreed"
    jobs.annotate("second", approve=plan["token"])
    jobs.await_condition("second", "Placed", "True")
    assert jobs.nodes("second", "trainer") == {plan["placements"][0]["node"]}

    told = "validate: an accuracy of 0.8000, 0.9000 is needed"
    page.says("Failed", reason="ValidationFailed", message=told, tasks={"train": "Done", "validate": "Failed"})
    page.lead(jobs.rest, jobs.namespace, "second", "trainer")
    assert jobs.await_condition("second", "Failed", "True", "ValidationFailed")["message"] == told
    assert "result" not in jobs.get("second")["status"]
    assert {"WaitingForStart", "AwaitingApproval", "ValidationFailed"} <= set(jobs.events("second"))


def _waits_for(jobs: TrainingJobs, name: str, what: str) -> None:
    def told() -> bool:
        return what in jobs.await_condition(name, "Placed", "False", "WaitingForStart")["message"]

    eventually(told, f"{name} waits for {what}")


@pytest.mark.usefixtures("operator")
def test_a_job_makes_way_for_a_service_and_never_the_other_way_round(jobs: TrainingJobs, services: Services) -> None:
    node = {"nodeSelector": {"kubernetes.io/hostname": "ran-2"}}
    most = {"cpu": 20, "memory": "1Gi"}
    jobs.apply(
        a_training_job("big", "Centralized", placement={"servers": node}, workload={"image": "x", "resources": most})
    )
    jobs.await_condition("big", "Placed", "True")
    eventually(lambda: len(jobs.pods("big")) == 1, "it runs")
    services.apply(a_service("plates", on="ran-2", workload={"image": "plates:1", "resources": most}))
    services.await_ready("plates", within_s=60)
    jobs.await_condition("big", "Suspended", "True", "Preempted")
