"""What is seen of a training job: the job, its pods, and what its leading pod tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aif.api.trainingjob import TrainingJob
from aif.domain.cluster import ROLE_LABEL

Json = dict[str, Any]

CLIENT: Final = "client"
LEADERS: Final = ("aggregator", "trainer")
"""Roles that serve their status."""

_INDEX: Final = "batch.kubernetes.io/job-completion-index"


@dataclass(frozen=True, slots=True)
class RolePod:
    """A pod of a training job.

    Attributes:
        name: Its name.
        role: Role, such as aggregator, client or local-a.
        index: Number among the pods of its role; None where there is but one.
        node: Kubernetes Node; empty until it is bound.
        phase: Pending, Running, Succeeded or Failed.
        ready: Whether it is ready.
        created: When it was made.
        why: What its container waits for, or how it ended; empty otherwise.
    """

    name: str
    role: str
    index: int | None
    node: str
    phase: str
    ready: bool
    created: str
    why: str

    @property
    def title(self) -> str:
        """Return the role with the number of the pod, as the learning runtime names a client."""
        return self.role if self.index is None else f"{self.role}-{self.index}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a training job at one time.

    Attributes:
        job: The job.
        pods: Its pods, those of a role by their number; None where nobody looked, or the user may not list pods.
        page: What the leading pod tells of itself; None where it was not asked, or did not answer.
        notes: What could not be seen, and what to do about it.
        at: When.
    """

    job: TrainingJob
    at: datetime
    pods: tuple[RolePod, ...] | None = None
    page: Json | None = None
    notes: tuple[str, ...] = ()


def parse(raw: Json) -> RolePod:
    """Return a pod of a training job."""
    metadata, status = raw["metadata"], raw.get("status") or {}
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    index = labels.get(_INDEX, annotations.get(_INDEX, ""))
    conditions = {each.get("type"): each.get("status") for each in status.get("conditions") or ()}
    return RolePod(
        name=metadata["name"],
        role=labels.get(ROLE_LABEL, ""),
        index=int(index) if index.isdecimal() else None,
        node=(raw.get("spec") or {}).get("nodeName") or "",
        phase=status.get("phase") or "Pending",
        ready=conditions.get("Ready") == "True",
        created=metadata.get("creationTimestamp") or "",
        why=_why(status),
    )


def _why(status: Mapping[str, Any]) -> str:
    for container in status.get("containerStatuses") or ():
        state = container.get("state") or {}
        told: str = ((state.get("waiting") or state.get("terminated") or {}).get("reason")) or ""
        if told not in ("", "Completed"):
            return told
    return str(status.get("reason") or "")
