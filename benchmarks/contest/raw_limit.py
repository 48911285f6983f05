"""The limit for any asyncio program: the same requests as the operator's, and nothing else.

`python -m contest.raw_limit NAMESPACE KUBECONFIG` lists and watches AIServices, and sends for each the five writes in
the order and the form of the operator: status by JSON patch, children by server-side apply, and an Event. It decides
nothing, keeps nothing, and looks at no answer.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any, Final

import orjson

from contest.access import APPLY, JSON_PATCH, Access
from contest.same_writes import Picker, budget, deployment, event, front, status

_MANAGER: Final = "raw-limit"
_WORKERS: Final = 16
"""As many as the operator has."""


async def place(access: Access, service: dict[str, Any], node: str) -> None:
    """Write what a placement takes."""
    meta = service["metadata"]
    name, scope, query = meta["name"], f"namespaces/{meta['namespace']}", f"?fieldManager={_MANAGER}"
    patch = [
        {"op": "test", "path": "/metadata/uid", "value": meta["uid"]},
        {"op": "add", "path": "/status", "value": status(service, node)},
    ]
    await access.send("PATCH", f"/apis/net4ai.io/v1alpha1/{scope}/aiservices/{name}/status{query}", patch, JSON_PATCH)
    copy = deployment(service, node, _MANAGER)
    path = f"/apis/apps/v1/{scope}/deployments/{copy['metadata']['name']}{query}"
    await access.send("PATCH", path, copy, APPLY)
    await access.send("PATCH", f"/api/v1/{scope}/services/{name}{query}", front(service, _MANAGER), APPLY)
    path = f"/apis/policy/v1/{scope}/poddisruptionbudgets/{name}{query}"
    await access.send("PATCH", path, budget(service, _MANAGER), APPLY)
    await access.send("POST", f"/apis/events.k8s.io/v1/{scope}/events", event(service, node, _MANAGER))


async def watch(access: Access, path: str, take: Callable[[dict[str, Any]], None]) -> None:
    """Hand over every service that there is or that comes."""
    listed = await access.send("GET", path)
    for item in listed["items"]:
        take(item)
    rest = bytearray()
    async with access.watch(f"{path}?watch=1&resourceVersion={listed['metadata']['resourceVersion']}") as answer:
        async for chunk in answer.content.iter_any():
            rest += chunk
            *lines, last = rest.split(b"\n")
            rest = bytearray(last)
            for line in lines:
                told = orjson.loads(line)
                if told["type"] == "ADDED":
                    take(told["object"])


async def main(namespace: str, kubeconfig: str) -> None:
    """Serve a namespace until killed."""
    access = await Access.by(kubeconfig)
    listed = await access.send("GET", "/apis/net4ai.io/v1alpha1/computenodes")
    picker = Picker([item["spec"]["nodeName"] for item in listed["items"]])
    work: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def worker() -> None:
        while True:
            await place(access, await work.get(), picker.pick())

    path = f"/apis/net4ai.io/v1alpha1/namespaces/{namespace}/aiservices"
    await asyncio.gather(watch(access, path, work.put_nowait), *(worker() for _ in range(_WORKERS)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
