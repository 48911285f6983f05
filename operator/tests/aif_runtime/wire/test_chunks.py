"""Pieces of messages: put together as they were taken apart, and refused before they are there."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif_runtime.learning.errors import MalformedFrame
from aif_runtime.wire import chunks as chunking
from aif_runtime.wire.chunks import Assembly, chunks


@given(st.lists(st.binary(max_size=300), max_size=4), st.integers(1, 50))
def test_messages_come_out_as_they_went_in(messages: list[bytes], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunking, "CHUNK", size)
        assembly = Assembly(300)
        found = [assembly.take(piece) for message in messages for piece in chunks(message)]
    assert [message for message in found if message is not None] == messages


def test_a_large_message_goes_in_pieces_of_a_mebibyte() -> None:
    pieces = list(chunks(bytes(3 * chunking.CHUNK + 1)))
    assert [len(piece) for piece in pieces] == [chunking.CHUNK + 8, chunking.CHUNK, chunking.CHUNK, 1]


def test_a_message_beyond_the_limit_is_refused_at_its_first_piece() -> None:
    with pytest.raises(MalformedFrame, match="a message of 101 bytes was announced, at most 100"):
        Assembly(100).take(struct.pack("<Q", 101))


def test_a_first_piece_without_a_length_is_refused() -> None:
    with pytest.raises(MalformedFrame, match="its length alone takes 8"):
        Assembly(100).take(b"abc")


def test_more_than_was_announced_is_refused() -> None:
    assembly = Assembly(100)
    assert assembly.take(struct.pack("<Q", 3) + b"a") is None
    with pytest.raises(MalformedFrame, match="a piece of 3 bytes came where 2 were missing"):
        assembly.take(b"bcd")
