"""A training job in a cluster: the job, its pods, what its leading pod tells, and their logs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from aif.api.trainingjob import TrainingJob
from aif.cli.live import Access, ask, namespace_of
from aif.cli.train.pods import LEADERS, RolePod, Seen, parse
from aif.domain.cluster import JOB_LABEL
from aif.errors import ApiError, Denied, Forbidden, InvalidInput, NotFound, Unavailable
from aif.gateways.kubernetes.client import Api
from aif.gateways.kubernetes.kinds import field_path
from aif.gateways.kubernetes.resources import PODS, TRAININGJOBS
from aif.reconcile.training.files import STATUS_PORT

Json = dict[str, Any]


_PAGE_SECONDS: Final = 5.0
_QUIET_SECONDS: Final = 86_400.0
_PATIENCE_SECONDS: Final = 30.0
"""How long an API server may not answer while a job is watched."""


def jobs(access: Access, *, everywhere: bool) -> tuple[TrainingJob, ...]:
    """Return the TrainingJobs of a namespace, or all of them; those that cannot be read are left out.

    Raises:
        ApiError: The API server did not answer, or refused.
    """
    namespace = "" if everywhere else access.namespace or namespace_of(access)

    async def read(api: Api) -> list[Json]:
        return [item async for page in api.pages(TRAININGJOBS, namespace) for item in page["items"]]

    return tuple(job for raw in ask(access, read) if (job := _job_or_none(raw)) is not None)


async def look(api: Api, namespace: str, name: str, now: datetime, *, live: bool) -> Seen:
    """Return a training job with its pods; where ``live``, with what its leading pod tells.

    Raises:
        InvalidInput: There is none of that name, or its spec cannot be read.
        ApiError: The API server did not answer, or refused.
    """
    job = await one(api, namespace, name)
    try:
        found = await pods(api, namespace, name)
    except (Denied, Forbidden):
        note = "pods could not be read: have the verb list on pods granted to you"
        return Seen(job, now, notes=(note,))
    if not live:
        return Seen(job, now, found)
    page, notes = await _page(api, namespace, found)
    return Seen(job, now, found, page, notes)


async def one(api: Api, namespace: str, name: str) -> TrainingJob:
    """Return a training job.

    Raises:
        InvalidInput: There is none of that name, or its spec cannot be read.
        ApiError: The API server did not answer, or refused.
    """
    try:
        raw = await api.request("GET", TRAININGJOBS.path(namespace, name))
    except NotFound as error:
        advice = "`kubectl get trainingjobs -A` lists what there is; one with a ttl is deleted after its end"
        raise InvalidInput(f"no TrainingJob {name} in namespace {namespace}: {advice}") from error
    try:
        return _job(raw)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        path = field_path(fault["loc"])
        raise InvalidInput(
            f"TrainingJob {name} in namespace {namespace} cannot be read: {path}: {fault['msg']}"
        ) from error


def _job(raw: Json) -> TrainingJob:
    """Return the job; without its status where only that cannot be read."""
    try:
        return TrainingJob.model_validate(raw)
    except ValidationError:
        return TrainingJob.model_validate({name: value for name, value in raw.items() if name != "status"})


def _job_or_none(raw: Json) -> TrainingJob | None:
    try:
        return _job(raw)
    except ValidationError:
        return None


async def pods(api: Api, namespace: str, name: str) -> tuple[RolePod, ...]:
    """Return the pods of a training job, also those that have ended.

    Raises:
        ApiError: The API server did not answer, or refused.
    """
    pages = api.pages(PODS, namespace, f"{JOB_LABEL}={name}")
    found = [parse(item) async for page in pages for item in page["items"]]
    return tuple(sorted(found, key=lambda pod: (pod.role, pod.index or 0, pod.created, pod.name)))


async def _page(api: Api, namespace: str, found: tuple[RolePod, ...]) -> tuple[Json | None, tuple[str, ...]]:
    leader = next((pod for pod in found if pod.role in LEADERS and pod.phase == "Running"), None)
    if leader is None:
        return None, ("no aggregator or trainer runs that could be asked: this is what the status of the job says",)
    path = f"{PODS.path(namespace, f'{leader.name}:{STATUS_PORT}')}/proxy/status"
    try:
        return await api.request("GET", path, seconds=_PAGE_SECONDS), ()
    except (Denied, Forbidden):
        advice = "have the verb get on pods/proxy granted to you"
        return None, (f"{leader.name} could not be asked, this is what the status of the job says: {advice}",)
    except ApiError as error:
        return None, (f"{leader.name} did not answer, this is what the status of the job says ({error.message})",)


async def lines(
    api: Api, namespace: str, pod: str, tail: int | None, *, follow: bool = False, since: str = ""
) -> AsyncIterator[str]:
    """Yield the lines of a pod's log, each behind its time.

    Raises:
        ApiError: There is no log yet, or the API server did not answer.
    """
    params = {"timestamps": "true"}
    params |= {"tailLines": str(tail)} if tail is not None else {}
    params |= {"sinceTime": since} if since else {}
    params |= {"follow": "true"} if follow else {}
    quiet = _QUIET_SECONDS if follow else _PATIENCE_SECONDS
    async with api.stream(PODS.path(namespace, pod, "log"), params, quiet) as content:
        while line := await content.readline():
            yield line.decode(errors="replace").rstrip("\n")


async def until(look: Callable[[], Awaitable[bool]], seconds: float) -> None:
    """Look again after ``seconds`` until ``look`` says that it is enough; a server may be away for a while.

    Raises:
        AifError: What ``look`` raises; Unavailable only where it lasted for half a minute.
    """
    clock = asyncio.get_running_loop().time
    heard = clock()
    while True:
        try:
            if await look():
                return
            heard = clock()
        except Unavailable:
            if clock() - heard > _PATIENCE_SECONDS:
                raise
        await asyncio.sleep(seconds)


def seen(access: Access, name: str, now: datetime, *, live: bool) -> Seen:
    """Return a training job as it is; see `look`.

    Raises:
        AifError: It is not there, or cannot be read.
    """
    namespace = access.namespace or namespace_of(access)

    async def read(api: Api) -> Seen:
        return await look(api, namespace, name, now, live=live)

    return ask(access, read)
