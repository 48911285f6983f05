"""Frames of training data: each is taken once, in its order, as it was sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif_runtime.learning.errors import MalformedFrame, OutOfOrder
from aif_runtime.wire.sealed import Direction, Opener, Sealer


def a_sealer(**fields: object) -> Sealer:
    """Return the client's side of the routine `r` in epoch 3, with some fields replaced."""
    return Sealer(**{"direction": Direction.UP, "routine": "r", "epoch": 3, **fields})  # type: ignore[arg-type]


def an_opener() -> Opener:
    """Return the server's side of the routine `r` in epoch 3."""
    return Opener(Direction.UP, "r", 3)


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_frames_come_out_in_their_order(bodies: list[bytes]) -> None:
    sealer, opener = a_sealer(), an_opener()
    assert [opener.open(sealer.seal(body)) for body in bodies] == bodies


def test_a_flipped_bit_is_refused_wherever_it_is() -> None:
    frame = a_sealer().seal(b"activations and labels")
    for place in range(len(frame)):
        for bit in range(8):
            changed = bytearray(frame)
            changed[place] ^= 1 << bit
            with pytest.raises((MalformedFrame, OutOfOrder)):
                an_opener().open(bytes(changed))


def test_a_frame_that_comes_again_is_refused() -> None:
    opener, frame = an_opener(), a_sealer().seal(b"x")
    opener.open(frame)
    with pytest.raises(OutOfOrder, match="has the number 1, 2 was expected"):
        opener.open(frame)


def test_a_frame_whose_forerunner_is_missing_is_refused() -> None:
    sealer = a_sealer()
    sealer.seal(b"lost")
    with pytest.raises(OutOfOrder, match="has the number 2, 1 was expected"):
        an_opener().open(sealer.seal(b"x"))


@pytest.mark.parametrize("epoch", [2, 4])
def test_a_frame_of_another_epoch_is_refused(epoch: int) -> None:
    with pytest.raises(OutOfOrder, match=f"is of epoch {epoch}, this is epoch 3"):
        an_opener().open(a_sealer(epoch=epoch).seal(b"x"))


def test_a_frame_that_is_sent_back_is_refused() -> None:
    with pytest.raises(OutOfOrder, match="the wrong way"):
        an_opener().open(a_sealer(direction=Direction.DOWN).seal(b"x"))


def test_a_frame_of_another_routine_is_refused() -> None:
    with pytest.raises(OutOfOrder, match="was changed"):
        an_opener().open(a_sealer(routine="s").seal(b"x"))


@given(st.binary(max_size=100))
def test_no_bytes_do_anything_but_be_refused(data: bytes) -> None:
    with pytest.raises((MalformedFrame, OutOfOrder)):
        an_opener().open(data)
