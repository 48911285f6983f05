"""What a cluster holds, read once; the one module of the command line that loads a client for Kubernetes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from kubernetes.config import ConfigException, list_kube_config_contexts

from aif.api.aiservice import AIService
from aif.api.base import API_VERSION
from aif.api.computenode import ComputeNode
from aif.cli.simulation import Network
from aif.domain.cluster import ObjectReference
from aif.errors import Denied, Forbidden, InvalidInput, InvalidSetting, NotFound
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
)
from aif.gateways.kubernetes.views import parse_node
from aif.settings import Settings

DEFAULT_NAMESPACE: Final = "default"

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
    namespace = access.namespace or namespace_of(access)
    reference = ObjectReference(API_VERSION, "AIService", namespace, name)

    async def read(api: Api) -> Json:
        return await api.get(reference)

    try:
        found = parse_service(_ask(access, read))
    except NotFound as error:
        advice = "`kubectl get aiservices -A` lists what there is"
        raise InvalidInput(f"no AIService {name} in namespace {namespace}: {advice}") from error
    if isinstance(found, Faulty):
        raise InvalidInput(f"AIService {name} in namespace {namespace} cannot be read: {found.error.message}")
    return found


def services(access: Access, *, everywhere: bool) -> tuple[AIService, ...]:
    """Return the AIServices of a namespace, or all of them; those that cannot be read are left out.

    Raises:
        ApiError: The API server did not answer, or refused.
    """
    namespace = "" if everywhere else access.namespace or namespace_of(access)

    async def read(api: Api) -> list[Json]:
        return await _all(api, AISERVICES, namespace)

    return tuple(one for one in map(parse_service, _ask(access, read)) if isinstance(one, AIService))


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
        found = _ask(access, read)
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

    compute_nodes, nodes, pods, services = _ask(access, read)
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


def _ask(access: Access, read: Callable[[Api], Awaitable[T]]) -> T:
    _require_one(access.kubeconfig)

    async def asked() -> T:
        connection = await connect(Settings(kubeconfig=access.kubeconfig, context=access.context))
        try:
            async with connection.session() as session:
                return await read(Api(session, connection.server, Exposition()))
        finally:
            await connection.close()

    return asyncio.run(asked())
