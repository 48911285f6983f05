"""Proxy re-encryption: its keys, its modes, and what a backend for it does ([NET4AI]).

::

    up      a pair of keys per group and epoch: terminals encrypt for it, a grant turns that into the server's
    down    another: the server encrypts for it, a grant for each terminal turns that into this terminal's

The routine manager makes both, grants, and forgets the secret halves. The forwarding plane has grants alone. Servers
and terminals keep the secret half of a pair of their own. Without a backend frames are relayed as they are, inside TLS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Reencryption(StrEnum):
    """How frames between terminals and servers are encrypted beyond TLS."""

    NONE = "None"
    """They are not: the forwarding plane could read them."""

    PER_SESSION = "PerSession"
    """One key per stream and direction; its first frame carries it."""

    PER_MESSAGE = "PerMessage"
    """A key for each frame."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A secret key and its public half."""

    secret: bytes = field(repr=False)
    public: bytes


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A key on its way: the capsule, which is re-encrypted, and the key, which only an opened capsule gives."""

    capsule: bytes
    key: bytes


Proxy = Callable[[bytes], bytes]
"""Returns the fragment that opens a capsule for another receiver; raises OutOfOrder where it is no capsule."""


class PreBackend(Protocol):
    """What a backend for proxy re-encryption can do; all values are bytes of its own making."""

    def keypair(self) -> KeyPair:
        """Return a new pair of keys."""

    def grant(self, delegating: KeyPair, receiving: bytes, signing: KeyPair) -> bytes:
        """Return what lets a proxy turn capsules for one key into such for the public key ``receiving``."""

    def proxy(self, grant: bytes, verifying: bytes, delegating: bytes, receiving: bytes) -> Proxy:
        """Return what re-encrypts by a grant; it needs no secret key.

        Raises:
            OutOfOrder: The grant was changed, is for other keys, or is by another signer.
        """

    def encapsulate(self, public: bytes, key: bytes) -> Wrapped:
        """Return a key of 32 bytes for the owner of ``public``; OutOfOrder where that is no public key."""

    def decapsulate(
        self, wrapped: Wrapped, fragment: bytes, own: KeyPair, *, verifying: bytes, delegating: bytes
    ) -> bytes:
        """Return the key; OutOfOrder where capsule, key or fragment was changed."""
