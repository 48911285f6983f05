"""The command line as a function: words in; exit status, output and errors out."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from aif.cli.app import run
from tests.builders import a_compute_node, an_aiservice
from tests.fake_api import FakeApi

SAMPLES = Path(__file__).parents[3] / "manifests" / "samples"
DEMO = ("-f", str(SAMPLES / "network.yaml"), "-f", str(SAMPLES / "services.yaml"))


@dataclass(frozen=True, slots=True)
class Result:
    """How a call ended, and what it printed."""

    status: int
    out: str
    err: str


Aif = Callable[..., Result]


@pytest.fixture
def aif(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Aif:
    """Return `aif` as a function of its words, and of what stands on its standard input."""
    for variable in ("AIF_LADDER", "COLUMNS", "FORCE_COLOR", "KUBECONFIG", "NO_COLOR"):
        monkeypatch.delenv(variable, raising=False)

    def call(*words: str, stdin: str = "", name: str = "aif") -> Result:
        monkeypatch.setattr("sys.argv", [name, *words])
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        capsys.readouterr()
        status = run(name)
        printed = capsys.readouterr()
        return Result(int(status), printed.out, printed.err)

    return call


PLACED = {
    "node": "gnb-7",
    "nodeName": "worker-gnb-7",
    "tier": "RAN",
    "variant": "gpu",
    "replicas": 1,
    "score": 88,
    "copy": "c0ffee",
}


@pytest.fixture
async def fake() -> AsyncIterator[FakeApi]:
    """Yield an API server with a node, a compute node, a service on it, and its pod."""
    async with FakeApi() as api:
        api.put("/api/v1/nodes/worker-gnb-7", a_kubernetes_node())
        api.put("/api/v1/namespaces/video/pods/plates-0", a_pod())
        api.put("/apis/net4ai.io/v1alpha1/computenodes/gnb-7", named("ComputeNode", a_compute_node().to_dict()))
        stored = an_aiservice(namespace="video", status={"placements": [PLACED]}).to_dict()
        api.put("/apis/net4ai.io/v1alpha1/namespaces/video/aiservices/plates", named("AIService", stored))
        yield api


def named(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "net4ai.io/v1alpha1", "kind": kind, **body}


def a_kubernetes_node() -> dict[str, Any]:
    allocatable = {"cpu": "32", "memory": "128Gi", "nvidia.com/gpu": "1", "pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "worker-gnb-7"},
        "status": {"allocatable": allocatable},
    }


def a_pod() -> dict[str, Any]:
    requests = {"cpu": "2", "nvidia.com/gpu": "1"}
    containers = [{"name": "service", "resources": {"requests": requests}}]
    labels = {"net4ai.io/service": "plates", "net4ai.io/copy": PLACED["copy"]}
    metadata = {"name": "plates-0", "namespace": "video", "labels": labels}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"nodeName": "worker-gnb-7", "containers": containers},
    }


@pytest.fixture
def kubeconfig(fake: FakeApi, tmp_path: Path) -> str:
    """Return a kubeconfig whose current context names the namespace video, beside one without a namespace."""
    path = tmp_path / "kubeconfig"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "fake", "cluster": {"server": fake.url}}],
        "users": [{"name": "me", "user": {"token": "abc"}}],
        "contexts": [
            {"name": "here", "context": {"cluster": "fake", "user": "me", "namespace": "video"}},
            {"name": "plain", "context": {"cluster": "fake", "user": "me"}},
        ],
    }
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(path)


async def call(aif: Aif, *words: str) -> Result:
    return await asyncio.to_thread(aif, *words)
