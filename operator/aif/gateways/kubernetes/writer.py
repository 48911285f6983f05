"""All writes but the Lease's: fenced by leadership, within a budget, within what the operator may ever write."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from aif.api.base import FIELD_MANAGER
from aif.domain.cluster import ObjectReference
from aif.errors import Conflict, Rejected, Unavailable
from aif.gateways.exposition import Exposition
from aif.gateways.kubernetes.budget import Budget
from aif.gateways.kubernetes.client import Api, Json
from aif.gateways.kubernetes.guard import check_apply, check_create, check_delete, check_event, check_status

WRITE_SECONDS: Final = 4.0
"""Bound of one write; renewal and write together stay below the Lease's duration."""

APPLY: Final = "application/apply-patch+yaml"
MERGE: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"

_OTHER_UID: Final = re.compile(r"metadata[./]uid\b|the server rejected our request due to an error in our request$")
"""How a uid is refused: by validation with its field, by the test of a JSON patch with a sentence that says nothing."""


class NotLeading(Unavailable):
    """This replica does not hold the Lease, so nothing was sent."""


class Writer:
    """Writes, each checked against what may be written, the budget and leadership, in this order."""

    def __init__(self, api: Api, *, is_leader: Callable[[], bool], budget: Budget, metrics: Exposition) -> None:
        self._api = api
        self._is_leader = is_leader
        self._budget = budget
        self._metrics = metrics

    async def apply(self, body: Mapping[str, Any], *, force: bool = True) -> Json:
        """Server-side apply of an object's full intent; without ``force`` nobody else's fields are taken over.

        Raises:
            Rejected: The operator may not write this, or the API server refuses it.
            Conflict: Somebody else owns a field (without ``force``), or a uid in ``body`` is not the object's.
            Unavailable: No answer, or one that says later; it may have been carried out.
        """
        resource = check_apply(body)
        metadata = body["metadata"]
        path = resource.path(metadata.get("namespace", ""), metadata["name"])
        params = {"fieldManager": FIELD_MANAGER, "force": "true" if force else "false"}
        try:
            return await self._send("PATCH", path, body, APPLY, params)
        except Rejected as error:
            raise _other_object(error, f"{body['kind']} {metadata['name']}") from error

    async def write_status(self, target: ObjectReference, status: Mapping[str, Any]) -> Json:
        """Replace an object's whole status, if the object is still the one with that uid.

        A JSON patch, for its test: server-side apply of a status takes no notice of a uid.

        Raises:
            Conflict: The object has another uid.
            NotFound: It is gone.
            Rejected: The operator may not write this, or the API server refuses it.
            Unavailable: No answer, or one that says later; it may have been carried out.
        """
        path = check_status(target).path(target.namespace, target.name, "status")
        patch = [
            {"op": "test", "path": "/metadata/uid", "value": target.uid},
            {"op": "add", "path": "/status", "value": status},
        ]
        try:
            answer = await self._send("PATCH", path, patch, JSON_PATCH, {"fieldManager": FIELD_MANAGER})
        except Rejected as error:
            raise _other_object(error, f"{target.kind} {target.name}") from error
        self._metrics.status_writes_total.labels(target.kind).inc()
        return answer

    async def delete(self, target: ObjectReference, resource_version: str) -> None:
        """Delete exactly the object with that uid and resourceVersion, and in the background what it owns.

        Raises:
            NotFound: It is gone.
            Conflict: The object is another one, or was changed since.
            Rejected: The operator may not delete this, or the API server refuses it.
            Unavailable: No answer, or one that says later; it may have been carried out.
        """
        path = check_delete(target, resource_version).path(target.namespace, target.name)
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": target.uid, "resourceVersion": resource_version},
        }
        await self._send("DELETE", path, options, "application/json", {})

    async def create(self, body: Mapping[str, Any]) -> None:
        """Create an object that nobody here reads afterwards.

        Raises:
            Conflict: One of that name is there.
            ApiError: As `apply`.
        """
        path = check_create(body).path(body["metadata"]["namespace"])
        await self._send("POST", path, body, "application/json", {"fieldManager": FIELD_MANAGER})

    async def create_event(self, event: Mapping[str, Any], regarding: ObjectReference) -> Json:
        """Create an event on ``regarding``.

        Raises:
            ApiError: As `apply`.
        """
        namespace = event["metadata"]["namespace"]
        path = check_event(namespace, regarding).path(namespace)
        return await self._send("POST", path, event, "application/json", {"fieldManager": FIELD_MANAGER})

    async def patch_event(
        self, name: str, namespace: str, regarding: ObjectReference, patch: Mapping[str, Any]
    ) -> Json:
        """Merge ``patch`` into an event on ``regarding``.

        Raises:
            ApiError: As `apply`; NotFound where the event has expired.
        """
        path = check_event(namespace, regarding).path(namespace, name)
        return await self._send("PATCH", path, patch, MERGE, {"fieldManager": FIELD_MANAGER})

    async def _send(self, method: str, path: str, body: object, content_type: str, params: Mapping[str, str]) -> Json:
        self._metrics.write_wait_seconds_total.inc(await self._budget.take())
        if not self._is_leader():
            raise NotLeading(f"{method} {path}: not sent, this replica does not hold the Lease")
        return await self._api.request(
            method,
            path,
            params=params,
            body=body,
            content_type=content_type,
            seconds=WRITE_SECONDS,
            # Asked again with the first byte: a process that was frozen in between no longer leads when it wakes.
            permit=self._is_leader,
        )


def _other_object(error: Rejected, title: str) -> Rejected | Conflict:
    """Return what a refused uid means: the object is another one of the same name, not a faulty request."""
    if _OTHER_UID.search(error.message):
        return Conflict(f"{title} is no longer the object that was decided on: its uid is another", status=409)
    return error
