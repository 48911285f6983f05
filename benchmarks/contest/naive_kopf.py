"""A naive kopf operator that does the same writes: `python -m contest.naive_kopf NAMESPACE KUBECONFIG`.

kopf as its documentation shows it: a handler for what is created, which makes the children and returns the status for
kopf to write. It is spared what slows others down: requests go over bounded connections of aiohttp rather than through
a typed client, and kopf's own events about handlers are off, so that there is one Event per service, as the
operator writes.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import kopf

from contest.access import Access
from contest.same_writes import Picker, budget, deployment, event, front, status

_MANAGER: Final = "naive-kopf"


def registry(access: Access, picker: Picker) -> kopf.OperatorRegistry:
    """Return the handlers."""
    handlers = kopf.OperatorRegistry()

    @kopf.on.login(registry=handlers)
    async def login(**_: Any) -> kopf.AiohttpSession:
        """Return a session over the same connections."""
        return kopf.AiohttpSession(server=access.connection.server, aiohttp_session=access.connection.session())

    @kopf.on.create("net4ai.io", "v1alpha1", "aiservices", registry=handlers)
    async def create(body: kopf.Body, patch: MutableMapping[str, Any], namespace: str | None, **_: Any) -> None:
        """Place a service."""
        service, node, core = dict(body), picker.pick(), f"namespaces/{namespace}"
        await access.send("POST", f"/apis/apps/v1/{core}/deployments", deployment(service, node, _MANAGER))
        await access.send("POST", f"/api/v1/{core}/services", front(service, _MANAGER))
        await access.send("POST", f"/apis/policy/v1/{core}/poddisruptionbudgets", budget(service, _MANAGER))
        await access.send("POST", f"/apis/events.k8s.io/v1/{core}/events", event(service, node, _MANAGER))
        patch["status"] = status(service, node)

    return handlers


async def main(namespace: str, kubeconfig: str) -> None:
    """Serve a namespace until told to stop."""
    access = await Access.by(kubeconfig)
    listed = await access.send("GET", "/apis/net4ai.io/v1alpha1/computenodes")
    picker = Picker([item["spec"]["nodeName"] for item in listed["items"]])
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    await kopf.operator(registry=registry(access, picker), settings=settings, namespaces=[namespace], standalone=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
