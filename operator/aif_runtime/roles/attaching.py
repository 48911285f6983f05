"""Roles that are attached to a hub until their job is done."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aif_runtime.roles.settings import Role
from aif_runtime.wire.envelope import Json
from aif_runtime.wire.member import Member
from aif_runtime.wire.peer import Handler, Peer

FEDERATION = "Federation"


@contextlib.asynccontextmanager
async def attachment(
    role: Role, address: str, method: str, handler: Handler, info: Json
) -> AsyncIterator[tuple[Peer, asyncio.Task[None]]]:
    """Stay attached to a hub while the block runs; yields the hub and the task that ends only where it is refused."""
    hub = Peer(address, handler, role.pace, role.limits, role.job)
    staying = asyncio.create_task(Member(role.name, address, method, hub, role.credentials, info).stay())
    try:
        yield hub, staying
    finally:
        staying.cancel()
        hub.close()
        await asyncio.wait((staying,))


async def attached(role: Role, address: str, handler: Handler, finished: asyncio.Event, info: Json) -> None:
    """Answer a hub until ``finished`` is set.

    Raises:
        JobFailed: The hub refuses this role.
    """
    async with attachment(role, address, FEDERATION, handler, info) as (_, staying):
        waiting = asyncio.create_task(finished.wait())
        await asyncio.wait((staying, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if staying.done():
            staying.result()
