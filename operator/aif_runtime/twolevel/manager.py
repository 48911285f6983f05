"""The routine manager: it invites servers and terminals, watches over k, and begins anew what was broken ([NET4AI])."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aif_runtime.learning.checkpoint import next_epoch
from aif_runtime.learning.errors import JobFailed, PeerRefused
from aif_runtime.learning.learner import OUTPUT
from aif_runtime.twolevel.grouping import Assignment, Terminal
from aif_runtime.twolevel.invitations import FORWARDING, SECONDS, Aims, Epoch, Inviter, asked, needed
from aif_runtime.twolevel.routine import FINAL, Phase, Routine, Seen, advance
from aif_runtime.wire.envelope import Frame, Json
from aif_runtime.wire.hub import Hub
from aif_runtime.wire.peer import Peer

log = logging.getLogger(__name__)
_LOOK: Final = 0.05
_FOR_GOOD: Final = frozenset({"RawInputRefused", "UnknownCut", "BackendMissing"})


@dataclass(slots=True, eq=False)
class RoutineManager:
    """One job's routine.

    Attributes:
        hub: Where servers, the forwarding plane and the access manager attach.
        aims: What is to be brought about.
        state: Folder that outlives the pod, for the epoch.
        upward: The aggregator, to tell it how the routine goes.
        finished: Set once the aggregator said stop.
        changed: Called with the routine whenever it has changed.
        may_start: Whether the routine may start, with so many terminals that consent; its deadline counts from then.
        started: Whether it has been; true from the beginning where this manager takes up the work of one before.
    """

    hub: Hub
    aims: Aims
    state: Path
    upward: Peer
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    routine: Routine = field(default_factory=Routine)
    excluded: dict[str, str] = field(default_factory=dict)
    changed: Callable[[Routine], None] = lambda _: None
    may_start: Callable[[int], bool] = lambda _: True
    started: bool = False
    _terminals: dict[str, Terminal] = field(default_factory=dict)
    _epoch: Epoch = field(default_factory=lambda: Epoch(0))
    _declined: dict[str, str] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _inviting: asyncio.Task[None] | None = None
    _told: tuple[int, Json] | None = None
    _changed_to: Routine | None = None
    _began: float = 0.0
    _enough_since: float | None = None

    # What others tell

    async def answer(self, peer: Peer, request: Frame) -> Frame:
        """Answer a server, the forwarding plane or the access manager."""
        told = request.config
        match request.kind:
            case "roster":
                await self._roster(told["terminals"], told["withdrawn"])
            case "live" if told.get("epoch") == self._epoch.number:
                self._epoch.live = {str(group): int(count) for group, count in told["live"].items()}
            case "begun" | "complete" if told.get("epoch") == self._epoch.number:
                rounds = self._epoch.begun if request.kind == "begun" else self._epoch.completed
                rounds[str(told["group"])] = int(told["round"])
            case "exclude":
                await self._exclude(str(told.get("pseudonym")), str(told.get("why")))
            case "live" | "begun" | "complete":
                raise PeerRefused("OldEpoch", f"this is epoch {self._epoch.number}")
            case _:
                raise PeerRefused("UnknownRequest", f"the routine manager knows no {request.kind!r} of {peer.name}")
        self._wake.set()
        return request.answer("noted")

    async def from_aggregator(self, peer: Peer, request: Frame) -> Frame:
        """Answer the aggregator: it says when to stop."""
        del peer
        if request.kind != "finish":
            raise PeerRefused("UnknownRequest", f"the routine manager knows no {request.kind!r}")
        self.finished.set()
        return request.answer("finished")

    async def _roster(self, told: dict[str, Json], withdrawn: list[str]) -> None:
        self._terminals = {
            name: Terminal(
                name,
                float(one.get("compute", 1e9)),
                float(one.get("energy", 0.0)),
                one.get("rawInputAllowed") is True,
                float(one.get("link", 1e8)),
            )
            for name, one in told.items()
            if name not in self.excluded and name not in self._declined
        }
        # Who is just not there may still have a stream of data, such as while the access manager starts anew.
        for name in withdrawn:
            await self._revoke(name)

    async def _revoke(self, name: str) -> None:
        ticket = self._epoch.tickets.pop(name, None)
        forwarding = self._role(FORWARDING)
        if ticket and forwarding:
            await forwarding.request("revoke", config={"ticket": ticket}, seconds=SECONDS)

    async def _exclude(self, pseudonym: str, why: str) -> None:
        name = next((name for name, known in self._epoch.pseudonyms.items() if known == pseudonym), None)
        if name:
            log.warning("Excluded a terminal", extra={"peer": name, "why": why})
            self.excluded[name] = why
            self._terminals.pop(name, None)
            await self._revoke(name)

    # What follows

    async def run(self) -> None:
        """Lead the routine to its end.

        Raises:
            JobFailed: It has failed.
        """
        loop = asyncio.get_running_loop()
        self._began = loop.time()
        while self.routine.phase not in FINAL:
            moved = await self._step(loop.time())
            if not moved:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _LOOK)
                self._wake.clear()
        await self._say_goodbye()
        if self.routine.phase is Phase.FAILED:
            raise JobFailed(self.routine.reason, self.routine.message)

    async def _step(self, now: float) -> bool:
        """Make one move at most; return whether there was one."""
        if not self.started:
            self._began = now
            self.started = self.finished.is_set() or self.may_start(len(self._terminals))
            if not self.started:
                self.routine = self.routine.waiting("WaitingForStart", "the routine has not been started yet")
                self._report()
                return False
            self.routine = self.routine.waiting("", "")
        before = self.routine
        self.routine = advance(before, self._seen(now))
        moved = self.routine.phase is not before.phase
        if moved:
            told = {"phase": self.routine.phase, "epoch": self.routine.epoch, "why": self.routine.message}
            log.info("Moved the routine", extra=told)
            await self._enter()
        if self.routine.phase is Phase.INVITING:
            self._invite_if_ready(now)
        self._report()
        return moved

    def _seen(self, now: float) -> Seen:
        epoch = self._epoch
        assignments = self.aims.assigned(list(self._terminals.values()))
        return Seen(
            now=now,
            k=self.aims.k,
            deadline=self._began + self.aims.deadline_seconds,
            finished=self.finished.is_set(),
            absent=tuple(name for name in needed(self.aims) if self._role(name) is None),
            candidates={one.group.name: len(one.terminals) for one in assignments},
            invited=epoch.invited,
            live={
                one.group.name: epoch.live.get(one.group.name, 0)
                for one in epoch.assignments
                if one.group.cut != OUTPUT
            },
            broken=self._broken(now),
            impossible=epoch.impossible,
            completed=self._all_completed(),
            joiners=any(
                set(one.terminals) - set(old.terminals)
                for one, old in zip(assignments, epoch.assignments, strict=False)
            ),
        )

    def _role(self, name: str) -> Peer | None:
        """Return the peer with that part, if it is attached."""
        return next((peer for peer in self.hub.attached() if peer.info.get("part") == name), None)

    def _broken(self, now: float) -> str:
        epoch = self._epoch
        if epoch.broken or not epoch.incarnations:
            return epoch.broken
        for name, incarnation in epoch.incarnations.items():
            peer = self._role(name)
            if peer is None:
                if now - epoch.away.setdefault(name, now) > self.aims.grace_seconds:
                    return f"{name} is gone"
            elif peer.info.get("incarnation") != incarnation:
                return f"{name} has started anew"
            else:
                epoch.away.pop(name, None)
        if self.routine.phase is Phase.INVITING and epoch.invited:
            for one in epoch.assignments:
                if sum(terminal.name in self._terminals for terminal in one.terminals) < self.aims.k:
                    return f"terminals of {one.group.name} have left"
        return ""

    def _all_completed(self) -> bool:
        epoch = self._epoch
        return (
            bool(epoch.begun)
            and all(epoch.completed.get(group, -1) >= turn for group, turn in epoch.begun.items())
            and len(epoch.begun) == len(epoch.live)
        )

    async def _enter(self) -> None:
        match self.routine.phase:
            case Phase.INVITING:
                number = await asyncio.to_thread(next_epoch, self.state)
                self.routine = Routine(self.routine.phase, number, self.routine.since)
                self._epoch, self._enough_since = Epoch(number), None
            case Phase.RESTARTING:
                if self._inviting:
                    self._inviting.cancel()
                self._inviting = None
            case Phase.RUNNING if not self._epoch.begun:
                await self._start()

    async def _start(self) -> None:
        for one in self._epoch.assignments:
            server = self._role(f"server-{one.group.name}")
            if server:
                coming = sum(terminal.name not in self._epoch.declined for terminal in one.terminals)
                await asked(self._epoch, server, "start", {"epoch": self._epoch.number, "clients": coming})

    def _invite_if_ready(self, now: float) -> None:
        assignments = self.aims.assigned(list(self._terminals.values()))
        if (
            self._inviting
            or any(one.missing for one in assignments)
            or any(self._role(name) is None for name in needed(self.aims))
        ):
            return
        self._enough_since = self._enough_since if self._enough_since is not None else now
        full = all(len(one.terminals) >= one.group.clients for one in assignments)
        if full or now - self._enough_since > self.aims.gather_seconds:
            self._inviting = asyncio.create_task(self._invite(self._epoch, assignments))

    async def _invite(self, epoch: Epoch, assignments: tuple[Assignment, ...]) -> None:
        await Inviter(self.aims, self._role).invite(epoch, assignments)
        # Who was just not there is invited again; who cannot take part as things are is not.
        self._declined.update({name: why for name, why in epoch.declined.items() if why in _FOR_GOOD})
        self._terminals = {name: one for name, one in self._terminals.items() if name not in epoch.declined}
        self._wake.set()

    # What is told

    def status(self) -> Json:
        """Return how the routine goes."""
        groups = {
            one.group.name: {
                "cut": one.group.cut,
                "terminals": len(one.terminals),
                "live": self._epoch.live.get(one.group.name, 0),
            }
            for one in self._epoch.assignments
        }
        routine = self.routine
        return {
            "phase": routine.phase,
            "epoch": routine.epoch,
            "reason": routine.reason,
            "message": routine.message,
            "groups": groups,
            "excluded": dict(self.excluded),
        }

    def _report(self) -> None:
        told = self.status()
        if self.routine != self._changed_to:
            self._changed_to = self.routine
            self.changed(self.routine)
        news = (self.upward.epoch, told)  # an aggregator that starts anew has heard nothing yet
        if news != self._told and self.upward.attached:
            self._told = news
            task = asyncio.create_task(self._tell_upward(told))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _tell_upward(self, told: Json) -> None:
        await self.upward.request("routine", config=told, seconds=SECONDS)

    async def _say_goodbye(self) -> None:
        failed = [self._tell_upward(self.status())] if self.routine.phase is Phase.FAILED else []
        everyone = (peer.request("finish", seconds=SECONDS) for peer in self.hub.attached())
        await asyncio.gather(*failed, *everyone, return_exceptions=True)
