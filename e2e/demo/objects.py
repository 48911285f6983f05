"""Objects in a cluster: apply, look, delete."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import ResourceNotFoundError

from cluster.errors import ClusterError
from demo.manifests import Manifest
from demo.record import Made

FIELD_MANAGER = "aif-demo"


class Objects:
    """The objects of one cluster."""

    def __init__(self, client: ApiClient) -> None:
        """Ask the API server what kinds it serves."""
        self._client = client
        self._dynamic: Any = DynamicClient(client)  # type: ignore[no-untyped-call]

    def refresh(self) -> None:
        """Ask again what kinds there are, as after a CRD was applied."""
        self._dynamic = DynamicClient(self._client)  # type: ignore[no-untyped-call]

    def apply(self, manifest: Manifest) -> None:
        """Apply server-side, so that doing it again changes nothing; ClusterError where it is refused."""
        one = identity(manifest)
        try:
            self._resource(one).server_side_apply(
                body=manifest, name=one.name, namespace=one.namespace, field_manager=FIELD_MANAGER
            )
        except ApiException as error:
            raise ClusterError(f"{one.kind} {one.name} was refused: {reason(error)}") from error

    def get(self, one: Made) -> Manifest | None:
        """The object as it is; None where there is none, or no such kind."""
        try:
            return dict(self._resource(one).get(name=one.name, namespace=one.namespace).to_dict())
        except (ApiException, ResourceNotFoundError) as error:
            _require_absent(error)
            return None

    def all(self, api_version: str, kind: str, namespace: str | None = None) -> list[Manifest]:
        """All objects of a kind; none where there is no such kind."""
        try:
            resource = self._dynamic.resources.get(api_version=api_version, kind=kind)
        except ResourceNotFoundError:
            return []
        return [dict(item) for item in resource.get(namespace=namespace).to_dict()["items"]]

    def delete(self, one: Made) -> None:
        """Delete the object; one that is not there is no error."""
        try:
            self._resource(one).delete(name=one.name, namespace=one.namespace)
        except (ApiException, ResourceNotFoundError) as error:
            _require_absent(error)

    def _resource(self, one: Made) -> Any:  # noqa: ANN401 - the client library leaves it without types
        return self._dynamic.resources.get(api_version=one.api_version, kind=one.kind)


def identity(manifest: Manifest) -> Made:
    """What names the object."""
    metadata = manifest["metadata"]
    return Made(manifest["apiVersion"], manifest["kind"], metadata["name"], metadata.get("namespace"))


def reason(error: ApiException) -> str:
    """What the API server said, in a line."""
    try:
        return str(json.loads(error.body or "")["message"])
    except (KeyError, TypeError, ValueError):
        return str(error.reason)


def _require_absent(error: ApiException | ResourceNotFoundError) -> None:
    if isinstance(error, ApiException) and error.status != HTTPStatus.NOT_FOUND:
        raise ClusterError(f"the cluster refused: {reason(error)}") from error
