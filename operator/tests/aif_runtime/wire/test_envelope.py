"""Frames: what was sent comes out, and what is no frame is refused with what is wrong."""

from __future__ import annotations

import contextlib
import json
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aif_runtime.learning.errors import MalformedFrame
from aif_runtime.wire.envelope import Frame, Limits, decode, encode

HEADER = {"kind": "train", "routine": "j", "epoch": 1, "seq": 2, "replyTo": None, "config": {}, "metrics": {}}

words = st.text(max_size=20)
scalars = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | words
)
kinds = st.sampled_from([np.float32, np.float64, np.int64, np.int8, np.bool_])
arrays = st.dictionaries(
    words, kinds.flatmap(lambda kind: hnp.arrays(kind, hnp.array_shapes(max_dims=3, max_side=4))), max_size=4
)


def a_frame(body: bytes = b"", **fields: object) -> bytes:
    """Return bytes of a frame with some fields of its header replaced."""
    text = json.dumps({**HEADER, **fields}).encode()
    return struct.pack("<4sI", b"AIFM", len(text)) + text + body


@given(
    st.builds(
        Frame,
        kind=words,
        routine=words,
        epoch=st.integers(0, 2**40),
        seq=st.integers(0, 2**40),
        reply_to=st.none() | st.integers(0, 2**40),
        config=st.dictionaries(words, scalars, max_size=4),
        metrics=st.dictionaries(words, st.floats(-1e9, 1e9), max_size=4),
        arrays=arrays,
    )
)
def test_what_is_encoded_comes_out_as_it_was(frame: Frame) -> None:
    found = decode(encode(frame))
    for name in ("kind", "routine", "epoch", "seq", "reply_to", "config", "metrics"):
        assert getattr(found, name) == getattr(frame, name)
    assert found.arrays.keys() == frame.arrays.keys()
    for name, array in frame.arrays.items():
        assert found.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[name], array)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"AI", "its head alone takes 8", id="too short"),
        pytest.param(b"XXXX\0\0\0\0", "begins with b'XXXX'", id="another format"),
        pytest.param(struct.pack("<4sI", b"AIFM", 2**31), "claims 2147483648 bytes", id="a header beyond the frame"),
        pytest.param(struct.pack("<4sI", b"AIFM", 2) + b"{]", "no JSON", id="no JSON"),
        pytest.param(struct.pack("<4sI", b"AIFM", 2) + b"[]", "must hold exactly", id="no object"),
        pytest.param(struct.pack("<4sI", b"AIFM", 9) + b"[" * 9, "no JSON", id="brackets only"),
        pytest.param(a_frame(more=1), "must hold exactly", id="an unknown field"),
        pytest.param(a_frame(kind=3), "kind must be a text", id="a kind that is no text"),
        pytest.param(a_frame(routine="r" * 257), "routine must be a text", id="a long routine"),
        pytest.param(a_frame(epoch=-1), "epoch must be a whole number", id="a negative epoch"),
        pytest.param(a_frame(seq=True), "seq must be a whole number", id="a truth value as number"),
        pytest.param(a_frame(seq=2**53), "seq must be a whole number", id="a number beyond all floats"),
        pytest.param(a_frame(replyTo=1.5), "replyTo must be a whole number", id="half an answer"),
        pytest.param(a_frame(config=[]), "config must be an object", id="config as a list"),
        pytest.param(a_frame(metrics=[]), "metrics must be an object", id="metrics as a list"),
        pytest.param(a_frame(metrics={"loss": "1"}), "metrics.loss must be a finite number", id="a figure as text"),
        pytest.param(
            a_frame(metrics={"loss": 10**400}), "metrics.loss must be a finite", id="a figure beyond all floats"
        ),
        pytest.param(a_frame(metrics={"loss": float("nan")}), "NaN is not taken", id="no number"),
        pytest.param(a_frame(b"\0" * 20), "no safetensors", id="arrays that are none"),
        pytest.param(a_frame(pickle.dumps([np.zeros(2)])), "no safetensors", id="a pickle"),
        pytest.param(a_frame(struct.pack("<Q", 2**62) + b"{}"), "no safetensors", id="a huge table of arrays"),
    ],
)
def test_what_is_no_frame_is_refused_by_what_is_wrong(data: bytes, said: str) -> None:
    with pytest.raises(MalformedFrame, match=said.replace("[", r"\[")):
        decode(data)


def test_an_infinite_figure_is_refused_however_it_is_written() -> None:
    data = a_frame(metrics={"loss": 1}).replace(b'"loss": 1', b'"loss":1e999')
    data = struct.pack("<4sI", b"AIFM", len(data) - 8) + data[8:]
    with pytest.raises(MalformedFrame, match=r"metrics.loss must be a finite"):
        decode(data)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        pytest.param(Limits(frame_bytes=50), "at most 50 are taken", id="bytes"),
        pytest.param(Limits(header_bytes=10), "header claims", id="header"),
        pytest.param(Limits(arrays=1), "at most 1 are taken", id="arrays"),
    ],
)
def test_what_is_beyond_a_limit_is_refused(limits: Limits, said: str) -> None:
    data = encode(Frame("train", arrays={"a": np.zeros(2), "b": np.zeros(2)}))
    with pytest.raises(MalformedFrame, match=said):
        decode(data, limits)


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_be_refused(data: bytes) -> None:
    for message in (data, a_frame(data)[: 8 + len(data)], a_frame(data)):
        with contextlib.suppress(MalformedFrame):
            decode(message)
