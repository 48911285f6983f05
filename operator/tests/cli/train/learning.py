"""A training job as a cluster holds it: its manifest with a status, its pods, what its aggregator tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from aif.api.trainingjob import TrainingJob
from tests.documents import ROOT
from tests.fake_api import FakeApi

Json = dict[str, Any]

SAMPLE = ROOT / "docs" / "samples" / "trainingjob-status.yaml"
PATH = "/apis/net4ai.io/v1alpha1/namespaces/video/trainingjobs/digits"
PODS = "/api/v1/namespaces/video/pods"
PAGE = "/aggregator-x:7071/proxy/status"
LOG = "/log"


def a_manifest(**status: Any) -> Json:
    """Return the sample, in the namespace video, with members of its status replaced."""
    raw: Json = yaml.safe_load(Path(SAMPLE).read_text(encoding="utf-8"))
    metadata = {**raw["metadata"], "namespace": "video", "uid": "uid-digits"}
    return {**raw, "metadata": metadata, "status": {**raw["status"], **status}}


def a_job(*, spec: Json | None = None, **status: Any) -> TrainingJob:
    """Return the sample, with members of its spec and status replaced."""
    raw = a_manifest(**status)
    return TrainingJob.model_validate({**raw, "spec": {**raw["spec"], **(spec or {})}})


def a_told(kind: str, status: str, reason: str, message: str = "") -> Json:
    """Return a condition."""
    since = "2030-01-01T10:09:00Z"
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since}


def a_pod(role: str, index: int | None = None, phase: str = "Running", **status: Any) -> Json:
    """Return a pod of the job; one of a client has its number."""
    title = f"{role}-x" if index is None else f"{role}-{index}-x"
    labels = {"net4ai.io/job": "digits", "net4ai.io/role": role}
    labels |= {} if index is None else {"batch.kubernetes.io/job-completion-index": str(index)}
    ready = [{"type": "Ready", "status": "True" if phase == "Running" else "False"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": title, "namespace": "video", "labels": labels},
        "spec": {"nodeName": f"worker-{role}", "containers": [{"name": "role"}]},
        "status": {"phase": phase, "conditions": ready, **status},
    }


def a_page(**more: Any) -> Json:
    """Return what the aggregator tells of itself."""
    return {
        "job": "digits",
        "phase": "Training",
        "epoch": 2,
        "round": 15,
        "rounds": 20,
        "clients": {"live": 2, "answered": 2, "expected": 3, "quorum": 2},
        "accuracyBasisPoints": 9331,
        "bestRound": 13,
        "remainingSeconds": 75,
        "trafficBytes": {"sent": 4_000_000, "received": 3_000_000},
        "excluded": {"client-1": "its numbers are not finite"},
        "lost": {},
        "history": [
            {"round": 1, "clients": 3, "loss": 1.0552, "accuracy": 0.7382},
            {"round": 2, "clients": 3, "loss": 0.5410, "accuracy": 0.8384},
        ],
        **more,
    }


def put(fake: FakeApi, **status: Any) -> None:
    """Store the job, with members of its status replaced."""
    fake.put(PATH, a_manifest(**status))


def put_pods(fake: FakeApi, *pods: Json) -> None:
    """Store the pods."""
    for pod in pods:
        fake.put(f"{PODS}/{pod['metadata']['name']}", pod)
