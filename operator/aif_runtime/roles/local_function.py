"""The local training function of a group: `python -m aif_runtime.roles.local_function FILE`."""

from __future__ import annotations

import contextlib
import sys

from aif_runtime.roles.attaching import CONTROL, FEDERATION, attachment, until
from aif_runtime.roles.running import main
from aif_runtime.roles.settings import Address, LearningRole, Name
from aif_runtime.twolevel.forwarding import DATA
from aif_runtime.twolevel.lower_round import Momentum, Schedule
from aif_runtime.twolevel.server import LocalFunction
from aif_runtime.wire.peer import Peer, unanswered
from aif_runtime.wire.streams import Listener


class LocalFunctionRole(LearningRole):
    """What a local function is told.

    Attributes:
        group: Name of its group.
        listen: Address for the forwarding plane.
        manager: Address of the routine manager.
        aggregator: Address of the aggregator.
        schedule: Whether clients learn at once or one after the other.
        momentum: Whether momentum goes on over rounds; only where this is the one server.
        gather_seconds: How long a round waits for all clients, once there are k.
    """

    group: Name
    listen: Address
    manager: Address
    aggregator: Address
    schedule: Schedule = Schedule.PARALLEL
    momentum: Momentum = Momentum.RESET
    gather_seconds: float = 5.0


async def run(role: LocalFunctionRole) -> None:
    """Run the role until the job is done."""
    await serve(role, function_of(role))


def function_of(role: LocalFunctionRole) -> LocalFunction:
    """Return the local function that a role describes."""
    task = role.learned()
    manager = Peer(role.manager, unanswered, role.pace, role.limits, role.job)
    function = LocalFunction(
        role.group,
        role.learner(task),
        task,
        role.job,
        role.schedule,
        role.momentum,
        manager,
        role.limits,
        role.gather_seconds,
    )
    manager.handler = function.from_manager
    return function


async def serve(role: LocalFunctionRole, function: LocalFunction) -> None:
    """Serve a local function until the job is done."""
    upward = Peer(role.aggregator, function.from_aggregator, role.pace, role.limits, role.job)
    listener = Listener(role.listen, role.credentials, role.frame_bytes)
    listener.add({DATA: function.serve})
    await listener.start()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(listener.stop)
        told = {"part": f"server-{role.group}"}
        managed = await stack.enter_async_context(attachment(role, function.manager, CONTROL, told))
        federated = await stack.enter_async_context(attachment(role, upward, FEDERATION, {"role": "client"}))
        await until(function.finished, managed, federated)


if __name__ == "__main__":
    sys.exit(main(LocalFunctionRole, run))
