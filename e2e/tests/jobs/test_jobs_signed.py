"""Training jobs whose certificates cert-manager signs; its kind is a stand-in, and the test does what it would do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from documents import object_file
from kubectl import Kubectl
from rest import Json, eventually
from training_jobs import TrainingJobs, a_training_job

NAME = "signed"
ROLES = {"aggregator", "evaluator", "client"}


@pytest.fixture(scope="module", autouse=True)
def _cert_manager(kubectl: Kubectl) -> Iterator[None]:
    """Its kind; there before the operator starts, which looks for it then."""
    stand_in = str(object_file("cert-manager-crds"))
    kubectl("apply", "--server-side", "-f", stand_in)
    kubectl.await_kinds("-f", stand_in)
    yield
    kubectl("delete", "--wait=false", "-f", stand_in)


@pytest.mark.usefixtures("operator")
def test_pods_are_made_once_every_certificate_is_signed(jobs: TrainingJobs) -> None:
    jobs.apply(a_training_job(NAME, tls="CertManager", issuerRef={"name": "training"}))
    jobs.await_condition(NAME, "QuorumReady", "False", "CertificatePending")
    asked = eventually(lambda: _of_all_roles(jobs.children("certificates", NAME)), "a Certificate for each role")
    for role, one in asked.items():
        assert one["spec"]["commonName"] == role
        assert one["spec"]["issuerRef"] == {"group": "cert-manager.io", "kind": "Issuer", "name": "training"}
        assert [owner["kind"] for owner in one["metadata"]["ownerReferences"]] == ["TrainingJob"]
    _sign(jobs, "aggregator")
    _sign(jobs, "evaluator")
    _sign(jobs, "client", ready="False", message="issuer training not found")
    eventually(lambda: "signed-client: issuer training not found" in _quorum(jobs), "what cert-manager says is told")
    assert jobs.children("jobs", NAME) == {}

    _sign(jobs, "client")
    eventually(lambda: _of_all_roles(jobs.children("jobs", NAME)), "the Jobs of all roles")
    jobs.await_condition(NAME, "QuorumReady", "True")
    for pod in jobs.pods(NAME):
        (secret,) = [volume["secret"] for volume in pod["spec"]["volumes"] if "secret" in volume]
        assert secret["secretName"] == f"{NAME}-{pod['metadata']['labels']['net4ai.io/role']}-tls"
    assert jobs.rest.list("secrets", jobs.namespace) == [], "the operator makes none beside those of cert-manager"


def _of_all_roles(found: dict[str, Json]) -> dict[str, Json]:
    return found if set(found) == ROLES else {}


def _sign(jobs: TrainingJobs, role: str, *, ready: str = "True", message: str = "") -> None:
    """Have cert-manager say this of the Certificate of a role."""
    told = {"status": {"conditions": [{"type": "Ready", "status": ready, "message": message}]}}
    jobs.rest.patch("certificates", f"{NAME}-{role}", told, jobs.namespace, part="status")


def _quorum(jobs: TrainingJobs) -> str:
    return str(jobs.await_condition(NAME, "QuorumReady", "False", "CertificatePending")["message"])
