"""The access manager: `python -m aif_runtime.roles.access_manager FILE`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys

from aif_runtime.roles.attaching import ACCESS, CONTROL, attachment, until
from aif_runtime.roles.running import main
from aif_runtime.roles.settings import Address, Role
from aif_runtime.twolevel.access import AccessManager
from aif_runtime.wire.hub import Hub
from aif_runtime.wire.peer import Peer, unanswered
from aif_runtime.wire.streams import Listener

log = logging.getLogger(__name__)


class AccessManagerRole(Role):
    """What the access manager is told.

    Attributes:
        listen: Address for terminals.
        manager: Address of the routine manager.
        purpose: What terminals are told of the job.
    """

    listen: Address
    manager: Address
    purpose: str = ""


async def run(role: AccessManagerRole) -> None:
    """Run the role until the job is done."""
    manager = Peer(role.manager, unanswered, role.pace, role.limits, role.job)
    hub = Hub(role.job, 1, unanswered, role.pace, role.limits)
    access = AccessManager(hub, manager, {"job": role.job, "purpose": role.purpose})
    manager.handler, hub.handler = access.from_manager, access.from_terminal
    listener = Listener(role.listen, role.credentials, role.frame_bytes)
    listener.add({ACCESS: hub.attach})
    await listener.start()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(listener.stop)
        stack.callback(hub.close)
        staying = await stack.enter_async_context(attachment(role, manager, CONTROL, {"part": "access"}))
        await until(access.finished, staying, asyncio.create_task(access.report()))


if __name__ == "__main__":
    sys.exit(main(AccessManagerRole, run))
