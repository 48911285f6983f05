"""A tenant moves, approves and aborts by annotations; it may not write a status, and needs no more than its Role."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from command_line import aif
from documents import ROOT
from kubectl import Kubectl
from network import a_service, accelerated
from rest import Json, eventually
from services import Services

ROLE: Final = ROOT / "docs" / "samples" / "tenant-role.yaml"
_PATIENCE_S: Final = 120.0
HASTE: Final[Json] = {"verifySeconds": 1, "drainSeconds": 0, "cooldownSeconds": 0}

pytestmark = pytest.mark.usefixtures("operator")


@dataclass(frozen=True, slots=True)
class Tenant:
    """Somebody with the documented Role in one namespace, and with nothing else."""

    kubeconfig: Path
    namespace: str

    def aif(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `aif` as the tenant."""
        options = ("--kubeconfig", str(self.kubeconfig), "-n", self.namespace)
        return aif(*words, *options, environment={"HOME": "/nonexistent"})

    def told(self, *words: str, status: int = 0) -> dict[str, Any]:
        """Return what `aif` prints as a structure."""
        done = self.aif(*words, "-o", "json")
        assert done.returncode == status, done.stderr + done.stdout
        structure: dict[str, Any] = json.loads(done.stdout)
        return structure


@pytest.fixture
def tenant(kubectl: Kubectl, services: Services, tmp_path: Path) -> Tenant:
    """A tenant in the namespace of the test."""
    namespace = services.namespace
    kubectl("create", "serviceaccount", "tenant", "-n", namespace)
    kubectl("apply", "-n", namespace, "-f", str(ROLE))
    kubectl(
        *("create", "rolebinding", "tenant", "-n", namespace, "--role=aiservice-tenant"),
        f"--serviceaccount={namespace}:tenant",
    )
    known: Any = yaml.safe_load(kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "yaml"))
    token = kubectl("create", "token", "tenant", "--namespace", namespace).strip()
    content = {
        **known,
        "users": [{"name": "tenant", "user": {"token": token}}],
        "contexts": [{"name": "tenant", "context": {"cluster": known["clusters"][0]["name"], "user": "tenant"}}],
        "current-context": "tenant",
    }
    path = tmp_path / "kubeconfig"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content))
    return Tenant(path, namespace)


def may(kubectl: Kubectl, tenant: Tenant, verb: str, resource: str) -> bool:
    """Return whether the API server lets the tenant do something, asked by impersonation."""
    user = f"system:serviceaccount:{tenant.namespace}:tenant"
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": user,
            "resourceAttributes": {
                "namespace": tenant.namespace,
                "group": "net4ai.io",
                "verb": verb,
                "resource": resource.partition("/")[0],
                "subresource": resource.partition("/")[2],
            },
        },
    }
    answer = kubectl("create", "-o", "json", "-f", "-", stdin=json.dumps(body))
    allowed: bool = json.loads(answer)["status"]["allowed"]
    return allowed


def test_the_role_changes_services_and_no_status(kubectl: Kubectl, tenant: Tenant) -> None:
    assert may(kubectl, tenant, "patch", "aiservices")
    assert not any(may(kubectl, tenant, verb, "aiservices/status") for verb in ("patch", "update"))


def test_a_tenant_moves_a_service_to_a_node_and_sees_it_arrive(tenant: Tenant, services: Services) -> None:
    services.apply(a_service("plates", migration=HASTE))
    services.await_ready("plates", within_s=_PATIENCE_S)
    here = services.node_of("plates")
    target = "edge-1" if here != "edge-1" else "edge-2"
    told = tenant.told("migrate", "plates", "--to", target)
    assert (told["result"], told["move"]["from"], told["move"]["to"]) == ("Completed", here, target)
    assert told["move"]["trigger"] == "Requested"
    assert services.node_of("plates") == target
    (move,) = tenant.told("history", "plates")["migrations"]
    assert (move["result"], move["to"]) == ("Completed", target)
    owners = {entry["manager"] for entry in services.get("plates")["metadata"]["managedFields"]}
    assert "kubectl-aif" in owners


def test_a_refused_move_exits_with_1_and_the_reason(tenant: Tenant, services: Services) -> None:
    services.apply(a_service("plates", variants=accelerated()))
    services.await_ready("plates", within_s=_PATIENCE_S)
    done = tenant.aif("migrate", "plates", "--to", "core-1")
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("Refused: plates stays where it is: core-1")
    assert "nvidia.com/gpu" in done.stdout
    assert tenant.told("migrate", "plates", "--to", "moon", status=1)["message"].startswith("No ComputeNode moon")


def test_what_waits_for_approval_is_approved_by_the_tenant(tenant: Tenant, services: Services) -> None:
    services.apply(a_service("plates", autonomy={"level": "Manual"}))
    services.await_condition("plates", "ApprovalRequired", "True", within_s=_PATIENCE_S)
    assert services.copies("plates") == []
    told = tenant.told("approve", "plates")
    assert told["plan"]["token"] == told["request"]["net4ai.io/approve"]
    services.await_ready("plates", within_s=_PATIENCE_S)
    done = tenant.aif("approve", "plates")
    assert done.returncode == 1
    assert "waits for no approval" in done.stderr


def test_a_move_that_hangs_is_aborted_and_the_service_stays(
    tenant: Tenant, services: Services, kubectl: Kubectl
) -> None:
    services.apply(a_service("plates", migration=HASTE))
    services.await_ready("plates", within_s=_PATIENCE_S)
    here = services.node_of("plates")
    # No second pod is let in: the new copy never becomes ready.
    kubectl("create", "quota", "one", "-n", services.namespace, "--hard=pods=1")
    target = "edge-1" if here != "edge-1" else "edge-2"
    assert tenant.told("migrate", "plates", "--to", target, "--no-watch")["result"] == "UnderWay"
    eventually(lambda: services.get("plates")["status"].get("migration"), "the move begins", _PATIENCE_S)
    told = tenant.told("abort", "plates")
    assert (told["result"], told["message"], told["move"]["to"]) == ("RolledBack", "Aborted", target)
    assert services.node_of("plates") == here
    services.await_condition("plates", "Ready", "True", within_s=_PATIENCE_S)
    done = tenant.aif("abort", "plates")
    assert done.returncode == 1
    assert "plates does not move" in done.stderr
