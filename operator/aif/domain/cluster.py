"""What the operator sees of a cluster: nodes, pods and its own children, as values.

Amounts of a resource are floats in base units: cores, bytes, whole devices.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aif.api.conditions import ConditionStatus

Amounts = Mapping[str, float]
"""Amount per resource name, as in ``{"cpu": 2.0, "memory": 4294967296.0, "nvidia.com/gpu": 1.0}``."""

MANAGED_BY = "app.kubernetes.io/managed-by"
SERVICE_LABEL = "net4ai.io/service"
COPY_LABEL = "net4ai.io/copy"
JOB_LABEL = "net4ai.io/job"
ROLE_LABEL = "net4ai.io/role"


@dataclass(frozen=True, slots=True)
class ObjectReference:
    """An object of the API server, by identity: a new uid is a new object."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Taint:
    """A mark that keeps pods off a node."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True)
class Node:
    """A Kubernetes Node."""

    name: str
    uid: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    ready: ConditionStatus = "Unknown"
    ready_since: datetime | None = None
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()
    allocatable: Amounts = field(default_factory=dict)
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod that has not ended, with what it requests; ours carry the names of service and copy."""

    namespace: str
    name: str
    uid: str
    node: str = ""
    """Name of the Node it is bound to; empty until bound."""
    requests: Amounts = field(default_factory=dict)
    service: str = ""
    copy: str = ""
    ready: bool = False
    terminating: bool = False
    waiting: str = ""
    """Why a container waits, as the kubelet tells it, such as ImagePullBackOff."""
    unschedulable_since: datetime | None = None
    """Since when the scheduler finds no place for it."""
    job: str = ""
    """TrainingJob that it learns for; its copy is then its role."""
    address: str = ""
    """Its IP address; empty until it has one."""

    @property
    def holder(self) -> str:
        """Return who holds capacity for it, as claims name them: a service, or ``job/`` and a training job."""
        return self.service or (f"job/{self.job}" if self.job else "")


@dataclass(frozen=True, slots=True)
class Child:
    """An object that the operator made, or one that bears the name of such an object."""

    reference: ObjectReference
    resource_version: str
    owner_uid: str
    """Uid of the controlling owner; empty where none."""
    labels: Mapping[str, str]
    body: Mapping[str, Any]
    """The object as the API server shows it."""
    terminating: bool = False

    @property
    def copy(self) -> str:
        """Return the copy that the object belongs to; empty where it serves all copies."""
        return self.labels.get(COPY_LABEL, "")

    @property
    def service(self) -> str:
        """Return the name of the AIService that the object was made for."""
        return self.labels.get(SERVICE_LABEL, "")

    @property
    def job(self) -> str:
        """Return the name of the TrainingJob that the object was made for."""
        return self.labels.get(JOB_LABEL, "")


@dataclass(frozen=True, slots=True)
class ServiceView:
    """What exists of one AIService: its children, its pods, and what answers."""

    children: tuple[Child, ...] = ()
    pods: tuple[Pod, ...] = ()
    ready_endpoints: int = 0
    """Ready addresses behind the Service, of all copies."""
    serving: frozenset[str] | None = None
    """What answers behind the Service: uids of pods; None where nobody looked."""

    def ready_pods(self, copy: str) -> int:
        """Return how many pods of ``copy`` are ready and stay."""
        return sum(pod.copy == copy and pod.ready and not pod.terminating for pod in self.pods)

    def serving_pods(self, copy: str) -> int:
        """Return how many of them the Service leads to, as far as anybody looked."""
        listed = [pod for pod in self.pods if pod.copy == copy and pod.ready and not pod.terminating]
        return sum(self.serving is None or pod.uid in self.serving for pod in listed)

    def serves_beside(self, copies: Collection[str]) -> bool:
        """Tell whether the Service leads to a pod that is of none of ``copies``."""
        others = {pod.uid for pod in self.pods if pod.copy not in copies}
        return bool(others & (self.serving or frozenset()))
