"""Frames of training data between a client and a server that do not know each other.

::

    header   4 bytes AIF1, u8 direction, u32 epoch, u64 seq, big-endian
    blobs    header, capsule, fragment, seal, body; a u32 length before each

With proxy re-encryption the capsule holds a key, the forwarding plane adds the fragment that opens it, the seal is the
wrapped key, and the body is encrypted by AES-GCM, which binds it to header and routine. Without it capsule and fragment
are empty, and the seal is a digest of header, routine and body: it shows what went wrong on the way, and is no defence
against a forger, who could make another.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import blake2b
from typing import Final, Protocol

from aif_runtime.learning.errors import MalformedFrame, OutOfOrder

MAGIC: Final = b"AIF1"
_HEADER: Final = struct.Struct(">4sBIQ")
_LENGTH: Final = struct.Struct(">I")
_BLOBS: Final = 5
_SEAL: Final = 16


class Direction(IntEnum):
    """Which way a frame goes."""

    UP = 0
    """From a client to a server."""

    DOWN = 1
    """From a server to a client."""


@dataclass(frozen=True, slots=True)
class Locked:
    """All of a frame but its header."""

    capsule: bytes
    fragment: bytes
    seal: bytes
    body: bytes


class Lock(Protocol):
    """Seals bodies."""

    def lock(self, seq: int, context: bytes, body: bytes) -> Locked:
        """Return a body sealed, bound to its number and context."""


class Key(Protocol):
    """Opens what was sealed."""

    def unlock(self, seq: int, context: bytes, locked: Locked) -> bytes:
        """Return the body; OutOfOrder where it was changed."""


class Digests:
    """The seal without re-encryption, both ways."""

    def lock(self, seq: int, context: bytes, body: bytes) -> Locked:
        """Return the body as it is, with a digest."""
        del seq  # stands in the context
        return Locked(b"", b"", _digest(context, body), body)

    def unlock(self, seq: int, context: bytes, locked: Locked) -> bytes:
        """Return the body; OutOfOrder where the digest is another, or a key came along."""
        if locked.capsule or locked.fragment or locked.seal != _digest(context, locked.body):
            raise OutOfOrder(f"the frame {seq} was changed on its way")
        return locked.body


@dataclass(slots=True)
class Sealer:
    """Numbers and seals what goes one way."""

    direction: Direction
    routine: str
    epoch: int
    lock: Lock = field(default_factory=Digests)
    seq: int = 0

    def seal(self, body: bytes) -> bytes:
        """Return the body as the next frame."""
        self.seq += 1
        header = _HEADER.pack(MAGIC, self.direction, self.epoch, self.seq)
        locked = self.lock.lock(self.seq, _context(header, self.routine), body)
        return _joined(header, locked.capsule, locked.fragment, locked.seal, locked.body)


@dataclass(slots=True)
class Opener:
    """Takes each frame once, in its order, and only as it was sent."""

    direction: Direction
    routine: str
    epoch: int
    key: Key = field(default_factory=Digests)
    seq: int = 0

    def open(self, message: bytes) -> bytes:
        """Return the body of the next frame.

        Raises:
            MalformedFrame: It is no frame.
            OutOfOrder: It was changed, repeated, left out one before it, is of another epoch, or came the wrong way.
        """
        header, *rest = _split(message)
        if len(header) != _HEADER.size:
            raise MalformedFrame(f"the header has {len(header)} bytes, it takes {_HEADER.size}")
        magic, direction, epoch, seq = _HEADER.unpack(header)
        if magic != MAGIC:
            raise MalformedFrame(f"the frame begins with {magic!r}, not with {MAGIC!r}")
        if direction != self.direction:
            raise OutOfOrder("the frame came the wrong way: it was sent to the side that sends")
        if epoch != self.epoch:
            raise OutOfOrder(f"the frame is of epoch {epoch}, this is epoch {self.epoch}")
        if seq != self.seq + 1:
            raise OutOfOrder(f"the frame has the number {seq}, {self.seq + 1} was expected")
        body = self.key.unlock(seq, _context(header, self.routine), Locked(*rest))
        self.seq = seq
        return body


def reencrypted(message: bytes, proxy: Callable[[bytes], bytes]) -> bytes:
    """Return a frame with the fragment that opens its capsule; one without a capsule as it is.

    Raises:
        MalformedFrame: It is no frame.
        OutOfOrder: Its capsule is none.
    """
    parts = _split(message)
    _, capsule, *_ = parts
    if not capsule:
        return message
    parts[2] = proxy(capsule)
    return _joined(*parts)


def _context(header: bytes, routine: str) -> bytes:
    name = routine.encode()
    return b"".join((header, _LENGTH.pack(len(name)), name))


def _digest(context: bytes, body: bytes) -> bytes:
    found = blake2b(context, digest_size=_SEAL)
    found.update(body)
    return found.digest()


def _joined(*blobs: bytes) -> bytes:
    return b"".join(part for blob in blobs for part in (_LENGTH.pack(len(blob)), blob))


def _split(message: bytes) -> list[bytes]:
    found: list[bytes] = []
    place = 0
    while place < len(message):
        if len(found) == _BLOBS or place + _LENGTH.size > len(message):
            raise MalformedFrame(f"a frame of data has {_BLOBS} parts, this has more, or ends within a length")
        (length,) = _LENGTH.unpack_from(message, place)
        place += _LENGTH.size
        if place + length > len(message):
            raise MalformedFrame(f"a part claims {length} bytes, {len(message) - place} are left")
        found.append(message[place : place + length])
        place += length
    if len(found) != _BLOBS:
        raise MalformedFrame(f"a frame of data has {_BLOBS} parts, this has {len(found)}")
    return found
