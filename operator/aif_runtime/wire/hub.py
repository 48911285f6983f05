"""A server that others attach to by one lasting stream each: they dial out, it asks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio

from aif_runtime.learning.errors import LearningError, MalformedFrame, PeerLost
from aif_runtime.wire.credentials import check_identity
from aif_runtime.wire.envelope import Frame, Limits, decode, encode
from aif_runtime.wire.peer import Handler, Peer, Timing
from aif_runtime.wire.streams import Pipe, common_names

log = logging.getLogger(__name__)
_LONGEST_NAME = 128


def _nothing(_: Peer) -> None:
    """Take no note."""


def _no_fault(_: str, __: str) -> None:
    """Take no note."""


@dataclass(slots=True, eq=False)
class Hub:
    """Those who are attached, by name.

    Attributes:
        routine: Identifier of the job or routine.
        epoch: Grows with every start of this server.
        handler: Answers their requests.
        timing: When one counts as lost.
        limits: What is refused unread.
        came: Called when one has attached, also anew.
        went: Called when one's stream has ended.
        fault: Called with a name and what was wrong with what it sent.
        barred: Names that may not attach, each with the reason.
    """

    routine: str
    epoch: int
    handler: Handler
    timing: Timing = field(default_factory=Timing)
    limits: Limits = field(default_factory=Limits)
    came: Callable[[Peer], None] = _nothing
    went: Callable[[Peer], None] = _nothing
    fault: Callable[[str, str], None] = _no_fault
    barred: dict[str, str] = field(default_factory=dict)
    peers: dict[str, Peer] = field(default_factory=dict)

    def attached(self) -> list[Peer]:
        """Return those who have a stream, by name."""
        return [peer for _, peer in sorted(self.peers.items()) if peer.attached]

    async def attach(self, pipe: Pipe, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        """Serve one stream to its end."""
        name = context.peer()
        try:
            async with asyncio.timeout(self.timing.patience):
                hello = decode(await pipe.receive(), self.limits)
            name = self._named(hello, common_names(context))
            peer = self._peer(name, hello)
            await pipe.send(encode(Frame("welcome", self.routine, self.epoch)))
        except TimeoutError:
            log.info("Heard no hello", extra={"peer": name})
            return
        except LearningError as error:
            await self._refuse(pipe, name, error)
            return
        await self._converse(peer, pipe)

    async def _converse(self, peer: Peer, pipe: Pipe) -> None:
        peer.attach(pipe)
        self.came(peer)
        try:
            await peer.converse(pipe)
        except PeerLost as error:
            log.info("Lost a peer", extra={"peer": peer.name, "why": str(error)})
        except MalformedFrame as error:
            log.warning("Refused a frame", extra={"peer": peer.name, "why": str(error)})
            self.fault(peer.name, str(error))
        finally:
            if not peer.attached:
                self.went(peer)

    async def _refuse(self, pipe: Pipe, name: str, error: LearningError) -> None:
        if isinstance(error, PeerLost):
            return
        log.warning("Refused an attachment", extra={"peer": name, "why": str(error)})
        self.fault(name, str(error))
        try:
            await pipe.send(encode(Frame("refused", self.routine, self.epoch, config={"message": str(error)})))
        except PeerLost:
            log.debug("The refused peer was gone", extra={"peer": name})

    def _named(self, hello: Frame, certified: list[str] | None) -> str:
        name = hello.config.get("name")
        if hello.kind != "hello" or not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
            raise MalformedFrame("the first frame must be a hello with a name")
        if hello.routine != self.routine:
            raise MalformedFrame(f"{name} came for {hello.routine!r}, this is {self.routine!r}")
        if certified is not None:
            check_identity(name, certified)
        if name in self.barred:
            raise MalformedFrame(f"{name} is excluded: {self.barred[name]}")
        return name

    def _peer(self, name: str, hello: Frame) -> Peer:
        peer = self.peers.get(name)
        if peer is None:
            peer = Peer(name, self.handler, self.timing, self.limits, self.routine, self.epoch)
            self.peers[name] = peer
        incarnation = hello.config.get("incarnation")
        if incarnation != peer.info.get("incarnation"):
            peer.restarted()
        peer.info = {key: value for key, value in hello.config.items() if key != "name"}
        return peer

    def drop(self, name: str) -> None:
        """Forget one, and give up what it was asked."""
        peer = self.peers.pop(name, None)
        if peer is not None:
            peer.close()

    def close(self) -> None:
        """Forget all."""
        for name in list(self.peers):
            self.drop(name)
