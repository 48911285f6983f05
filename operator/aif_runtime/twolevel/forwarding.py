"""The forwarding plane: it carries frames between clients and servers that do not learn of each other."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import grpc.aio

from aif_runtime.learning.errors import LearningError, MalformedFrame, OutOfOrder, PeerRefused
from aif_runtime.twolevel.gate import Gate, Grant, Passage
from aif_runtime.wire.credentials import Tls
from aif_runtime.wire.envelope import Frame
from aif_runtime.wire.keyring import backend
from aif_runtime.wire.peer import Peer
from aif_runtime.wire.pre import PreBackend, Proxy, Reencryption
from aif_runtime.wire.sealed import reencrypted
from aif_runtime.wire.streams import Pipe, Traffic, channel, dial

log = logging.getLogger(__name__)
DATA: Final = "Data"
_SECONDS: Final = 60.0


@dataclass(slots=True)
class _Epoch:
    """The clients of one epoch, where their servers are, and what re-encrypts for whom."""

    number: int
    gate: Gate
    servers: dict[str, str]
    backend: PreBackend | None = None
    upwards: dict[str, Proxy] = field(default_factory=dict)
    downwards: dict[str, Proxy] = field(default_factory=dict)
    passes: asyncio.Condition = field(default_factory=asyncio.Condition)
    over: bool = False

    def decided(self, ticket: str) -> bool:
        """Tell whether all is there for a client to be counted as live, or to be refused."""
        grant = self.gate.grants.get(ticket)
        if self.over or grant is None or self.backend is None:
            return True
        return ticket in self.downwards and grant.group in self.upwards

    def arrive(self, ticket: str) -> Grant:
        """Count a client as live; PeerRefused where it may not come."""
        if self.over:
            raise PeerRefused("OldEpoch", "another epoch has begun: wait for its invitation")
        return self.gate.arrive(ticket)


@dataclass(slots=True, eq=False)
class ForwardingPlane:
    """Relays streams while the gate of their group is open.

    Attributes:
        manager: The routine manager.
        tls: For the streams to servers; None for no TLS.
        limit: Most bytes of a frame.
        traffic: Counts what goes to servers, and comes from them.
        outer: Counts what comes from terminals, and goes to them.
        finished: Set once the job is done.
        tap: Sees each frame; for tests.
    """

    manager: Peer
    tls: Tls | None = None
    limit: int = 256 * 2**20
    traffic: Traffic = field(default_factory=Traffic)
    outer: Traffic = field(default_factory=Traffic)
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    tap: Callable[[bytes], bytes] = lambda frame: frame
    _epoch: _Epoch = field(default_factory=lambda: _Epoch(0, Gate(1, {}), {}))
    _streams: dict[str, asyncio.Task[Any]] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def from_manager(self, peer: Peer, request: Frame) -> Frame:
        """Answer the routine manager."""
        del peer
        match request.kind:
            case "grants":
                await self._begin(request)
                return request.answer("granted")
            case "grant":
                await self._take(request)
                return request.answer("granted")
            case "revoke":
                await self._revoke(str(request.config.get("ticket", "")))
                return request.answer("revoked")
            case "finish":
                asyncio.get_running_loop().call_later(0.2, self.finished.set)
                return request.answer("finished")
        raise PeerRefused("UnknownRequest", f"the forwarding plane knows no {request.kind!r}")

    async def _begin(self, request: Frame) -> None:
        told, before = request.config, self._epoch
        for stream in self._streams.values():
            stream.cancel()
        found = backend(Reencryption(told["mode"]))
        grants = {ticket: Grant(one["group"], one["pseudonym"], one["turn"]) for ticket, one in told["tickets"].items()}
        self._epoch = _Epoch(int(told["epoch"]), Gate(int(told["k"]), grants), dict(told["servers"]), found)
        async with before.passes:
            before.over = True
            before.passes.notify_all()
        self._changed.set()

    async def _take(self, request: Frame) -> None:
        """Keep a grant by which frames of one direction are re-encrypted, once it is verified."""
        told, epoch = request.config, self._epoch
        if told.get("epoch") != epoch.number or epoch.backend is None:
            raise PeerRefused("OldEpoch", f"this is epoch {epoch.number}")
        keys = (bytes.fromhex(told[name]) for name in ("grant", "verifying", "delegating", "receiving"))
        proxy = epoch.backend.proxy(*keys)
        async with epoch.passes:
            if "ticket" in told:
                epoch.downwards[str(told["ticket"])] = proxy
            else:
                epoch.upwards[str(told["group"])] = proxy
            epoch.passes.notify_all()

    async def _revoke(self, ticket: str) -> None:
        epoch = self._epoch
        async with epoch.passes:
            epoch.gate.revoke(ticket)
            epoch.passes.notify_all()
        if ticket in self._streams:
            self._streams[ticket].cancel()
        self._changed.set()

    async def report(self) -> None:
        """Tell the routine manager how many are live, whenever that changes; never ends."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            epoch = self._epoch
            told = {"epoch": epoch.number, "live": epoch.gate.live}
            try:
                await self.manager.request("live", config=told, seconds=_SECONDS)
            except (LearningError, TimeoutError) as error:
                log.warning("Failed to report who is live", extra={"why": str(error)})

    async def relay(self, pipe: Pipe, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        """Serve the stream of one client to its end."""
        metadata = {str(key): value for key, value in context.invocation_metadata() or ()}
        ticket, epoch = str(metadata.get("ticket", "")), self._epoch
        try:
            async with epoch.passes:
                await epoch.passes.wait_for(lambda: epoch.decided(ticket))
                grant = epoch.arrive(ticket)
                epoch.passes.notify_all()
        except PeerRefused as error:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, str(error))
        self._streams[ticket] = asyncio.ensure_future(self._carry(epoch, grant, pipe, epoch.downwards.get(ticket)))
        self._changed.set()
        try:
            # A client that has gone cancels this function, and with it the stream.
            with contextlib.suppress(LearningError, asyncio.CancelledError):
                await self._streams[ticket]
        finally:
            self._streams.pop(ticket).cancel()
            async with epoch.passes:
                epoch.gate.leave(ticket)
                epoch.passes.notify_all()
            self._changed.set()

    async def _carry(self, epoch: _Epoch, grant: Grant, pipe: Pipe, downwards: Proxy | None) -> None:
        async with epoch.passes:
            await epoch.passes.wait_for(lambda: epoch.gate.passage(grant.group) is not Passage.WAITING)
        metadata = {
            "group": grant.group,
            "pseudonym": grant.pseudonym,
            "turn": str(grant.turn),
            "epoch": str(epoch.number),
        }
        async with channel(epoch.servers[grant.group], self.tls) as link:
            stream = dial(link, DATA, metadata)
            server = Pipe(stream, self.limit, self.traffic)
            ways = [
                asyncio.ensure_future(self._one_way(epoch, grant, pipe, server, epoch.upwards.get(grant.group))),
                asyncio.ensure_future(self._one_way(epoch, grant, server, pipe, downwards)),
                asyncio.ensure_future(self._until_shut(epoch, grant)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                stream.cancel()
                await asyncio.gather(*ways, return_exceptions=True)

    async def _one_way(self, epoch: _Epoch, grant: Grant, source: Pipe, sink: Pipe, proxy: Proxy | None) -> None:
        while True:
            frame = await source.receive()
            if epoch.gate.passage(grant.group) is not Passage.OPEN:
                return
            if proxy:
                # What is no frame goes on as it is: its receiver refuses it, and names who sent it.
                with contextlib.suppress(MalformedFrame, OutOfOrder):
                    frame = reencrypted(frame, proxy)
            await sink.send(self.tap(frame))

    @staticmethod
    async def _until_shut(epoch: _Epoch, grant: Grant) -> None:
        async with epoch.passes:
            await epoch.passes.wait_for(lambda: epoch.gate.passage(grant.group) is Passage.SHUT)
