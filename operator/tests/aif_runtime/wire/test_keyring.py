"""Proxy re-encryption: who can open what, and that nothing changed on its way is taken."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

import pytest

from aif_runtime.learning.errors import BackendMissing, MalformedFrame, OutOfOrder
from aif_runtime.wire.keyring import KeyRing, PublicKeys, Unwrapping, Wrapping, backend
from aif_runtime.wire.pre import KeyPair, PreBackend, Proxy, Reencryption
from aif_runtime.wire.sealed import Direction, Opener, Sealer, reencrypted

BOTH = (Reencryption.PER_SESSION, Reencryption.PER_MESSAGE)
BODY = b"activations and labels"


def a_backend() -> PreBackend:
    """Return the backend; the test is left out where it is not installed."""
    pytest.importorskip("umbral_pre", reason="the extra reencryption is not installed")
    found = backend(Reencryption.PER_SESSION)
    assert found
    return found


def flipped(data: bytes, place: int) -> bytes:
    """Return the bytes with one bit flipped."""
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@dataclass
class Ends:
    """A terminal, its server, and the proxy between them, upwards."""

    mode: Reencryption = Reencryption.PER_SESSION
    backend: PreBackend = field(default_factory=a_backend)

    def __post_init__(self) -> None:
        made = self.backend.keypair
        self.up, self.down, self.signing, self.terminal, self.server = made(), made(), made(), made(), made()
        self.grant = self.backend.grant(self.up, self.server.public, self.signing)
        ring = (self.backend, self.mode)
        public = (self.up.public, self.down.public, self.signing.public)
        lock = Wrapping(KeyRing(*ring, self.terminal, *public))
        key = Unwrapping(KeyRing(*ring, self.server, self.down.public, self.up.public, self.signing.public))
        self.sealer = Sealer(Direction.UP, "r", 3, lock)
        self.opener = Opener(Direction.UP, "r", 3, key)

    def proxy(self, grant: bytes | None = None, receiving: bytes | None = None) -> Proxy:
        """Return what the forwarding plane makes of a grant."""
        public = (self.signing.public, self.up.public, receiving or self.server.public)
        return self.backend.proxy(grant or self.grant, *public)


@pytest.mark.parametrize("mode", BOTH)
def test_what_is_sent_comes_out_at_the_other_end(mode: Reencryption) -> None:
    ends = Ends(mode)
    bodies = [BODY, b"", b"gradients" * 1000]
    assert [ends.opener.open(reencrypted(ends.sealer.seal(body), ends.proxy())) for body in bodies] == bodies


@pytest.mark.parametrize(("mode", "keys"), [(Reencryption.PER_SESSION, 1), (Reencryption.PER_MESSAGE, 3)])
def test_a_session_has_one_key_and_a_message_has_its_own(mode: Reencryption, keys: int) -> None:
    ends, proxy, opened = Ends(mode), Ends.proxy, []
    found = proxy(ends)

    def counted(capsule: bytes) -> bytes:
        opened.append(capsule)
        return found(capsule)

    for body in (b"a", b"b", b"c"):
        ends.opener.open(reencrypted(ends.sealer.seal(body), counted))
    assert len(set(opened)) == keys


def test_a_frame_on_its_way_holds_nothing_of_its_body() -> None:
    ends = Ends()
    frames = [ends.sealer.seal(BODY) for _ in range(2)]
    assert not any(BODY[at : at + 8] in frame for frame in frames for at in range(len(BODY) - 8))


def test_without_the_fragment_of_the_proxy_the_server_opens_nothing() -> None:
    ends = Ends()
    with pytest.raises(OutOfOrder, match="the key of the frame was changed"):
        ends.opener.open(ends.sealer.seal(BODY))


@pytest.mark.parametrize("mode", BOTH)
def test_a_flipped_bit_is_refused_in_every_part_of_a_frame(mode: Reencryption) -> None:
    ends = Ends(mode)
    frame = reencrypted(ends.sealer.seal(BODY), ends.proxy())
    for place in [*range(40), *range(40, len(frame), 7)]:
        with pytest.raises((MalformedFrame, OutOfOrder)):
            ends.opener.open(flipped(frame, place))
    assert ends.opener.open(frame) == BODY


def test_a_changed_grant_is_refused_when_it_is_loaded_or_by_the_receiver() -> None:
    ends = Ends()
    frame, late = ends.sealer.seal(BODY), 0
    for place in range(len(ends.grant)):
        try:
            proxy = ends.proxy(flipped(ends.grant, place))
        except OutOfOrder:
            continue
        late += 1
        with pytest.raises(OutOfOrder):
            ends.opener.open(reencrypted(frame, proxy))
    assert 0 < late < len(ends.grant) / 2


def test_a_grant_for_another_receiver_is_refused() -> None:
    ends = Ends()
    with pytest.raises(OutOfOrder, match="the grant was changed, or is for other keys"):
        ends.proxy(receiving=ends.terminal.public)


def test_a_grant_by_another_signer_is_refused() -> None:
    ends = Ends()
    with pytest.raises(OutOfOrder, match="the grant was changed, or is for other keys"):
        ends.proxy(ends.backend.grant(ends.up, ends.server.public, ends.backend.keypair()))


@pytest.mark.parametrize("mode", BOTH)
def test_a_frame_that_comes_again_is_refused(mode: Reencryption) -> None:
    ends = Ends(mode)
    frame = reencrypted(ends.sealer.seal(BODY), ends.proxy())
    ends.opener.open(frame)
    with pytest.raises(OutOfOrder, match="has the number 1, 2 was expected"):
        ends.opener.open(frame)


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        pytest.param(Reencryption.PER_SESSION, "came with another key", id="a second key in a session"),
        pytest.param(Reencryption.PER_MESSAGE, "the frame 2 was changed", id="the frame of another stream"),
    ],
)
def test_a_frame_of_another_stream_is_refused(mode: Reencryption, said: str) -> None:
    ends = Ends(mode)
    ends.opener.open(reencrypted(ends.sealer.seal(BODY), ends.proxy()))
    other = Sealer(Direction.UP, "other", 3, Wrapping(ends.sealer.lock.ring), seq=1)  # type: ignore[attr-defined]
    with pytest.raises(OutOfOrder, match=said):
        ends.opener.open(reencrypted(other.seal(BODY), ends.proxy()))


def test_a_message_without_a_key_of_its_own_is_refused() -> None:
    ends, other = Ends(Reencryption.PER_MESSAGE), Ends(Reencryption.PER_SESSION)
    other.sealer.seal(BODY)
    with pytest.raises(OutOfOrder, match="the frame 2 came without a key"):
        Opener(Direction.UP, "r", 3, ends.opener.key, seq=1).open(other.sealer.seal(BODY))


def test_what_is_no_capsule_is_refused_by_the_proxy() -> None:
    with pytest.raises(OutOfOrder, match="the capsule is none"):
        Ends().proxy()(b"x" * 105)


def test_what_is_no_public_key_is_refused() -> None:
    with pytest.raises(OutOfOrder, match="78 is no public key"):
        a_backend().encapsulate(b"x", bytes(32))


def test_a_secret_key_is_not_printed() -> None:
    assert "secret" not in repr(KeyPair(b"secret", b"public"))


def test_public_keys_are_told_as_json() -> None:
    keys = PublicKeys(Reencryption.PER_MESSAGE, b"up", b"down", b"signer")
    assert PublicKeys.of(keys.told()) == keys


@pytest.mark.parametrize("told", [{}, {"mode": "None"}, {"mode": "x", "up": "", "down": "", "verifying": ""}, 3])
def test_public_keys_that_make_no_sense_are_refused(told: object) -> None:
    with pytest.raises(MalformedFrame, match="reencryption must hold mode, up, down and verifying"):
        PublicKeys.of(told)


def test_without_reencryption_there_is_no_backend_and_no_ring() -> None:
    assert backend(Reencryption.NONE) is None
    assert KeyRing.made(None, at_the_server=True) is None


@pytest.mark.parametrize("mode", BOTH)
def test_a_backend_that_is_not_installed_is_refused_with_what_to_do(
    mode: Reencryption, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "aif_runtime.wire.umbral", raising=False)
    monkeypatch.setitem(sys.modules, "umbral_pre", None)
    with pytest.raises(BackendMissing, match=f"{mode} needs umbral-pre: install the extra reencryption, or use None"):
        backend(mode)
