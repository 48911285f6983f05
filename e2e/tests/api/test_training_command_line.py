"""`aif train` and `aif top jobs` as a tenant with the documented Role sees them on a real API server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from command_line import aif
from documents import ROOT, Document
from kubectl import Kubectl

SAMPLES: Final = ROOT / "docs" / "samples"
NAMESPACE: Final = "looked-at"
OTHER: Final = {"managedBy": "example.org/nobody"}
"""No operator touches the job, should one run here."""


def a_pod(role: str, **labels: str) -> Document:
    """Return a pod of the job on a node that runs nothing."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"digits-{role}",
            "namespace": NAMESPACE,
            "labels": {"net4ai.io/job": "digits", "net4ai.io/role": role, **labels},
        },
        "spec": {"schedulerName": "nobody", "containers": [{"name": "role", "image": "learner:1.0"}]},
    }


@pytest.fixture(scope="module")
def kubeconfig(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The sample with its status and three pods; a kubeconfig of somebody with the documented Role alone."""
    kubectl("create", "namespace", NAMESPACE)
    job: Any = yaml.safe_load((SAMPLES / "trainingjob-status.yaml").read_text())
    job["metadata"] = {"name": "digits", "namespace": NAMESPACE}
    kubectl("apply", "-f", "-", stdin=json.dumps({**job, "spec": job["spec"] | OTHER}))
    told = {name: job[name] for name in ("apiVersion", "kind", "metadata", "status")}
    arguments = ("apply", "--server-side", "--subresource=status", "--field-manager=test", "-f", "-")
    kubectl(*arguments, stdin=json.dumps(told))
    index = {"batch.kubernetes.io/job-completion-index": "0"}
    for pod in (a_pod("aggregator"), a_pod("client", **index)):
        kubectl("apply", "-f", "-", stdin=json.dumps(pod))
    running = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
    for name in ("digits-aggregator", "digits-client"):
        kubectl("patch", "pod", name, "-n", NAMESPACE, "--subresource=status", "-p", json.dumps(running))
    kubectl("create", "serviceaccount", "tenant", "-n", NAMESPACE)
    kubectl("apply", "-n", NAMESPACE, "-f", str(SAMPLES / "tenant-role.yaml"))
    account = f"--serviceaccount={NAMESPACE}:tenant"
    kubectl("create", "rolebinding", "tenant", "-n", NAMESPACE, "--role=aiservice-tenant", account)
    yield a_kubeconfig(kubectl, tmp_path_factory.mktemp("tenant"))
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def a_kubeconfig(kubectl: Kubectl, folder: Path) -> Path:
    """Write the kubeconfig of the tenant."""
    known: Any = yaml.safe_load(kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "yaml"))
    token = kubectl("create", "token", "tenant", "--namespace", NAMESPACE).strip()
    context = {"cluster": known["clusters"][0]["name"], "user": "tenant", "namespace": NAMESPACE}
    content = {
        **known,
        "users": [{"name": "tenant", "user": {"token": token}}],
        "contexts": [{"name": "tenant", "context": context}],
        "current-context": "tenant",
    }
    path = folder / "kubeconfig"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content))
    return path


def asked(kubeconfig: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `aif` as the tenant."""
    return aif(*words, "--kubeconfig", str(kubeconfig), environment={"HOME": "/nonexistent"})


def told(kubeconfig: Path, *words: str) -> dict[str, Any]:
    """Return what `aif` prints as a structure."""
    done = asked(kubeconfig, *words, "-o", "json")
    assert done.returncode == 0, done.stderr
    structure: dict[str, Any] = json.loads(done.stdout)
    return structure


def test_a_tenant_sees_the_rounds_the_clients_and_what_is_amiss(kubeconfig: Path) -> None:
    found = told(kubeconfig, "train", "status", "digits")
    assert (found["state"], found["round"], found["rounds"]) == ("Training", 14, 20)
    states = {client["name"]: client["state"] for client in found["clients"]}
    assert states == {"client-0": "Live", "client-1": "Absent", "client-2": "Lost"}
    assert len(found["history"]) == found["round"]
    assert found["notes"] == []


def test_a_tenant_may_ask_the_pod_itself_which_is_not_there(kubeconfig: Path) -> None:
    (note,) = told(kubeconfig, "train", "status", "digits", "--live")["notes"]
    assert note.startswith("digits-aggregator ")
    assert "granted" not in note


def test_what_a_tenant_sees_of_a_job_is_drawn_and_listed(kubeconfig: Path, tmp_path: Path) -> None:
    picture = tmp_path / "digits.svg"
    points = told(kubeconfig, "train", "plot", "digits", "--plot", str(picture))["points"]
    assert [point["round"] for point in points] == list(range(1, 15))
    assert picture.read_text().startswith("<?xml")
    (row,) = told(kubeconfig, "top", "jobs")["jobs"]
    assert (row["name"], row["live"], row["clients"]) == ("digits", 2, 3)


def test_a_role_that_is_not_there_is_told_with_those_that_are(kubeconfig: Path) -> None:
    done = asked(kubeconfig, "train", "logs", "digits", "--role", "moon")
    assert done.returncode == 1
    assert done.stderr == "error: --role: digits has no pod of the role moon; there are: aggregator, client\n"
