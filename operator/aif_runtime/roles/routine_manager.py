"""The routine manager: `python -m aif_runtime.roles.routine_manager FILE`."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from aif_runtime.learning.checkpoint import has_begun, next_epoch
from aif_runtime.learning.errors import InvalidRole
from aif_runtime.learning.learner import INPUT, OUTPUT, shows_data
from aif_runtime.roles.attaching import CONTROL, FEDERATION, attachment, until
from aif_runtime.roles.running import main
from aif_runtime.roles.settings import Address, LearningRole, Name, Part, Positive
from aif_runtime.roles.starting import StartPart
from aif_runtime.twolevel.grouping import AUTO, Group
from aif_runtime.twolevel.invitations import Aims
from aif_runtime.twolevel.manager import RoutineManager
from aif_runtime.wire.hub import Hub
from aif_runtime.wire.peer import Peer, unanswered
from aif_runtime.wire.pre import Reencryption
from aif_runtime.wire.streams import Listener

_SHOWS = "would show the data, which forbidRawInput excludes"


class GroupPart(Part):
    """One group, where its model is cut, and where its server listens."""

    name: Name
    cut: Annotated[str, Field(min_length=1, max_length=128)] = AUTO
    clients: Annotated[int, Field(ge=0, le=100_000)] = 0
    server: str = ""

    @model_validator(mode="after")
    def _has_a_server(self) -> Self:
        if (self.cut == OUTPUT) == bool(self.server):
            raise ValueError("a group needs a server, unless it is cut at Output: then it learns at the aggregator")
        return self


class PrivacyPart(Part):
    """What is kept from whom."""

    k_anonymity: Annotated[int, Field(ge=1, le=100_000)] = 1
    forbid_raw_input: bool = False
    reencryption: Reencryption = Reencryption.NONE


class RoutineManagerRole(LearningRole):
    """What the routine manager is told.

    Attributes:
        listen: Address for servers, the forwarding plane and the access manager.
        aggregator: Address of the aggregator.
        forwarding: Address of the forwarding plane, as terminals dial it.
        groups: Who is to learn together.
        privacy: What is kept from whom.
        state: Folder that outlives the pod.
        start: When the routine starts.
    """

    listen: Address
    aggregator: Address
    forwarding: Address
    groups: Annotated[tuple[GroupPart, ...], Field(min_length=1, max_length=1000)]
    privacy: PrivacyPart = PrivacyPart()
    state: Path
    start: StartPart = StartPart()
    deadline_seconds: Positive = 7200.0
    gather_seconds: Annotated[float, Field(ge=0, le=86_400)] = 5.0
    grace_seconds: Annotated[float, Field(ge=0, le=86_400)] = 5.0

    @model_validator(mode="after")
    def _starts_by_itself(self) -> Self:
        if self.start.when == "Routine":
            raise ValueError("start.when: Routine is for the aggregator, which waits for the routine manager")
        return self

    @model_validator(mode="after")
    def _groups_are_sound(self) -> Self:
        names = [group.name for group in self.groups]
        if len(set(names)) < len(names):
            raise ValueError("groups: two have the same name")
        for group in self.groups:
            if self.privacy.forbid_raw_input and group.cut == INPUT:
                raise ValueError(f"groups.{group.name}.cut: Input {_SHOWS}")
            if group.clients and group.clients < self.privacy.k_anonymity:
                raise ValueError(
                    f"groups.{group.name}.clients: must be at least kAnonymity ({self.privacy.k_anonymity})"
                )
        return self

    def aims(self) -> Aims:
        """Return them as the manager wants them; InvalidRole where a cut is none of the model's."""
        learner = self.learner(self.learned())
        for group in self.groups:
            if group.cut != AUTO:
                try:
                    learner.top(group.cut)
                except InvalidRole as error:
                    raise InvalidRole(f"groups.{group.name}.{error}") from error
            if self.privacy.forbid_raw_input and shows_data(learner.layers, group.cut):
                raise InvalidRole(f"groups.{group.name}.cut: no layer below {group.cut} learns, so it {_SHOWS}")
        return Aims(
            groups=tuple(Group(group.name, group.cut, group.clients) for group in self.groups),
            k=self.privacy.k_anonymity,
            layers=learner.layers,
            forwarding=self.forwarding,
            servers={group.name: group.server for group in self.groups},
            aggregator=self.aggregator,
            deadline_seconds=self.deadline_seconds,
            gather_seconds=self.gather_seconds,
            grace_seconds=self.grace_seconds,
            seed=self.seed,
            cuts=learner.cuts,
            reencryption=self.privacy.reencryption,
        )


async def run(role: RoutineManagerRole) -> None:
    """Run the role until the job is done."""
    await serve(role, manager_of(role))


def manager_of(role: RoutineManagerRole) -> RoutineManager:
    """Return the routine manager that a role describes."""
    upward = Peer(role.aggregator, unanswered, role.pace, role.limits, role.job)
    epoch = next_epoch(role.state / "control")
    hub = Hub(role.job, epoch, unanswered, role.pace, role.limits)
    manager = RoutineManager(hub, role.aims(), role.state, upward)
    manager.may_start, manager.started = role.start.holds, has_begun(role.state)
    upward.handler, hub.handler = manager.from_aggregator, manager.answer
    return manager


async def serve(role: RoutineManagerRole, manager: RoutineManager) -> None:
    """Serve a routine manager until the job is done."""
    listener = Listener(role.listen, role.credentials, role.frame_bytes)
    listener.add({CONTROL: manager.hub.attach})
    await listener.start()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(listener.stop)
        stack.callback(manager.hub.close)
        staying = await stack.enter_async_context(attachment(role, manager.upward, FEDERATION, {"role": "manager"}))
        leading = asyncio.create_task(manager.run())
        await until(asyncio.Event(), staying, leading)


if __name__ == "__main__":
    sys.exit(main(RoutineManagerRole, run))
