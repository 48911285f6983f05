"""Large messages in small pieces, so that what is too large is refused before it is there."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from aif_runtime.learning.errors import MalformedFrame

CHUNK: Final = 2**20
_LENGTH: Final = struct.Struct("<Q")


def chunks(message: bytes) -> Iterator[bytes]:
    """Yield the pieces of a message; the first begins with the length of the whole."""
    view = memoryview(message)
    yield _LENGTH.pack(len(message)) + view[:CHUNK]
    for start in range(CHUNK, len(message), CHUNK):
        yield bytes(view[start : start + CHUNK])


@dataclass(slots=True)
class Assembly:
    """Puts pieces together again."""

    limit: int
    _missing: int = 0
    _parts: list[bytes] = field(default_factory=list)

    def take(self, piece: bytes) -> bytes | None:
        """Return the message that ends with this piece; None where more is to come.

        Raises:
            MalformedFrame: The message would be larger than the limit, or the piece holds more than was announced.
        """
        if not self._parts:
            piece = self._begin(piece)
        if len(piece) > self._missing:
            raise MalformedFrame(f"a piece of {len(piece)} bytes came where {self._missing} were missing")
        self._parts.append(piece)
        self._missing -= len(piece)
        if self._missing:
            return None
        message = b"".join(self._parts)
        self._parts = []
        return message

    def _begin(self, piece: bytes) -> bytes:
        if len(piece) < _LENGTH.size:
            raise MalformedFrame(f"a message begins with {len(piece)} bytes, its length alone takes {_LENGTH.size}")
        (length,) = _LENGTH.unpack_from(piece)
        if length > self.limit:
            raise MalformedFrame(f"a message of {length} bytes was announced, at most {self.limit} are taken")
        self._missing = length
        return piece[_LENGTH.size :]
