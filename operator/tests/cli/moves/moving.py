"""Services that move, for tests of what people see of it."""

from __future__ import annotations

from typing import Any

from aif.api.aiservice import AIService
from tests.builders import an_aiservice

GNB: dict[str, Any] = {
    "node": "gnb-7",
    "nodeName": "worker-gnb-7",
    "tier": "RAN",
    "variant": "gpu",
    "replicas": 1,
    "score": 88,
    "copy": "c0ffee",
}
EDGE: dict[str, Any] = {**GNB, "node": "edge-2", "nodeName": "worker-edge-2", "tier": "Edge", "copy": "facade"}
FIGURES = [{"dimension": "latency", "promised": 20_000, "source": 210_000, "target": 14_000}]


def a_move(phase: str = "TargetReady", **fields: Any) -> dict[str, Any]:
    """Return a move from gnb-7 to edge-2, as it stands in a status."""
    return {
        "id": 3,
        "trigger": "LatencyBreached",
        "phase": phase,
        "phaseSince": "2030-01-01T12:00:20Z",
        "startedAt": "2030-01-01T12:00:00Z",
        "deadline": "2030-01-01T12:10:00Z",
        "sources": [{"node": "gnb-7", "copy": "c0ffee"}],
        "targets": [EDGE],
        "message": "edge-2 has the highest score",
        **fields,
    }


def a_record(result: str = "Completed", **fields: Any) -> dict[str, Any]:
    """Return that move once it is over."""
    return {
        "id": 3,
        "from": "gnb-7",
        "to": "edge-2",
        "trigger": "LatencyBreached",
        "result": result,
        "verifiedBy": "Measurement",
        "startedAt": "2030-01-01T12:00:00Z",
        "endedAt": "2030-01-01T12:01:30Z",
        **fields,
    }


def a_told(kind: str, status: str, reason: str, message: str = "") -> dict[str, Any]:
    """Return a condition."""
    time = "2030-01-01T12:00:00Z"
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": time}


def a_moving_service(**status: Any) -> AIService:
    """Return a service on gnb-7 with fields of its status."""
    return an_aiservice(namespace="video", status={"placements": [GNB], **status})
