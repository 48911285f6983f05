"""Carries out what was decided, in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, assert_never

from aif.api.base import FIELD_MANAGER
from aif.domain.actions import Action, Apply, Delete, Emit, MakeCertificates, WriteStatus
from aif.domain.cluster import ObjectReference
from aif.domain.registry import REGISTERED_BY
from aif.errors import Conflict, NameTaken, NotFound
from aif.gateways.certificates import secret_data
from aif.gateways.clock import utc_now
from aif.gateways.expectations import Written
from aif.gateways.kubernetes.client import Api, Json
from aif.gateways.kubernetes.fields import controller, reference
from aif.gateways.kubernetes.guard import check_apply, check_reach
from aif.gateways.kubernetes.recorder import Recorder
from aif.gateways.kubernetes.resources import COMPUTENODES
from aif.gateways.kubernetes.writer import Writer

log = logging.getLogger(__name__)


class Applier:
    """Carries out actions, one after the other; the first failure ends the row.

    Carrying out the same actions again leaves the same objects, so a row that broke off is simply carried out again.
    """

    def __init__(self, api: Api, writer: Writer, recorder: Recorder) -> None:
        self._api = api
        self._writer = writer
        self._recorder = recorder

    async def carry_out(self, actions: Sequence[Action], regarding: ObjectReference) -> AsyncIterator[Written]:
        """Carry out ``actions`` that were decided for ``regarding``, and yield each write as it is done.

        Raises:
            Rejected: An action reaches beyond the namespace of ``regarding``, or the API server refuses it.
            Conflict: The world is no longer what the decision was made on.
            NameTaken: An object of that name exists and is somebody else's.
            Unavailable: No answer, or one that says later.
        """
        for action in actions:
            written = await self._carry_out(action, regarding)
            if written is not None:
                yield written

    async def _carry_out(self, action: Action, regarding: ObjectReference) -> Written | None:
        match action:
            case Apply(body, known):
                return await self._apply(body, regarding, known=known)
            case Delete(target, resource_version):
                return await self._delete(target, resource_version, regarding)
            case WriteStatus(target, status):
                check_reach(target.namespace, regarding, f"a status of {target.kind} {target.name}")
                return _written(await self._writer.write_status(target, status))
            case Emit():
                await self._recorder.emit(action)
                return None
            case MakeCertificates(body, names):
                await self._make_certificates(body, names, regarding)
                return None
            case _:
                assert_never(action)

    async def _make_certificates(
        self, body: Mapping[str, Any], names: Mapping[str, Sequence[str]], regarding: ObjectReference
    ) -> None:
        """Create a Secret that cannot be read; one of its name is what an earlier attempt has made."""
        metadata = body["metadata"]
        check_reach(metadata.get("namespace", ""), regarding, f"{body['kind']} {metadata['name']}")
        data = await asyncio.to_thread(secret_data, names, utc_now())
        with contextlib.suppress(Conflict):
            await self._writer.create({**body, "data": data})

    async def _apply(self, body: Mapping[str, Any], regarding: ObjectReference, *, known: bool) -> Written:
        """Apply without force at first: what somebody else holds is looked at before it is taken.

        An object that was never seen is looked at before: where no field of two intents meets, nothing would conflict.
        As a rule there is none, which the API server's cache tells; one that it does show is looked at as it is now.
        """
        check_apply(body)
        metadata = body["metadata"]
        check_reach(metadata.get("namespace", ""), regarding, f"{body['kind']} {metadata['name']}")
        if not known and await self._exists(body):
            await self._require_ours(body)
        try:
            answer = await self._writer.apply(body, force=False)
        except Conflict as conflict:
            live = await self._require_ours(body)
            log.info("Repaired foreign change", extra={"object": _title(live), "conflict": conflict.message})
            answer = await self._writer.apply(_exactly(live, body))
        return _written(answer)

    async def _exists(self, body: Mapping[str, Any]) -> bool:
        try:
            await self._api.get(_named(body), cached=True)
        except NotFound:
            return False
        return True

    async def _require_ours(self, body: Mapping[str, Any]) -> Json:
        """Return the object that ``body`` is for, as it is now; ``body`` where there is none.

        Raises:
            NameTaken: It is somebody else's.
            Conflict: It was made for an earlier owner of the same name, and goes with that.
        """
        try:
            live = await self._api.get(_named(body))
        except NotFound:
            return dict(body)
        if not is_ours(live, body):
            if _is_left_behind(live, body):
                raise Conflict(f"{_title(live)} goes with an earlier object of its owner's name", status=409)
            raise NameTaken(f"{_title(live)} exists and is somebody else's; rename one of the two")
        return live

    async def _delete(self, target: ObjectReference, resource_version: str, regarding: ObjectReference) -> Written:
        check_reach(target.namespace, regarding, f"the deletion of {target.kind} {target.name}")
        gone = Written(target)
        try:
            live = (await self._api.get(target))["metadata"]
            if live["uid"] != target.uid or "deletionTimestamp" in live:
                return gone
            if live["resourceVersion"] != resource_version:
                raise Conflict(f"{target.kind} {target.name} was changed since its deletion was decided", status=409)
            await self._writer.delete(target, resource_version)
        except NotFound:
            pass
        return gone


def is_ours(live: Mapping[str, Any], intent: Mapping[str, Any]) -> bool:
    """Return whether the operator may take over ``live`` for ``intent``.

    A ComputeNode by the label of those that the operator registered; anything else by the controlling owner, or, where
    somebody removed that, by what the operator once applied.
    """
    metadata = live["metadata"]
    if live.get("kind") == COMPUTENODES.kind:
        return REGISTERED_BY in (metadata.get("labels") or {})
    owner = controller(metadata).get("uid", "")
    if owner:
        return bool(owner == controller(intent["metadata"]).get("uid", ""))
    fields = metadata.get("managedFields") or ()
    return any(entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply" for entry in fields)


def _is_left_behind(live: Mapping[str, Any], intent: Mapping[str, Any]) -> bool:
    before, now = controller(live["metadata"]), controller(intent["metadata"])
    return bool(before) and all(before.get(part) == now.get(part) for part in ("apiVersion", "kind", "name"))


def _exactly(live: Json, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``body`` bound to the object that was looked at, so that no newer one of that name is taken over."""
    uid = live["metadata"].get("uid")
    return {**body, "metadata": {**body["metadata"], **({"uid": uid} if uid else {})}}


def _named(body: Mapping[str, Any]) -> ObjectReference:
    return replace(reference(body), uid="")


def _written(answer: Json) -> Written:
    return Written(reference(answer), answer["metadata"].get("resourceVersion", ""))


def _title(live: Mapping[str, Any]) -> str:
    metadata = live["metadata"]
    return f"{live.get('kind')} {metadata.get('namespace', '')}/{metadata['name']}".replace(" /", " ")
