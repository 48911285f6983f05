"""A simulation places training jobs behind the services, as the operator does, and holds what they hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.cli.conftest import SAMPLES, Aif

Json = dict[str, Any]

NETWORK = SAMPLES / "network.yaml"

DONE = {"type": "Complete", "status": "True", "reason": "RoundsReached", "lastTransitionTime": "2030-01-01T12:00:00Z"}


def a_job(name: str = "digits", mode: str = "Federated", status: Json | None = None, **spec: Any) -> Json:
    """Return a manifest."""
    told: Json = {
        "mode": mode,
        "model": {"name": "mlp-3"},
        "data": {"source": "Digits"},
        "workload": {"image": "learner:1", "resources": {"cpu": 1, "memory": "1Gi"}},
        "output": {"claimName": "models"},
    }
    more = {"clients": 3} if mode == "Federated" else {}
    head = {"apiVersion": "net4ai.io/v1alpha1", "kind": "TrainingJob", "metadata": {"name": name}}
    return {**head, "spec": told | more | spec, "status": status or {}}


def simulated(aif: Aif, *objects: Json, command: str = "simulate") -> Json:
    """Return what a simulation over the network of the samples says of objects."""
    done = aif(command, "-f", str(NETWORK), "-f", "-", "-o", "json", stdin=yaml.safe_dump_all(objects))
    assert done.status == 0, done.err
    found: Json = json.loads(done.out)
    return found


def the_job(aif: Aif, *objects: Json) -> Json:
    """Return what becomes of the last job."""
    found: Json = simulated(aif, *objects)["jobs"][-1]
    return found


def test_every_role_finds_its_place(aif: Aif) -> None:
    found = the_job(aif, a_job())
    assert found["placed"]
    assert {each["role"] for each in found["placements"]} == {"aggregator", "evaluator", "client"}
    assert sum(each["pods"] for each in found["placements"]) == 5


def test_jobs_stand_in_a_table_of_their_own(aif: Aif) -> None:
    text = aif("simulate", "-f", str(NETWORK), "-f", "-", stdin=yaml.safe_dump(a_job())).out
    assert text.splitlines()[0].split() == ["JOB", "MODE", "ROLE", "PODS", "NODES", "VARIANT", "SCORE"]
    assert "1 of 1 training job placed; 7 nodes" in text


def test_what_one_job_holds_is_not_there_for_the_next(aif: Aif) -> None:
    big = {"workload": {"image": "learner:1", "resources": {"cpu": 100, "memory": "1Gi"}}}
    found = simulated(aif, a_job("first", "Centralized", **big), a_job("second", "Centralized", **big))
    first, second = found["jobs"]
    assert (first["placed"], second["placed"], second["reason"]) == (True, False, "NoCandidateNode")
    assert found["unplacedJobs"] == ["default/second"]


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        pytest.param([], "WaitingForStart", id="not there"),
        pytest.param([a_job("first", "Centralized")], "WaitingForStart", id="yet to run"),
        pytest.param([a_job("first", "Centralized", {"conditions": [DONE]})], "AsExpected", id="complete"),
    ],
)
def test_a_job_after_another_is_placed_once_that_is_complete(aif: Aif, first: list[Json], reason: str) -> None:
    found = the_job(aif, *first, a_job(start={"after": ["first"]}))
    assert (found["placed"], found["reason"]) == (reason == "AsExpected", reason)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        pytest.param({"autonomy": {"level": "Manual"}}, "AwaitingApproval", id="approval"),
        pytest.param({"suspend": True}, "Suspended", id="suspended"),
        pytest.param({"model": {"name": "mlp-99"}}, "InvalidSpec", id="fault"),
        pytest.param({"qos": {"transfer": {"maxBytes": 1}}}, "TransferInfeasible", id="promise"),
        pytest.param({"managedBy": "kueue.x-k8s.io/multikueue"}, "managed by kueue.x-k8s.io/multikueue", id="other"),
    ],
)
def test_why_a_job_is_nowhere_is_told(aif: Aif, spec: Json, reason: str) -> None:
    found = the_job(aif, a_job(**spec))
    assert (found["placed"], found["reason"]) == (False, reason)


@pytest.mark.parametrize(
    ("spec", "status"),
    [
        pytest.param({}, 0, id="placed"),
        pytest.param({"start": {"event": "new-data"}}, 0, id="waits"),
        pytest.param({"tls": "CertManager", "issuerRef": {"name": "lab"}}, 0, id="signed"),
        pytest.param({"clients": 1000}, 3, id="no room"),
    ],
)
def test_a_strict_simulation_fails_for_a_job_without_a_place(aif: Aif, spec: Json, status: int) -> None:
    done = aif("simulate", "--strict", "-f", str(NETWORK), "-f", "-", stdin=yaml.safe_dump(a_job(**spec)))
    assert done.status == status


def test_a_rule_of_the_whole_object_is_told_without_an_empty_field(aif: Aif) -> None:
    job = a_job(start={"after": [a_job()["metadata"]["name"]]})
    done = aif("simulate", "-f", str(NETWORK), "-f", "-", stdin=yaml.safe_dump(job))
    assert done.status == 1
    assert "): spec.start.after must not name the job itself" in done.err


def test_samples_are_decided_together(aif: Aif) -> None:
    files = [word for path in sorted(SAMPLES.glob("trainingjob-*.yaml")) for word in ("-f", str(path))]
    done = aif("simulate", "-f", str(NETWORK), *files, "-o", "json")
    assert done.status == 0, done.err
    reasons = {job["name"]: job["reason"] for job in json.loads(done.out)["jobs"]}
    assert reasons["digits-tiny"] == "WaitingForStart"
    assert reasons["digits"] == "AsExpected"
