"""Who may open what in one epoch: the keys that frames are encrypted for, and the grants over them ([NET4AI])."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from aif_runtime.wire.envelope import Json
from aif_runtime.wire.keyring import PublicKeys, backend
from aif_runtime.wire.pre import KeyPair, PreBackend, Reencryption


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The keys of one group: what terminals encrypt for, and what its server does."""

    up: KeyPair
    down: KeyPair


@dataclass(frozen=True, slots=True)
class Granting:
    """The keys of one epoch; nobody keeps them longer than it takes to invite.

    Attributes:
        mode: How frames are encrypted.
        backend: What the keys belong to.
        signing: Signs the grants.
        pairs: The keys of each group.
    """

    mode: Reencryption
    backend: PreBackend
    signing: KeyPair
    pairs: dict[str, _Pairs] = field(repr=False)

    @classmethod
    def made(cls, mode: Reencryption, groups: Iterable[str]) -> Granting | None:
        """Return new keys; None where nothing is re-encrypted, BackendMissing where that cannot be."""
        found = backend(mode)
        if found is None:
            return None
        pairs = {group: _Pairs(found.keypair(), found.keypair()) for group in groups}
        return cls(mode, found, found.keypair(), pairs)

    def told(self, group: str) -> Json:
        """Return what server and terminals of a group are told."""
        pairs = self.pairs[group]
        return PublicKeys(self.mode, pairs.up.public, pairs.down.public, self.signing.public).told()

    def to_server(self, group: str, receiving: bytes) -> Json:
        """Return the grant by which the server opens what its terminals send."""
        return {"group": group, **self._grant(self.pairs[group].up, receiving)}

    def to_terminal(self, group: str, ticket: str, receiving: bytes) -> Json:
        """Return the grant by which one terminal opens what the server of its group sends."""
        return {"ticket": ticket, **self._grant(self.pairs[group].down, receiving)}

    def _grant(self, delegating: KeyPair, receiving: bytes) -> Json:
        keys = {
            "grant": self.backend.grant(delegating, receiving, self.signing),
            "verifying": self.signing.public,
            "delegating": delegating.public,
            "receiving": receiving,
        }
        return {name: key.hex() for name, key in keys.items()}
