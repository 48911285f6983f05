"""What the API server says to an object, asked by dry runs: nothing is stored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kubernetes.client import ApiClient, CustomObjectsApi
from kubernetes.client.exceptions import ApiException

from cluster.api import Cluster
from cluster.kube import connect

GROUP = "net4ai.io"
VERSION = "v1alpha1"
PLURALS = {"AIService": "aiservices", "ComputeNode": "computenodes", "TrainingJob": "trainingjobs"}

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason of a refusal: the field as the API server names it, and what it says of it."""

    field: str
    message: str


class Refused(Exception):
    """The API server refused an object."""

    def __init__(self, causes: tuple[Cause, ...]) -> None:
        super().__init__("; ".join(f"{cause.field}: {cause.message}" for cause in causes))
        self.causes = causes

    def names(self, field: str, message: str) -> bool:
        """Whether a cause names `field` (or stands at it) and says `message`."""
        return any(field in f"{cause.field} {cause.message}" and message in cause.message for cause in self.causes)


class Admission:
    """Objects of the project's kinds before the API server's schema, defaults and rules."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @cached_property
    def _api(self) -> CustomObjectsApi:
        client: ApiClient = connect(self._cluster.kubeconfig, self._cluster.context)
        return CustomObjectsApi(client)

    def create(self, document: Document, *, strict: bool = True) -> Document:
        """Return the object as it would be stored.

        Raises:
            Refused: The API server says no.
        """
        checks = "Strict" if strict else "Ignore"
        plural, namespace = PLURALS[document["kind"]], document["metadata"].get("namespace")
        try:
            stored: object = (
                self._api.create_namespaced_custom_object(
                    GROUP, VERSION, namespace, plural, document, dry_run="All", field_validation=checks
                )
                if namespace
                else self._api.create_cluster_custom_object(
                    GROUP, VERSION, plural, document, dry_run="All", field_validation=checks
                )
            )
        except ApiException as error:
            raise Refused(_causes(error)) from error
        assert isinstance(stored, dict)
        return stored

    def change(self, document: Document, patch: Document) -> None:
        """Change the stored object of the name of `document` by a merge patch, as a dry run.

        Raises:
            Refused: The API server says no.
        """
        plural, metadata = PLURALS[document["kind"]], document["metadata"]
        try:
            if namespace := metadata.get("namespace"):
                self._api.patch_namespaced_custom_object(
                    GROUP, VERSION, namespace, plural, metadata["name"], patch, dry_run="All"
                )
            else:
                self._api.patch_cluster_custom_object(GROUP, VERSION, plural, metadata["name"], patch, dry_run="All")
        except ApiException as error:
            raise Refused(_causes(error)) from error


def _causes(error: ApiException) -> tuple[Cause, ...]:
    answer = json.loads(error.body or "{}")
    causes = answer.get("details", {}).get("causes", [])
    told = tuple(Cause(cause.get("field", ""), cause.get("message", "")) for cause in causes)
    return told or (Cause("", answer.get("message", str(error))),)
