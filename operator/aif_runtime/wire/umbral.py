"""Proxy re-encryption by Umbral, of the optional package umbral-pre: that one is under GPL-3.0, this project is not."""

from __future__ import annotations

from typing import Any, Final

import umbral_pre

from aif_runtime.learning.errors import OutOfOrder
from aif_runtime.wire.pre import KeyPair, Proxy, Wrapped

_FAULTS: Final = (ValueError, umbral_pre.VerificationError)


class Umbral:
    """Umbral with one proxy: a grant is one key fragment, signed with both keys that it is for."""

    def keypair(self) -> KeyPair:
        """Return a new pair of keys."""
        secret = umbral_pre.SecretKey.random()
        return KeyPair(bytes(secret.to_be_bytes()), bytes(secret.public_key().to_compressed_bytes()))

    def grant(self, delegating: KeyPair, receiving: bytes, signing: KeyPair) -> bytes:
        """Return what lets a proxy turn capsules for one key into such for the public key ``receiving``."""
        (grant,) = umbral_pre.generate_kfrags(
            delegating_sk=_secret(delegating),
            receiving_pk=_public(receiving),
            signer=umbral_pre.Signer(_secret(signing)),
            threshold=1,
            shares=1,
            sign_delegating_key=True,
            sign_receiving_key=True,
        )
        return bytes(grant)

    def proxy(self, grant: bytes, verifying: bytes, delegating: bytes, receiving: bytes) -> Proxy:
        """Return what re-encrypts by a grant; OutOfOrder where that was changed or is for other keys.

        One of its signatures is only checked by the receiver, within the fragment.
        """
        try:
            found = umbral_pre.KeyFrag.from_bytes(grant).verify(
                _public(verifying), _public(delegating), _public(receiving)
            )
        except _FAULTS as error:
            raise OutOfOrder(f"the grant was changed, or is for other keys: {error}") from error

        def reencrypted(capsule: bytes) -> bytes:
            try:
                return bytes(umbral_pre.reencrypt(umbral_pre.Capsule.from_bytes(capsule), found))
            except _FAULTS as error:
                raise OutOfOrder(f"the capsule is none: {error}") from error

        return reencrypted

    def encapsulate(self, public: bytes, key: bytes) -> Wrapped:
        """Return a key for the owner of ``public``; OutOfOrder where that is no public key."""
        capsule, wrapped = umbral_pre.encrypt(_public(public), key)
        return Wrapped(bytes(capsule), bytes(wrapped))

    def decapsulate(
        self, wrapped: Wrapped, fragment: bytes, own: KeyPair, *, verifying: bytes, delegating: bytes
    ) -> bytes:
        """Return the key; OutOfOrder where capsule, key or fragment was changed."""
        try:
            capsule, giver = umbral_pre.Capsule.from_bytes(wrapped.capsule), _public(delegating)
            checked = umbral_pre.CapsuleFrag.from_bytes(fragment).verify(
                capsule, _public(verifying), giver, _public(own.public)
            )
            found = umbral_pre.decrypt_reencrypted(_secret(own), giver, capsule, [checked], wrapped.key)
        except _FAULTS as error:
            raise OutOfOrder(f"the key of the frame was changed on its way: {error}") from error
        return bytes(found)


def _secret(pair: KeyPair) -> Any:  # noqa: ANN401 - of the package, which may not be installed
    return umbral_pre.SecretKey.from_be_bytes(pair.secret)


def _public(key: bytes) -> Any:  # noqa: ANN401 - as above
    try:
        return umbral_pre.PublicKey.from_compressed_bytes(key)
    except _FAULTS as error:
        raise OutOfOrder(f"{key.hex() or 'nothing'} is no public key: {error}") from error
