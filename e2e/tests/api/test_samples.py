"""Every sample applies to a real API server, a second time without effect, and every field explains itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from documents import ROOT
from kubectl import Kubectl

NAMESPACE = "samples"
SAMPLES = sorted(
    path
    for path in (ROOT / "manifests" / "samples").glob("*.yaml")
    if path.name.startswith(("aiservice-", "computenode-", "trainingjob-"))
)
EXPLAINED = [
    pytest.param("aiservice.spec.qos.latency", "Makes the service latency-sensitive", id="object"),
    pytest.param("ais.spec.qos.latency.maxP99Microseconds", "99 of 100 requests", id="field"),
    pytest.param("ais.status.candidates.terms.weight", "ten-thousandths", id="status"),
    pytest.param("computenode.spec.capability.devices.peakFlops", "Peak rates of one device", id="list"),
    pytest.param("tj.spec.privacy.kAnonymity", "while fewer terminals of its group are live", id="of a job"),
    pytest.param("tj.spec.model.entryPoint", "Function of your image", id="of a model of one's own"),
    pytest.param("cn.spec.links.rttMicroseconds", "Round-trip time", id="short name"),
]
APPLY_ATTEMPTS = 3
"""An operator at work in the same cluster may write a status between two applications, but not for ever."""


@pytest.fixture(scope="module")
def namespace(kubectl: Kubectl) -> Iterator[str]:
    """Return a namespace for the samples, which is removed with all in it."""
    kubectl("create", "namespace", NAMESPACE)
    yield NAMESPACE
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture(params=SAMPLES, ids=lambda path: path.stem)
def sample(request: pytest.FixtureRequest, kubectl: Kubectl, namespace: str) -> Iterator[Path]:
    """Return a sample; what it made is deleted afterwards."""
    path: Path = request.param
    yield path
    kubectl("delete", "--namespace", namespace, "--ignore-not-found", "--wait=false", "-f", str(path))


def _apply(kubectl: Kubectl, path: Path) -> list[dict[str, Any]]:
    answer = kubectl("apply", "--server-side", "--namespace", NAMESPACE, "-o", "json", "-f", str(path))
    applied = json.loads(answer)
    return list(applied["items"]) if applied["kind"] == "List" else [applied]


def test_every_kind_has_samples() -> None:
    kinds = {document["kind"] for path in SAMPLES for document in yaml.safe_load_all(path.read_text())}
    assert kinds == {"AIService", "ComputeNode", "TrainingJob"}


def test_a_sample_applied_twice_changes_nothing(kubectl: Kubectl, sample: Path) -> None:
    # A ComputeNode has no namespace: another test's network may hold one of the same name.
    kubectl("delete", "--ignore-not-found", "--namespace", NAMESPACE, "-f", str(sample))
    versions = [
        [entry["metadata"]["resourceVersion"] for entry in _apply(kubectl, sample)] for _ in range(APPLY_ATTEMPTS)
    ]
    assert any(first == second for first, second in pairwise(versions)), versions


@pytest.mark.parametrize(("path", "text"), EXPLAINED)
def test_kubectl_explain_speaks(kubectl: Kubectl, path: str, text: str) -> None:
    assert text in " ".join(kubectl("explain", path).split())


def _undescribed(schema: dict[str, Any], path: str) -> Iterator[str]:
    for name, field in schema.get("properties", {}).items():
        if not field.get("description"):
            yield f"{path}.{name}"
        yield from _undescribed(field, f"{path}.{name}")
    if "items" in schema:
        yield from _undescribed(schema["items"], path)


@pytest.mark.parametrize("kind", ["AIService", "ComputeNode", "TrainingJob"])
def test_the_server_describes_every_field(kubectl: Kubectl, kind: str) -> None:
    published = json.loads(kubectl("get", "--raw", "/openapi/v3/apis/net4ai.io/v1alpha1"))
    schema = published["components"]["schemas"][f"io.net4ai.v1alpha1.{kind}"]
    parts = {name: schema["properties"][name] for name in ("spec", "status")}
    assert list(_undescribed({"properties": parts}, kind)) == []
