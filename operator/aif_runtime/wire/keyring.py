"""The keys at one end of a stream of training data, and what encrypts and decrypts by them ([NET4AI])."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aif_runtime.learning.errors import BackendMissing, MalformedFrame, OutOfOrder
from aif_runtime.wire.envelope import Json
from aif_runtime.wire.pre import KeyPair, PreBackend, Reencryption, Wrapped
from aif_runtime.wire.sealed import Locked

_BITS: Final = 256
_NONCE: Final = 12


def backend(mode: Reencryption) -> PreBackend | None:
    """Return what re-encrypts; None for the mode ``None``.

    Raises:
        BackendMissing: It is not installed.
    """
    if mode is Reencryption.NONE:
        return None
    try:
        from aif_runtime.wire.umbral import Umbral  # noqa: PLC0415 - optional, and under another licence
    except ImportError as error:
        message = f"privacy.reencryption: {mode} needs umbral-pre: install the extra reencryption, or use None"
        raise BackendMissing(message) from error
    return Umbral()


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """What the ends of a group are told for one epoch.

    Attributes:
        mode: How frames are encrypted.
        up: What terminals encrypt for.
        down: What the server encrypts for.
        verifying: Who signed the grants.
    """

    mode: Reencryption
    up: bytes
    down: bytes
    verifying: bytes

    def told(self) -> Json:
        """Return them as JSON."""
        keys = {name: getattr(self, name).hex() for name in ("up", "down", "verifying")}
        return {"mode": self.mode, **keys}

    @classmethod
    def of(cls, told: object) -> PublicKeys | None:
        """Return what was told; None where there is no re-encryption, MalformedFrame where it makes no sense."""
        if told is None:
            return None
        try:
            keys = [bytes.fromhex(told[name]) for name in ("up", "down", "verifying")]  # type: ignore[index]
            return cls(Reencryption(told["mode"]), *keys)  # type: ignore[index]
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedFrame(
                f"reencryption must hold mode, up, down and verifying, in hexadecimal: {error}"
            ) from error


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys at one end of a stream.

    Attributes:
        backend: What they belong to.
        mode: How frames are encrypted.
        own: The pair of this end.
        outward: Public key that frames from here are encrypted for.
        inward: Public key that frames to here were encrypted for.
        verifying: Who signed the grants.
    """

    backend: PreBackend
    mode: Reencryption
    own: KeyPair
    outward: bytes
    inward: bytes
    verifying: bytes

    @classmethod
    def made(cls, told: object, *, at_the_server: bool) -> KeyRing | None:
        """Return a ring with a new pair; None where there is no re-encryption.

        Raises:
            BackendMissing: What re-encrypts is not installed here.
            MalformedFrame: What was told makes no sense.
        """
        keys = PublicKeys.of(told)
        found = backend(keys.mode) if keys else None
        if keys is None or found is None:
            return None
        outward, inward = (keys.down, keys.up) if at_the_server else (keys.up, keys.down)
        return cls(found, keys.mode, found.keypair(), outward, inward, keys.verifying)


@dataclass(slots=True)
class Wrapping:
    """Encrypts what goes one way over one stream."""

    ring: KeyRing
    _cipher: AESGCM | None = None

    def lock(self, seq: int, context: bytes, body: bytes) -> Locked:
        """Return a body encrypted; the context is not, and cannot be changed either."""
        wrapped = Wrapped(b"", b"")
        if self._cipher is None or self.ring.mode is Reencryption.PER_MESSAGE:
            key = AESGCM.generate_key(_BITS)
            wrapped = self.ring.backend.encapsulate(self.ring.outward, key)
            self._cipher = AESGCM(key)
        body = self._cipher.encrypt(seq.to_bytes(_NONCE, "big"), body, context)
        return Locked(wrapped.capsule, b"", wrapped.key, body)


@dataclass(slots=True)
class Unwrapping:
    """Decrypts what comes one way over one stream."""

    ring: KeyRing
    _cipher: AESGCM | None = None

    def unlock(self, seq: int, context: bytes, locked: Locked) -> bytes:
        """Return the body; OutOfOrder where anything of it was changed, or the key is missing."""
        cipher = self._opened(seq, locked)
        try:
            body = cipher.decrypt(seq.to_bytes(_NONCE, "big"), locked.body, context)
        except InvalidTag as error:
            raise OutOfOrder(f"the frame {seq} was changed on its way") from error
        self._cipher = cipher
        return body

    def _opened(self, seq: int, locked: Locked) -> AESGCM:
        ring = self.ring
        due = self._cipher is None or ring.mode is Reencryption.PER_MESSAGE
        if due != bool(locked.capsule):
            raise OutOfOrder(f"the frame {seq} came {'without a key' if due else 'with another key'}")
        if not due and self._cipher:
            return self._cipher
        wrapped = Wrapped(locked.capsule, locked.seal)
        key = ring.backend.decapsulate(
            wrapped, locked.fragment, ring.own, verifying=ring.verifying, delegating=ring.inward
        )
        return AESGCM(key)
