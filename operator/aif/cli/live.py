"""What a cluster holds, and requests to it; `train.cluster` adds training jobs. Both load a client for Kubernetes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from kubernetes.config import ConfigException, list_kube_config_contexts

from aif.api.aiservice import AIService
from aif.api.base import API_VERSION
from aif.api.computenode import ComputeNode
from aif.cli.simulation.decisions import Network
from aif.domain.cluster import ObjectReference
from aif.errors import Conflict, Denied, Forbidden, InvalidInput, InvalidSetting, NotFound, Unavailable
from aif.gateways.exposition import Exposition
from aif.gateways.kubernetes.client import Api, Json
from aif.gateways.kubernetes.connection import connect
from aif.gateways.kubernetes.credentials import default_kubeconfig
from aif.gateways.kubernetes.kinds import Faulty, parse_compute_node, parse_service
from aif.gateways.kubernetes.pods import parse_pod
from aif.gateways.kubernetes.resources import (
    AISERVICES,
    COMPUTENODES,
    EVENTS,
    NODES,
    PODS,
    Resource,
    path_of,
)
from aif.gateways.kubernetes.views import parse_node
from aif.settings import Settings

DEFAULT_NAMESPACE: Final = "default"

FIELD_MANAGER: Final = "kubectl-aif"
"""Under which the API server records what a person asks for."""

LOOK_SECONDS: Final = 0.2
"""Between two looks at a service that is followed."""

SILENCE_SECONDS: Final = 30.0
"""How long an API server may not answer while a service is followed."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Access:
    """Which cluster, and which namespace in it.

    Attributes:
        kubeconfig: Files, as KUBECONFIG takes them; the pod's own account or ~/.kube/config when empty.
        context: Context within them; the current one when empty.
        namespace: Namespace; that of the context when empty.
    """

    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""


def service(access: Access, name: str) -> AIService:
    """Return one AIService.

    Raises:
        InvalidInput: There is none of that name, or its spec cannot be read.
        ApiError: The API server did not answer, or refused.
    """
    where = _reference(access, name)

    async def read(api: Api) -> AIService:
        return await _one(api, where)

    return ask(access, read)


def _reference(access: Access, name: str) -> ObjectReference:
    return ObjectReference(API_VERSION, "AIService", access.namespace or namespace_of(access), name)


async def _one(api: Api, where: ObjectReference) -> AIService:
    try:
        return _readable(await api.get(where), where)
    except NotFound as error:
        advice = "`kubectl get aiservices -A` lists what there is"
        raise InvalidInput(f"no AIService {where.name} in namespace {where.namespace}: {advice}") from error


def _readable(raw: Json, where: ObjectReference) -> AIService:
    found = parse_service(raw)
    if isinstance(found, Faulty):
        message = found.error.message
        raise InvalidInput(f"AIService {where.name} in namespace {where.namespace} cannot be read: {message}")
    return found


def annotate(access: Access, about: AIService, annotations: Mapping[str, str]) -> AIService:
    """Set annotations of an AIService, and nothing else of it, with the rights of the user; return what it is then.

    Raises:
        InvalidInput: The user may not, or another service has the name by now.
        ApiError: The API server did not answer, or refused.
    """
    meta = about.metadata
    where = ObjectReference(API_VERSION, "AIService", meta.namespace, meta.name, meta.uid)
    return _readable(set_annotations(access, where, annotations), where)


def set_annotations(access: Access, where: ObjectReference, annotations: Mapping[str, str]) -> Json:
    """Set annotations of an object, and nothing else of it, with the rights of the user; return what it is then.

    Raises:
        InvalidInput: The user may not, or another object has the name by now.
        ApiError: The API server did not answer, or refused.
    """
    # The uid is a precondition: an object that was made anew meanwhile was not asked about.
    body = {"metadata": {"uid": where.uid, "annotations": dict(annotations)}}

    async def write(api: Api) -> Json:
        kind, params = "application/merge-patch+json", {"fieldManager": FIELD_MANAGER}
        return await api.request("PATCH", path_of(where), params=params, body=body, content_type=kind)

    name = f"{where.kind} {where.name} in namespace {where.namespace}"
    try:
        return ask(access, write)
    except Forbidden as error:
        advice = (
            f"have the verb patch on {where.kind.lower()}s granted to you; the right to write its status is not needed"
        )
        raise InvalidInput(f"{name} may not be changed by you: {advice}") from error
    except (Conflict, NotFound) as error:
        raise InvalidInput(f"{name} was deleted meanwhile, or made anew: look at it again") from error


def follow(access: Access, name: str, enough: Callable[[AIService], bool], seconds: float) -> bool:
    """Look at an AIService until ``enough`` of it was seen; False where ``seconds`` pass first.

    Raises:
        InvalidInput: It is gone, or cannot be read.
        ApiError: The API server refused, or did not answer for half a minute.
    """
    where = _reference(access, name)

    async def look(api: Api) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await _until(api, where, enough)
        except TimeoutError:
            return False
        return True

    return ask(access, look)


async def _until(api: Api, where: ObjectReference, enough: Callable[[AIService], bool]) -> None:
    clock = asyncio.get_running_loop().time
    heard = clock()
    while True:
        try:
            found = await _one(api, where)
        except Unavailable:
            if clock() - heard > SILENCE_SECONDS:
                raise
        else:
            heard = clock()
            if enough(found):
                return
        await asyncio.sleep(LOOK_SECONDS)


def services(access: Access, *, everywhere: bool) -> tuple[AIService, ...]:
    """Return the AIServices of a namespace, or all of them; those that cannot be read are left out.

    Raises:
        ApiError: The API server did not answer, or refused.
    """
    namespace = "" if everywhere else access.namespace or namespace_of(access)

    async def read(api: Api) -> list[Json]:
        return await _all(api, AISERVICES, namespace)

    return tuple(one for one in map(parse_service, ask(access, read)) if isinstance(one, AIService))


def events(access: Access, about: AIService) -> list[Json] | None:
    """Return the events on AIServices of that name; None where the user may not list events.

    Raises:
        ApiError: The API server did not answer.
    """
    path = EVENTS.path(about.metadata.namespace)
    selector = f"regarding.kind=AIService,regarding.name={about.metadata.name}"

    async def read(api: Api) -> list[Json]:
        listed: list[Json] = (await api.request("GET", path, params={"fieldSelector": selector}))["items"]
        return listed

    try:
        found = ask(access, read)
    except (Denied, Forbidden):
        return None
    wanted = ("AIService", about.metadata.name)
    regarding = [(event.get("regarding", {}), event) for event in found]
    return [event for target, event in regarding if (target.get("kind"), target.get("name")) == wanted]


def network(access: Access) -> tuple[Network, tuple[AIService, ...]]:
    """Return all compute nodes with what stands behind them, and all services.

    Raises:
        InvalidSetting: There are no credentials, or they cannot be used.
        ApiError: The API server did not answer, or refused.
    """

    async def read(api: Api) -> list[list[Json]]:
        # One after the other: each list may fill many pages, and nobody waits for milliseconds here.
        return [await _all(api, resource) for resource in (COMPUTENODES, NODES, PODS, AISERVICES)]

    compute_nodes, nodes, pods, services = ask(access, read)
    readable = tuple(one for one in map(parse_compute_node, compute_nodes) if isinstance(one, ComputeNode))
    behind = {node.name: node for node in map(parse_node, nodes)}
    running = tuple(pod for pod in map(parse_pod, pods) if pod is not None)
    placed = tuple(one for one in map(parse_service, services) if isinstance(one, AIService))
    return Network(readable, behind, running), placed


def namespace_of(access: Access) -> str:
    """Return the namespace that the context names, as kubectl takes it.

    Raises:
        InvalidSetting: There is no such context.
    """
    files = access.kubeconfig or str(default_kubeconfig())
    _require_one(access.kubeconfig)
    try:
        contexts, current = list_kube_config_contexts(files)  # type: ignore[no-untyped-call]
    except ConfigException:
        return DEFAULT_NAMESPACE  # within a pod there is no kubeconfig; elsewhere `connect` says what is missing
    chosen = next((one for one in contexts if one["name"] == access.context), None) if access.context else current
    if chosen is None:
        known = ", ".join(one["name"] for one in contexts)
        raise InvalidSetting("--context", f"there is no context {access.context}; known are {known}")
    return chosen["context"].get("namespace") or DEFAULT_NAMESPACE


def _require_one(files: str) -> None:
    """Raise InvalidSetting where ``files`` are named and none is there; as for kubectl, some may be absent."""
    named = [Path(file) for file in files.split(os.pathsep) if file]
    if named and not any(file.exists() for file in named):
        raise InvalidSetting("KUBECONFIG", f"there is no file {files}; name one that is, also by --kubeconfig")


async def _all(api: Api, resource: Resource, namespace: str = "") -> list[Json]:
    return [item async for page in api.pages(resource, namespace) for item in page["items"]]


def ask(access: Access, read: Callable[[Api], Awaitable[T]]) -> T:
    """Return what ``read`` makes of the cluster, over connections that are closed then.

    Raises:
        InvalidSetting: There are no credentials, or they cannot be used.
        ApiError: As ``read``.
    """
    _require_one(access.kubeconfig)

    async def asked() -> T:
        connection = await connect(Settings(kubeconfig=access.kubeconfig, context=access.context))
        try:
            async with connection.session() as session:
                return await read(Api(session, connection.server, Exposition()))
        finally:
            await connection.close()

    return asyncio.run(asked())
