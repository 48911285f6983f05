"""One stream of training data, sealed: what client and server both do with it."""

from __future__ import annotations

from dataclasses import dataclass

from aif_runtime.wire.envelope import Frame, Limits, decode, encode
from aif_runtime.wire.keyring import KeyRing, Unwrapping, Wrapping
from aif_runtime.wire.sealed import Digests, Direction, Key, Lock, Opener, Sealer
from aif_runtime.wire.streams import Pipe


@dataclass(slots=True)
class Exchange:
    """Frames over a stream, each sealed and numbered."""

    pipe: Pipe
    sealer: Sealer
    opener: Opener
    limits: Limits

    @classmethod
    def of_client(cls, pipe: Pipe, routine: str, epoch: int, limits: Limits, ring: KeyRing | None = None) -> Exchange:
        """Return the client's end; with a ring frames are encrypted."""
        lock, key = _both(ring)
        sealer, opener = Sealer(Direction.UP, routine, epoch, lock), Opener(Direction.DOWN, routine, epoch, key)
        return cls(pipe, sealer, opener, limits)

    @classmethod
    def of_server(cls, pipe: Pipe, routine: str, epoch: int, limits: Limits, ring: KeyRing | None = None) -> Exchange:
        """Return the server's end; with a ring frames are encrypted."""
        lock, key = _both(ring)
        sealer, opener = Sealer(Direction.DOWN, routine, epoch, lock), Opener(Direction.UP, routine, epoch, key)
        return cls(pipe, sealer, opener, limits)

    async def send(self, frame: Frame) -> None:
        """Send a frame; PeerLost where nobody is there to take it."""
        await self.pipe.send(self.sealer.seal(encode(frame)))

    async def receive(self) -> Frame:
        """Return the next frame.

        Raises:
            PeerLost: The stream has ended.
            MalformedFrame: It is no frame.
            OutOfOrder: It was changed, repeated, is old, or came the wrong way.
        """
        return decode(self.opener.open(await self.pipe.receive()), self.limits)


def _both(ring: KeyRing | None) -> tuple[Lock, Key]:
    return (Wrapping(ring), Unwrapping(ring)) if ring else (Digests(), Digests())
