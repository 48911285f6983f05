"""Roles that are attached to others until their job is done."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

from aif_runtime.roles.settings import Role
from aif_runtime.wire.envelope import Json
from aif_runtime.wire.member import Member
from aif_runtime.wire.peer import Handler, Peer

FEDERATION: Final = "Federation"
CONTROL: Final = "Control"
ACCESS: Final = "Access"


@contextlib.asynccontextmanager
async def attachment(
    role: Role, hub: Peer, method: str, info: Json, name: str = ""
) -> AsyncIterator[asyncio.Task[None]]:
    """Stay attached to a hub while the block runs; yields the task that ends only where the hub refuses."""
    member = Member(name or role.name, hub.name, method, hub, role.credentials, info)
    staying = asyncio.create_task(member.stay())
    try:
        yield staying
    finally:
        staying.cancel()
        hub.close()
        await asyncio.wait((staying,))


async def until(finished: asyncio.Event, *tasks: asyncio.Task[Any]) -> None:
    """Wait until a job is done; what ends before that raises its error. The tasks are cancelled."""
    waiting = asyncio.create_task(finished.wait())
    try:
        await asyncio.wait((waiting, *tasks), return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in (waiting, *tasks):
            task.cancel()


async def attached(role: Role, address: str, handler: Handler, finished: asyncio.Event, info: Json) -> None:
    """Answer an aggregator until ``finished`` is set.

    Raises:
        JobFailed: The aggregator refuses this role.
    """
    hub = Peer(address, handler, role.pace, role.limits, role.job)
    async with attachment(role, hub, FEDERATION, info) as staying:
        await until(finished, staying)
