"""The forwarding plane: `python -m aif_runtime.roles.forwarding_plane FILE`."""

from __future__ import annotations

import asyncio
import logging
import sys

from aif_runtime.roles.attaching import CONTROL, attachment, until
from aif_runtime.roles.running import main
from aif_runtime.roles.settings import Address, Role
from aif_runtime.twolevel.forwarding import DATA, ForwardingPlane
from aif_runtime.wire.peer import Peer, unanswered
from aif_runtime.wire.streams import Listener

log = logging.getLogger(__name__)


class ForwardingPlaneRole(Role):
    """What the forwarding plane is told.

    Attributes:
        listen: Address for terminals.
        manager: Address of the routine manager.
    """

    listen: Address
    manager: Address


async def run(role: ForwardingPlaneRole) -> None:
    """Run the role until the job is done."""
    await serve(role, plane_of(role))


def plane_of(role: ForwardingPlaneRole) -> ForwardingPlane:
    """Return the forwarding plane that a role describes."""
    manager = Peer(role.manager, unanswered, role.pace, role.limits, role.job)
    plane = ForwardingPlane(manager, role.credentials, role.frame_bytes)
    manager.handler = plane.from_manager
    return plane


async def serve(role: ForwardingPlaneRole, plane: ForwardingPlane) -> None:
    """Serve a forwarding plane until the job is done."""
    listener = Listener(role.listen, role.credentials, role.frame_bytes, plane.outer)
    listener.add({DATA: plane.relay})
    await listener.start()
    try:
        async with attachment(role, plane.manager, CONTROL, {"part": "forwarding"}) as staying:
            reporting = asyncio.create_task(plane.report())
            await until(plane.finished, staying, reporting)
    finally:
        await listener.stop()


if __name__ == "__main__":
    sys.exit(main(ForwardingPlaneRole, run))
