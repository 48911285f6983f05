"""The local training function: the upper part of the model, for the clients of one group."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import grpc.aio

from aif_runtime.learning.arrays import Arrays, copied, digest
from aif_runtime.learning.data import Task
from aif_runtime.learning.errors import MalformedFrame, OutOfOrder, PeerLost, PeerRefused, UnfitUpdate
from aif_runtime.learning.learner import Learner
from aif_runtime.twolevel.exchange import Exchange
from aif_runtime.twolevel.lower_round import ClientStream, Interrupted, Invitation, LowerRound, Momentum, Schedule
from aif_runtime.wire.envelope import Frame, Limits
from aif_runtime.wire.keyring import KeyRing
from aif_runtime.wire.peer import Peer
from aif_runtime.wire.streams import Pipe

log = logging.getLogger(__name__)
_LOOK: Final = 0.05
_SECONDS: Final = 60.0


@dataclass(slots=True, eq=False)
class LocalFunction:
    """The server of one group.

    Attributes:
        group: Its name.
        learner: The model, of which it uses the part above the cut.
        task: What is learned.
        routine: Identifier of the job.
        schedule: How clients take turns.
        momentum: What becomes of momentum between two rounds.
        manager: The routine manager.
        limits: What is refused unread.
        gather_seconds: How long a round waits for all clients, once there are k.
        finished: Set once the job is done.
    """

    group: str
    learner: Learner
    task: Task
    routine: str
    schedule: Schedule
    momentum: Momentum
    manager: Peer
    limits: Limits
    gather_seconds: float = 5.0
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    seen_streams: int = 0
    seen_frames: int = 0
    _invited: Invitation = field(default_factory=Invitation)
    _streams: dict[str, ClientStream] = field(default_factory=dict)
    _latest: int = 0
    _training: asyncio.Lock = field(default_factory=asyncio.Lock)
    _velocity: Arrays = field(default_factory=dict)
    _handed: Arrays = field(default_factory=dict)

    # What the routine manager asks

    async def from_manager(self, peer: Peer, request: Frame) -> Frame:
        """Answer the routine manager."""
        del peer
        told = request.config
        match request.kind:
            case "invite":
                return self._accept(request)
            case "start":
                if told.get("epoch") != self._invited.epoch:
                    raise PeerRefused("OldEpoch", f"this is epoch {self._invited.epoch}")
                self._invited.clients = int(told["clients"])
                self._invited.started = True
                return request.answer("started")
            case "finish":
                asyncio.get_running_loop().call_later(0.2, self.finished.set)
                return request.answer("finished")
        raise PeerRefused("UnknownRequest", f"a local function knows no {request.kind!r}")

    def _accept(self, request: Frame) -> Frame:
        told = request.config
        self._end_streams()
        self.learner.top(str(told["cut"]))
        ring = KeyRing.made(told.get("reencryption"), at_the_server=True)
        self._invited = Invitation(int(told["epoch"]), str(told["cut"]), int(told["k"]), int(told["clients"]), ring)
        return request.answer("accept", config={"publicKey": ring.own.public.hex() if ring else ""})

    def _end_streams(self) -> None:
        for stream in self._streams.values():
            stream.ended.set()
        self._streams.clear()

    # What the forwarding plane brings

    async def serve(self, pipe: Pipe, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        """Keep the stream of one client until it ends."""
        told = {str(key): str(value) for key, value in context.invocation_metadata() or ()}
        epoch, pseudonym = told.get("epoch", ""), told.get("pseudonym", "")
        self.seen_streams += 1
        if epoch != str(self._invited.epoch) or told.get("group") != self.group or not pseudonym:
            await context.abort(
                grpc.StatusCode.FAILED_PRECONDITION, f"this is epoch {self._invited.epoch} of {self.group}"
            )
        invited = self._invited
        exchange = Exchange.of_server(pipe, self.routine, invited.epoch, self.limits, invited.ring)
        stream = ClientStream(pseudonym, int(told.get("turn", "0")), exchange)
        self._streams[pseudonym] = stream
        try:
            await stream.ended.wait()
        finally:
            stream.ended.set()
            invited.clients -= 1  # nobody comes back within an epoch, so nobody is waited for
            if self._streams.get(pseudonym) is stream:
                del self._streams[pseudonym]

    # What the aggregator asks

    async def from_aggregator(self, peer: Peer, request: Frame) -> Frame:
        """Answer the global training function."""
        del peer
        match request.kind:
            case "train":
                return await self._train(request)
            case "finish":
                asyncio.get_running_loop().call_later(0.2, self.finished.set)
                return request.answer("finished")
        raise PeerRefused("UnknownRequest", f"a local function knows no {request.kind!r}")

    async def _train(self, request: Frame) -> Frame:
        self._latest += 1
        mine, turn = self._latest, int(request.config["round"])
        async with self._training:
            while True:
                invited, streams = await self._ready(lambda: mine == self._latest)
                try:
                    examples, loss = await self._round(turn, request.arrays, invited, streams)
                except Interrupted as error:
                    log.info("Began a round anew", extra={"round": turn, "why": str(error)})
                else:
                    return await self._complete(request, invited.epoch, examples, loss)

    async def _complete(self, request: Frame, epoch: int, examples: int, loss: float) -> Frame:
        turn, state = request.config["round"], self.learner.state
        await self._tell("complete", {"round": turn, "epoch": epoch, "digest": digest(state)})
        metrics = {"examples": float(examples), "loss": loss}
        return request.answer("trained", config={"round": turn}, metrics=metrics, arrays=state)

    async def _ready(self, wanted: Any) -> tuple[Invitation, list[ClientStream]]:  # noqa: ANN401 - a predicate
        """Wait for an epoch that has started, and for its clients."""
        loop = asyncio.get_running_loop()
        since: tuple[int, float] = (-1, 0.0)
        while wanted():
            invited = self._invited
            if invited.started and len(self._streams) >= invited.k:
                if since[0] != invited.epoch:
                    since = (invited.epoch, loop.time())
                if len(self._streams) >= invited.clients or loop.time() - since[1] > self.gather_seconds:
                    return invited, sorted(self._streams.values(), key=lambda stream: stream.turn)
            await asyncio.sleep(_LOOK)
        raise PeerRefused("Superseded", "the round was asked for anew")

    async def _round(
        self, turn: int, state: Arrays, invited: Invitation, streams: Sequence[ClientStream]
    ) -> tuple[int, float]:
        await self._tell("begun", {"round": turn, "epoch": invited.epoch})
        self.learner.load(state)
        top = self.learner.top(invited.cut)
        top.remember(self._velocity if self.momentum is Momentum.KEEP else {})
        work = LowerRound(
            turn,
            invited,
            self.learner,
            top,
            self.task,
            self.schedule,
            self.momentum,
            self.give_up,
            lambda: self._invited is invited,
        )
        if self.schedule is Schedule.PARALLEL:
            await work.together(streams)
        else:
            await work.in_turn(streams, self._handed if self.momentum is Momentum.KEEP else {})
        self.seen_frames += work.frames
        if len(work.bottoms) < invited.k:
            raise Interrupted(f"{len(work.bottoms)} clients finished the round, {invited.k} are needed")
        self._velocity, self._handed = copied(top.velocity), work.handed
        self.learner.load({**self.learner.state, **work.combined()})
        return sum(examples for _, examples in work.bottoms), work.loss

    async def give_up(self, stream: ClientStream, error: Exception) -> None:
        """Let a stream go; whoever sent what could not be used is named to the routine manager."""
        stream.ended.set()
        self._streams.pop(stream.pseudonym, None)
        if isinstance(error, (MalformedFrame, OutOfOrder, UnfitUpdate)):
            log.warning("Refused a client", extra={"pseudonym": stream.pseudonym, "why": str(error)})
            await self._tell("exclude", {"pseudonym": stream.pseudonym, "why": str(error)})

    async def _tell(self, kind: str, told: dict[str, Any]) -> None:
        try:
            await self.manager.request(kind, config={"group": self.group, **told}, seconds=_SECONDS)
        except (PeerRefused, PeerLost, TimeoutError) as error:
            log.warning("Failed to tell the routine manager", extra={"kind": kind, "why": str(error)})
