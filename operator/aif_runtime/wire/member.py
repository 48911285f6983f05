"""One who dials out to a hub, stays attached, and comes back after a lost connection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from dataclasses import dataclass, field

import grpc
import grpc.aio

from aif_runtime.learning.errors import JobFailed, LearningError, MalformedFrame, PeerLost
from aif_runtime.wire.credentials import Tls
from aif_runtime.wire.envelope import Frame, Json, decode, encode
from aif_runtime.wire.peer import Peer
from aif_runtime.wire.streams import Pipe, Traffic, channel, dial

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Member:
    """An attachment to a hub.

    Attributes:
        name: How the hub knows this side.
        address: Where the hub listens.
        method: Name of the hub's service.
        hub: The other side; ask it by `hub.request`.
        tls: None for no TLS.
        info: What to tell of oneself.
        traffic: Counts what goes through.
    """

    name: str
    address: str
    method: str
    hub: Peer
    tls: Tls | None = None
    info: Json = field(default_factory=dict)
    traffic: Traffic = field(default_factory=Traffic)
    _incarnation: str = field(default_factory=lambda: secrets.token_hex(8))

    async def stay(self) -> None:
        """Attach, and attach again whenever the stream is lost; ends by being cancelled.

        Raises:
            JobFailed: The hub refuses this side for good.
        """
        while True:
            try:
                await self._attach_once()
            except PeerLost as error:
                log.info("Lost the server", extra={"peer": self.address, "why": str(error)})
            await asyncio.sleep(self.hub.timing.reconnect)

    async def _attach_once(self) -> None:
        async with channel(self.address, self.tls) as link:
            stream = dial(link, self.method)
            pipe = Pipe(stream, self.hub.limits.frame_bytes, self.traffic)
            try:
                async with asyncio.timeout(self.hub.timing.patience):
                    await self._greet(pipe)
                await self.hub.converse(pipe)
            except TimeoutError:
                raise PeerLost("there was no welcome") from None
            except MalformedFrame as error:
                raise PeerLost(str(error)) from error
            finally:
                with contextlib.suppress(grpc.RpcError, grpc.aio.UsageError, LearningError):
                    stream.cancel()

    async def _greet(self, pipe: Pipe) -> None:
        told = {**self.info, "name": self.name, "incarnation": self._incarnation}
        await pipe.send(encode(Frame("hello", self.hub.routine, self.hub.epoch, config=told)))
        welcome = decode(await pipe.receive(), self.hub.limits)
        if welcome.kind == "refused":
            raise JobFailed("Refused", f"{self.address} refused: {welcome.config.get('message', '')}")
        if welcome.kind != "welcome":
            raise MalformedFrame(f"a welcome was expected, {welcome.kind!r} came")
        self.hub.begin_epoch(welcome.epoch)
