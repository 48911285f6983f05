"""Proxy re-encryption behind an interface; without a backend frames are relayed as they are, inside TLS on each hop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from aif_runtime.learning.errors import InvalidRole


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A secret key and its public half."""

    secret: bytes
    public: bytes


class PreBackend(Protocol):
    """What a backend for proxy re-encryption can do; all values are bytes of its own making."""

    def keypair(self) -> KeyPair:
        """Return a new pair of keys."""

    def grant(self, delegating_secret: bytes, receiving_public: bytes) -> bytes:
        """Return what lets the forwarding plane turn capsules for one key into such for the other."""

    def encapsulate(self, public: bytes, key: bytes) -> bytes:
        """Return a capsule with a key of 32 bytes, for the owner of ``public``."""

    def reencrypt(self, capsule: bytes, grant: bytes) -> bytes:
        """Return the fragment that opens a capsule for the receiver; needs no secret key."""

    def decapsulate(self, receiving_secret: bytes, delegating_public: bytes, capsule: bytes, fragment: bytes) -> bytes:
        """Return the key of a capsule; OutOfOrder where the capsule or the fragment was changed."""


def backend(name: str) -> PreBackend | None:
    """Return the backend of that name; None for the name ``None``.

    Raises:
        InvalidRole: No such backend is installed.
    """
    if name == "None":
        return None
    raise InvalidRole(f"privacy.reencryption: no backend for {name} is installed; use None, or install one")
