"""Certificates by cert-manager: asked for by role, waited for, mounted; never made by the operator beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aif.domain.actions import MakeCertificates
from aif.domain.learning import roles_of
from aif.reconcile.training.course import reconcile
from aif.reconcile.training.scene import JobSnapshot
from tests.reconcile.training.jobs import Life, a_job
from tests.reconcile.training.test_files import jobs_of

SPEC: dict[str, Any] = {"tls": "CertManager", "issuerRef": {"name": "training", "kind": "ClusterIssuer"}}


class Signed(Life):
    """A job in a cluster that has cert-manager."""

    def snapshot(self) -> JobSnapshot:
        """Return the world as it is."""
        return replace(super().snapshot(), signer_served=True)

    def sign(self, *names: str, ready: str = "True", message: str = "") -> None:
        """Have cert-manager say this of Certificates."""
        for name in names:
            child = self.children["Certificate", name]
            status = {"conditions": [{"type": "Ready", "status": ready, "message": message}]}
            self.children["Certificate", name] = replace(child, body={**child.body, "status": status})


def a_signed_job(mode: str = "Federated") -> Signed:
    """Return a placed job that waits for its certificates."""
    life = Signed(a_job(mode, **SPEC))
    life.look(4, 1.0)
    return life


def test_without_cert_manager_the_job_is_refused_with_what_to_install() -> None:
    life = Life(a_job(**SPEC))
    life.look()
    accepted = next(c for c in life.job.status.conditions if c.type == "Accepted")
    assert (accepted.status, accepted.reason) == ("False", "RefNotFound")
    assert "spec.tls" in accepted.message
    assert "install cert-manager" in accepted.message
    assert life.claims == ()


def test_each_role_that_talks_has_a_certificate_in_its_own_name() -> None:
    life = a_signed_job("TwoLevel")
    bodies = life.bodies("Certificate")
    assert set(bodies) == {f"digits-{role.name}" for role in roles_of(life.job)}
    spec = bodies["digits-client"]["spec"]
    assert (spec["commonName"], spec["dnsNames"], spec["secretName"]) == (
        "client",
        ["digits-client"],
        "digits-client-tls",
    )
    assert spec["issuerRef"] == {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "training"}
    assert {"server auth", "client auth"} <= set(spec["usages"])


def test_the_operator_makes_no_certificates_beside_those_of_cert_manager() -> None:
    life = Signed(a_job(**SPEC))
    decisions = [life.look(1, 1.0) for _ in range(6)]
    assert not any(isinstance(action, MakeCertificates) for one in decisions for action in one.actions)


def test_a_single_worker_needs_no_certificate() -> None:
    life = a_signed_job("Centralized")
    assert life.bodies("Certificate") == {}
    assert life.bodies("Job")


def test_no_pod_is_made_before_all_certificates_are_signed() -> None:
    life = a_signed_job()
    life.sign("digits-aggregator", "digits-evaluator")
    life.sign("digits-client", ready="False", message="issuer training not found")
    life.look(2, 1.0)
    assert life.bodies("Job") == {}
    assert life.condition("QuorumReady") == ("False", "CertificatePending")
    message = next(c.message for c in life.job.status.conditions if c.type == "QuorumReady")
    assert message == "Certificate digits-client: issuer training not found"
    life.sign("digits-client")
    life.look(2, 1.0)
    assert set(life.bodies("Job")) == {"digits-aggregator", "digits-evaluator", "digits-client"}


def test_a_certificate_that_was_changed_is_put_back() -> None:
    life = a_signed_job()
    child = life.children["Certificate", "digits-client"]
    changed = {**child.body, "spec": {**child.body["spec"], "commonName": "aggregator"}}
    life.children["Certificate", "digits-client"] = replace(child, body=changed)
    life.look(1, 1.0)
    assert life.bodies("Certificate")["digits-client"]["spec"]["commonName"] == "client"


def test_a_role_mounts_the_secret_that_cert_manager_fills_for_it() -> None:
    for name, body in jobs_of("TwoLevel", **SPEC).items():
        (secret,) = [v["secret"] for v in body["spec"]["template"]["spec"]["volumes"] if "secret" in v]
        assert secret["secretName"] == f"digits-{name}-tls"
        assert [(item["key"], item["path"]) for item in secret["items"]] == [
            (key, key) for key in ("ca.crt", "tls.crt", "tls.key")
        ]


def test_a_job_whose_certificates_are_signed_is_left_in_peace() -> None:
    life = a_signed_job()
    life.sign(*life.bodies("Certificate"))
    life.look(3, 1.0)
    assert reconcile(life.job, life.snapshot(), life.now).actions == ()
