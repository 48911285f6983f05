"""The API server's REST interface, in a few verbs on plain dictionaries; and waiting for facts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from kubernetes.client import ApiClient

from cluster.api import Cluster
from cluster.kube import connect

Json = dict[str, Any]
Fact = TypeVar("Fact")

PATIENCE_S: Final = 30.0
_PAUSE_S: Final = 0.1
_NOT_FOUND: Final = 404
_FIRST_ERROR: Final = 400

_ROOTS: Final[Mapping[str, str]] = {
    "aiservices": "/apis/net4ai.io/v1alpha1",
    "computenodes": "/apis/net4ai.io/v1alpha1",
    "trainingjobs": "/apis/net4ai.io/v1alpha1",
    "jobs": "/apis/batch/v1",
    "networkpolicies": "/apis/networking.k8s.io/v1",
    "deployments": "/apis/apps/v1",
    "replicasets": "/apis/apps/v1",
    "endpointslices": "/apis/discovery.k8s.io/v1",
    "events": "/apis/events.k8s.io/v1",
    "leases": "/apis/coordination.k8s.io/v1",
    "poddisruptionbudgets": "/apis/policy/v1",
    "priorityclasses": "/apis/scheduling.k8s.io/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
    "certificates": "/apis/cert-manager.io/v1",
    "customresourcedefinitions": "/apis/apiextensions.k8s.io/v1",
}


class Refused(AssertionError):
    """The API server said no."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class NotYet(AssertionError):
    """A fact did not come about in time."""


@dataclass(frozen=True, slots=True)
class Rest:
    """The administrator's access to a cluster; plural names stand for kinds."""

    client: ApiClient

    @classmethod
    def to(cls, cluster: Cluster) -> Rest:
        """Return the administrator's access to `cluster`."""
        return cls(connect(cluster.kubeconfig, cluster.context))

    def send(
        self, method: str, path: str, body: object = None, *, content_type: str = "application/json", **query: str
    ) -> Json:
        """Send a request and return the answer.

        Raises:
            Refused: The status is an error.
        """
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        auth: Any = self.client
        auth.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        url = f"{self.client.configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
        answer: Any = self.client.rest_client
        done = answer.request(method, url, headers=headers, body=body, _request_timeout=30)
        content = json.loads(done.read() or b"{}")
        if done.status >= _FIRST_ERROR:
            raise Refused(done.status, content.get("message", str(content)))
        assert isinstance(content, dict)
        return content

    def get(self, plural: str, name: str, namespace: str = "") -> Json | None:
        """Return the object; None where there is none."""
        try:
            return self.send("GET", path_of(plural, name, namespace))
        except Refused as refused:
            if refused.status == _NOT_FOUND:
                return None
            raise

    def list(self, plural: str, namespace: str = "", **selector: str) -> list[Json]:
        """Return the objects of a kind that carry the labels of `selector`, `__` in a name standing for a slash."""
        pairs = ",".join(f"{name}={value}" for name, value in selector.items())
        query = {"labelSelector": pairs} if pairs else {}
        return list(self.send("GET", path_of(plural, "", namespace), **query).get("items", []))

    def create(self, plural: str, body: Json, namespace: str = "") -> Json:
        """Create an object."""
        return self.send("POST", path_of(plural, "", namespace), body)

    def apply(self, plural: str, body: Json, namespace: str = "", manager: str = "user") -> Json:
        """Apply an object server-side, as `manager`."""
        path = path_of(plural, body["metadata"]["name"], namespace)
        content_type = "application/apply-patch+yaml"
        return self.send("PATCH", path, body, content_type=content_type, fieldManager=manager, force="true")

    def patch(self, plural: str, name: str, body: Json, namespace: str = "", part: str = "") -> Json:
        """Merge `body` into an object, or into its subresource `part`, as `kubectl patch` does."""
        path = path_of(plural, name, namespace) + (f"/{part}" if part else "")
        return self.send("PATCH", path, body, content_type="application/merge-patch+json", fieldManager="user")

    def delete(self, plural: str, name: str, namespace: str = "") -> None:
        """Delete an object; one that is not there is no error."""
        try:
            self.send("DELETE", path_of(plural, name, namespace), {"propagationPolicy": "Background"})
        except Refused as refused:
            if refused.status != _NOT_FOUND:
                raise


def path_of(plural: str, name: str = "", namespace: str = "") -> str:
    """Return the path of an object, or of all of a kind."""
    scope = f"namespaces/{namespace}" if namespace else ""
    return "/".join(part for part in (_ROOTS.get(plural, "/api/v1"), scope, plural, name) if part)


def eventually(look: Callable[[], Fact | None], what: str, within_s: float = PATIENCE_S) -> Fact:
    """Return what `look` finds as soon as that is true; a failed assertion or a refusal counts as not yet.

    Raises:
        NotYet: It did not come about within `within_s` seconds.
    """
    end, last = time.monotonic() + within_s, "nothing was found"
    while time.monotonic() < end:
        try:
            found = look()
        except AssertionError as error:
            last = str(error)
        else:
            if found:
                return found
            last = f"last seen: {found!r}"
        time.sleep(_PAUSE_S)
    raise NotYet(f"not within {within_s:.0f} s: {what} ({last})")


def stays(look: Callable[[], object], what: str, for_s: float) -> None:
    """Fail as soon as `look` finds something false within `for_s` seconds."""
    end = time.monotonic() + for_s
    while time.monotonic() < end:
        assert look(), f"did not stay so: {what}"
        time.sleep(_PAUSE_S)
