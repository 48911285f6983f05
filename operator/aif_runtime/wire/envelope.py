"""A message between roles as bytes: length-prefixed JSON, then safetensors. Nothing in it can run.

::

    4 bytes  AIFM
    u32      length of the JSON, little-endian
    JSON     kind, routine, epoch, seq, replyTo, config, metrics
    rest     arrays as safetensors; empty where there are none
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from safetensors import SafetensorError
from safetensors.numpy import load, save

from aif_runtime.learning.arrays import DTYPES, Arrays
from aif_runtime.learning.errors import MalformedFrame

MAGIC: Final = b"AIFM"
_PREFIX: Final = struct.Struct("<4sI")
_KEYS: Final = frozenset({"kind", "routine", "epoch", "seq", "replyTo", "config", "metrics"})
_NAME: Final = 256
_LARGEST: Final = 1e300
_LARGEST_NUMBER: Final = 2**53

Scalar = str | int | float | bool | None
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused unread.

    Attributes:
        frame_bytes: Most bytes of a whole frame.
        header_bytes: Most bytes of its JSON.
        arrays: Most arrays in it.
    """

    frame_bytes: int = 256 * 2**20
    header_bytes: int = 256 * 2**10
    arrays: int = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One message.

    Attributes:
        kind: What it is about, such as ``train``.
        routine: Identifier of the routine, or of the job where there is no routine.
        epoch: Grows with every restart.
        seq: Number of the message, per sender and epoch.
        reply_to: The `seq` that this answers; None for a request.
        config: Settings and words.
        metrics: Figures; none of them infinite or no number.
        arrays: Numbers of a model, activations, gradients.
    """

    kind: str
    routine: str = ""
    epoch: int = 0
    seq: int = 0
    reply_to: int | None = None
    config: Json = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    arrays: Arrays = field(default_factory=dict)

    def answer(
        self,
        kind: str,
        *,
        config: Json | None = None,
        metrics: Mapping[str, float] | None = None,
        arrays: Arrays | None = None,
    ) -> Frame:
        """Return an answer to this message."""
        return replace(
            self, kind=kind, reply_to=self.seq, config=config or {}, metrics=metrics or {}, arrays=arrays or {}
        )


def encode(frame: Frame) -> bytes:
    """Return a frame as bytes."""
    header = {
        "kind": frame.kind,
        "routine": frame.routine,
        "epoch": frame.epoch,
        "seq": frame.seq,
        "replyTo": frame.reply_to,
        "config": frame.config,
        "metrics": {name: float(value) for name, value in frame.metrics.items()},
    }
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    body = save(dict(frame.arrays)) if frame.arrays else b""
    return b"".join((_PREFIX.pack(MAGIC, len(text)), text, body))


def decode(data: bytes, limits: Limits | None = None) -> Frame:
    """Return the frame that these bytes are.

    Raises:
        MalformedFrame: They are none, or beyond a limit; the text says which part is wrong.
    """
    limits = limits or Limits()
    if len(data) > limits.frame_bytes:
        raise MalformedFrame(f"the frame has {len(data)} bytes, at most {limits.frame_bytes} are taken")
    if len(data) < _PREFIX.size:
        raise MalformedFrame(f"the frame has {len(data)} bytes, its head alone takes {_PREFIX.size}")
    magic, length = _PREFIX.unpack_from(data)
    if magic != MAGIC:
        raise MalformedFrame(f"the frame begins with {magic!r}, not with {MAGIC!r}")
    if length > min(limits.header_bytes, len(data) - _PREFIX.size):
        raise MalformedFrame(f"the header claims {length} bytes; the frame holds fewer, or fewer are taken")
    header = _header(data[_PREFIX.size : _PREFIX.size + length])
    return _frame(header, _arrays(data[_PREFIX.size + length :], limits))


def _header(text: bytes) -> Json:
    try:
        header = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedFrame(f"the header is no JSON: {error}") from error
    if not isinstance(header, dict) or header.keys() != _KEYS:
        raise MalformedFrame(f"the header must hold exactly {', '.join(sorted(_KEYS))}")
    return header


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not taken")


def _frame(header: Json, arrays: Arrays) -> Frame:
    for name in ("kind", "routine"):
        if not isinstance(header[name], str) or len(header[name]) > _NAME:
            raise MalformedFrame(f"{name} must be a text of at most {_NAME} characters")
    numbers = {name: _whole(name, header[name]) for name in ("epoch", "seq")}
    reply_to = None if header["replyTo"] is None else _whole("replyTo", header["replyTo"])
    if not isinstance(header["config"], dict):
        raise MalformedFrame("config must be an object")
    return Frame(
        header["kind"],
        header["routine"],
        numbers["epoch"],
        numbers["seq"],
        reply_to,
        header["config"],
        _metrics(header),
        arrays,
    )


def _whole(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _LARGEST_NUMBER:
        raise MalformedFrame(f"{name} must be a whole number from 0")
    return value


def _metrics(header: Json) -> dict[str, float]:
    metrics = header["metrics"]
    if not isinstance(metrics, dict):
        raise MalformedFrame("metrics must be an object")
    for name, value in metrics.items():
        # A number such as 1e999 is read as infinite, a whole one of 400 digits does not fit into a float.
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or abs(value) > _LARGEST
            or not math.isfinite(value)
        ):
            raise MalformedFrame(f"metrics.{name} must be a finite number")
    return {name: float(value) for name, value in metrics.items()}


def _arrays(body: bytes, limits: Limits) -> Arrays:
    if not body:
        return {}
    try:
        arrays = load(body)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise MalformedFrame(f"the arrays are no safetensors: {error}") from error
    if len(arrays) > limits.arrays:
        raise MalformedFrame(f"the frame holds {len(arrays)} arrays, at most {limits.arrays} are taken")
    for name, array in arrays.items():
        if array.dtype.name not in DTYPES:
            raise MalformedFrame(f"array {name} holds {array.dtype.name}; taken are {', '.join(DTYPES)}")
    return arrays
