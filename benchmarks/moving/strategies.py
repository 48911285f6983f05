"""Ways to move a service to another node: the operator's, and what people do without it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

import network
from rest import Json, eventually
from services import Services

from cluster.real.python_image import RUNTIME_IMAGE
from moving.testbed import Testbed

PATIENCE_S: Final = 240.0
_PORT: Final = 8080
_NO_DRAIN: Final = {"AIF_SERVER_DRAIN_SECONDS": "0"}
"""As most servers are: at the signal they close the door, and finish what was begun."""


class Strategy(StrEnum):
    """How a service is moved."""

    RECREATE = "recreate"
    """The Deployment is deleted, and created again for the other node."""

    ROLLING = "rolling"
    """A rolling update to another node selector, one new pod before the old one goes."""

    ROLLING_PRESTOP = "rolling-prestop"
    """The same, with a preStop of 3 s, so that the pod serves until all nodes have taken it off their lists."""

    AIF_ALONE = "aif-alone"
    """The operator moves the service; its server closes the door at the signal, as in the others."""

    AIF = "aif"
    """The operator moves the service, and the server drains as docs/serving.md says."""


class Mover(Protocol):
    """A way to move services of a namespace."""

    def serve(self, name: str, node: str) -> None:
        """Begin to serve on a node."""

    def move(self, name: str, node: str) -> None:
        """Move to another node, and return once that has ended."""


@dataclass(frozen=True, slots=True)
class Recreate:
    """Delete, then create."""

    site: Testbed
    namespace: str

    def serve(self, name: str, node: str) -> None:
        """Create Deployment and Service."""
        self.site.rest.apply("services", _service(name), self.namespace)
        self._create(name, node)

    def move(self, name: str, node: str) -> None:
        """Delete the Deployment, and create it for the other node."""
        self.site.rest.delete("deployments", name, self.namespace)
        eventually(lambda: self.site.rest.get("deployments", name, self.namespace) is None, "it is gone", PATIENCE_S)
        self._create(name, node)

    def _create(self, name: str, node: str) -> None:
        self.site.rest.create("deployments", a_deployment(name, node, pre_stop=False), self.namespace)
        await_rolled_out(self.site, self.namespace, name)


@dataclass(frozen=True, slots=True)
class Rolling:
    """A rolling update."""

    site: Testbed
    namespace: str
    pre_stop: bool

    def serve(self, name: str, node: str) -> None:
        """Create Deployment and Service."""
        self.site.rest.apply("services", _service(name), self.namespace)
        self.move(name, node)

    def move(self, name: str, node: str) -> None:
        """Apply the Deployment with the other node."""
        document = a_deployment(name, node, pre_stop=self.pre_stop)
        self.site.rest.apply("deployments", document, self.namespace)
        await_rolled_out(self.site, self.namespace, name)


@dataclass(frozen=True, slots=True)
class ByOperator:
    """The operator, asked by annotation."""

    site: Testbed
    namespace: str
    environment: Mapping[str, str]
    spec: Mapping[str, Any] = field(default_factory=dict)
    tokens: Callable[[], int] = field(default_factory=lambda: itertools.count(1).__next__)

    def serve(self, name: str, node: str) -> None:
        """Create an AIService, and have it moved to the node where it is placed elsewhere."""
        self.site.rest.apply("aiservices", an_aiservice(name, self.environment, self.spec), self.namespace)
        Services(self.site.rest, self.namespace).await_ready(name, within_s=PATIENCE_S)
        if self._node(name) != node:
            self.move(name, node)

    def move(self, name: str, node: str) -> None:
        """Ask for the move, and wait until it is recorded as completed."""
        wanted = f"{node}#{self.tokens()}"
        body = {"metadata": {"annotations": {"net4ai.io/migrate-to": wanted}}}
        self.site.rest.patch("aiservices", name, body, self.namespace)

        def ended() -> bool:
            self.site.require_operator()
            status = self._status(name)
            assert status.get("lastHandledMigrateTo") == wanted, f"not taken up: {json.dumps(status)[:2000]}"  # noqa: S101
            return status.get("migration") is None and self._node(name) == node and self._is_ready(status)

        eventually(ended, f"{name} has moved to {node}", PATIENCE_S)

    def _status(self, name: str) -> Json:
        found = self.site.rest.get("aiservices", name, self.namespace) or {}
        status: Json = found.get("status", {})
        return status

    @staticmethod
    def _is_ready(status: Json) -> bool:
        return any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", []))

    def _node(self, name: str) -> str:
        placements = self._status(name).get("placements") or [{"node": ""}]
        return str(placements[0]["node"])


def mover(strategy: Strategy, site: Testbed, namespace: str) -> Mover:
    """Return the way that a strategy names."""
    match strategy:
        case Strategy.RECREATE:
            return Recreate(site, namespace)
        case Strategy.ROLLING | Strategy.ROLLING_PRESTOP:
            return Rolling(site, namespace, pre_stop=strategy is Strategy.ROLLING_PRESTOP)
        case Strategy.AIF_ALONE:
            return ByOperator(site, namespace, _NO_DRAIN)
        case Strategy.AIF:
            return ByOperator(site, namespace, {})


def await_rolled_out(site: Testbed, namespace: str, name: str) -> None:
    """Wait until a Deployment has just its one new pod, as `kubectl rollout status` does."""

    def done() -> bool:
        found = site.rest.get("deployments", name, namespace) or {}
        status = found.get("status", {})
        current = status.get("observedGeneration") == found["metadata"]["generation"]
        counts = (status.get(field, 0) for field in ("updatedReplicas", "replicas", "availableReplicas"))
        return current and all(count == 1 for count in counts)

    eventually(done, f"{name} is rolled out", PATIENCE_S)


def an_aiservice(name: str, environment: Mapping[str, str], spec: Mapping[str, Any], cpu: str = "50m") -> Json:
    """Return an AIService that runs the inference server and asks for so much of a CPU."""
    variables = [{"name": key, "value": value} for key, value in environment.items()]
    workload = network.a_workload(RUNTIME_IMAGE, port=_PORT, readinessPath="/readyz", env=variables)
    workload["resources"] = {"cpu": cpu, "memory": "192Mi"}
    migration = {"cooldownSeconds": 0, "maxPerHour": 60, "verifySeconds": 5, "timeoutSeconds": 180}
    return network.a_service(name, workload=workload, **{"migration": migration, **spec})


def a_deployment(name: str, node: str, *, pre_stop: bool) -> Json:
    """Return a Deployment of the same server on a node, as people write it."""
    labels = {"app": name}
    container = {
        "name": "service",
        "image": RUNTIME_IMAGE,
        "ports": [{"name": "http", "containerPort": _PORT}],
        "env": [{"name": key, "value": value} for key, value in _NO_DRAIN.items()],
        "resources": {"requests": {"cpu": "50m", "memory": "192Mi"}},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 2},
        **({"lifecycle": {"preStop": {"sleep": {"seconds": 3}}}} if pre_stop else {}),
    }
    pod = {"containers": [container], "nodeSelector": {"kubernetes.io/hostname": node}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _service(name: str) -> Json:
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    spec = {"selector": {"app": name}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def url_of(site: Testbed, namespace: str, name: str) -> str:
    """Return where clients reach a service: its ClusterIP."""
    found = eventually(lambda: site.rest.get("services", name, namespace), f"Service {name} is there", PATIENCE_S)
    return f"http://{found['spec']['clusterIP']}:{found['spec']['ports'][0]['port']}"
