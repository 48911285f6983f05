"""A model as a chain of legal cuts: what lies on either side of each, as prefix sums."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from aif.errors import InvalidSpec
from aif.planning.arrays import BoolArray, FloatArray
from aif.planning.checks import non_negative, positive
from aif.planning.kpi.inference import Channel, Platform
from aif.planning.models.graph import ModelGraph

_BITS_PER_BYTE = 8.0


@dataclass(frozen=True, slots=True)
class Encoding:
    """How numbers are sent and kept.

    Attributes:
        activation_bits: Bits of each number of an intermediate tensor on a link.
        input_bits: D0, the raw input as it is sent; None for 32 bits each.
        parameter_bits: Bits of each parameter in memory.

    Raises:
        InvalidSpec: A figure is out of bounds.
    """

    activation_bits: float = 32.0
    input_bits: float | None = None
    parameter_bits: float = 32.0

    def __post_init__(self) -> None:
        positive("bits.activation", self.activation_bits)
        positive("bits.input", 32.0 if self.input_bits is None else self.input_bits)
        positive("bits.parameter", self.parameter_bits)

    def bits(self, graph: ModelGraph) -> FloatArray:
        """Return the bits of each layer's output on a link, shape [layers]; the result is neglected ([6GANA])."""
        bits = graph.elements * self.activation_bits
        bits[0] = graph.layers[0].elements * 32.0 if self.input_bits is None else self.input_bits
        bits[-1] = 0.0
        return bits

    def memory(self, graph: ModelGraph) -> tuple[FloatArray, FloatArray]:
        """Return parameters and live tensors while each layer runs, bytes, shape [layers] each.

        Live tensors are those that the layer reads or writes, or that a later one reads, at 32 bits each number, as if
        the layers ran in their order; the input by itself is no layer that runs.
        """
        parameters = np.array([layer.parameters for layer in graph.layers]) * self.parameter_bits / _BITS_PER_BYTE
        changes = np.zeros(len(graph.layers) + 1)
        for index, (layer, readers) in enumerate(zip(graph.layers, graph.readers, strict=True)):
            changes[index] += layer.elements * 4.0
            changes[max(readers, default=index) + 1] -= layer.elements * 4.0
        # What is freed leaves no less than nothing, but for rounding.
        live = np.maximum(np.cumsum(changes)[:-1], 0.0)
        live[0] = 0.0
        return parameters, live


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """What each of n cuts leaves on the user's side and sends; the first runs all in the network, the last nothing.

    Attributes:
        names: What each cut is called: the layer after which it lies.
        flops: FLOP before each cut, shape [n].
        bits: Bits that cross each cut, shape [n].
        parameter_bytes: Parameters before each cut, bytes, shape [n].
        live_bytes: Most bytes of tensors alive at once between the cut before and this one, shape [n].
        depths: Layers with parameters before each cut, shape [n].

    Raises:
        InvalidSpec: A figure is no number from 0, cuts are out of order, or the arrays differ in length.
    """

    names: tuple[str, ...]
    flops: FloatArray
    bits: FloatArray
    parameter_bytes: FloatArray
    live_bytes: FloatArray
    depths: FloatArray

    def __post_init__(self) -> None:
        for field in ("flops", "bits", "parameter_bytes", "live_bytes", "depths"):
            if non_negative(field, getattr(self, field)).shape != (len(self.names),):
                raise InvalidSpec(field, f"must hold a figure for each of {len(self.names)} cuts")
        for field in ("flops", "parameter_bytes", "depths"):
            steps = np.diff(getattr(self, field))
            if (steps < 0.0).any():
                place = int(np.argmax(steps < 0.0)) + 1
                raise InvalidSpec(field, f"cuts are out of order: {self.names[place]} holds less than the one before")
        if len(self.names) < 2:  # noqa: PLR2004 - the two ends
            raise InvalidSpec("cuts", "must hold at least both ends of the model")

    @classmethod
    def of(cls, graph: ModelGraph, encoding: Encoding | None = None) -> Chain:
        """Return the legal cuts of ``graph``."""
        encoding = encoding or Encoding()
        cuts = np.array(graph.legal_cuts)
        parameters, live = encoding.memory(graph)
        return cls(
            names=tuple(graph.layers[cut].name for cut in cuts),
            flops=np.cumsum(graph.flops)[cuts],
            bits=encoding.bits(graph)[cuts],
            parameter_bytes=np.cumsum(parameters)[cuts],
            live_bytes=np.maximum.reduceat(live, np.concatenate(([0], cuts[:-1] + 1))),
            depths=np.maximum.accumulate(np.array(graph.depths, dtype=np.float64))[cuts],
        )

    @classmethod
    def given(cls, names: tuple[str, ...], flops: ArrayLike, bits: ArrayLike) -> Chain:
        """Return cuts of which only arithmetic and data are known; what lies between two counts as one layer."""
        count = len(names)
        empty = np.zeros(count)
        depths = np.arange(count, dtype=np.float64)
        return cls(names, np.asarray(flops, dtype=np.float64), np.asarray(bits, dtype=np.float64), empty, empty, depths)

    @property
    def total(self) -> float:
        """Return the FLOP of the whole model."""
        return float(self.flops[-1])

    def memory_between(self) -> FloatArray:
        """Return the bytes that a side needs for what lies between two cuts, shape [n, n]; 0 where that is nothing."""
        count = len(self.names)
        later = np.arange(count)[:, None] < np.arange(count)
        peaks = np.maximum.accumulate(np.where(later, self.live_bytes, 0.0), axis=1)
        return np.where(later, self.parameter_bytes - self.parameter_bytes[:, None] + peaks, 0.0)


@dataclass(frozen=True, slots=True)
class Side:
    """A platform that may run a part of a model.

    Attributes:
        name: What people call it.
        platform: Rate and power.
        memory_bytes: What parameters and tensors may take.
    """

    name: str
    platform: Platform
    memory_bytes: float = inf

    @property
    def rate(self) -> float:
        """Return F in FLOP/s."""
        return float(np.asarray(self.platform.flops_per_second))

    @property
    def watts(self) -> float:
        """Return P."""
        return float(np.asarray(self.platform.watts))


@dataclass(frozen=True, slots=True)
class Hop:
    """A link between two sides.

    Attributes:
        channel: Rate and power.
        delay_seconds: What every tensor takes beside its transfer, such as half a round trip.
    """

    channel: Channel
    delay_seconds: float = 0.0

    def __post_init__(self) -> None:
        non_negative("link.delaySeconds", self.delay_seconds)

    @property
    def rate(self) -> float:
        """Return R in bit/s."""
        return float(np.asarray(self.channel.bits_per_second))

    @property
    def watts(self) -> float:
        """Return P_comm."""
        return float(np.asarray(self.channel.watts))

    def seconds(self, bits: FloatArray) -> FloatArray:
        """Return the time of tensors of ``bits``; what is empty is not sent."""
        return np.asarray(bits / self.rate + np.where(bits > 0.0, self.delay_seconds, 0.0))


@dataclass(frozen=True, slots=True)
class Limits:
    """What a split must keep.

    Attributes:
        forbid_raw_input: The raw input must not leave the user's side.
        minimum_depth: Layers with parameters that whatever leaves the user's side has passed.
        latency_seconds: Longest time of a request.
        joules: Most energy of a request.
    """

    forbid_raw_input: bool = False
    minimum_depth: int = 0
    latency_seconds: float = inf
    joules: float = inf

    @property
    def depth(self) -> int:
        """Return the least depth of what leaves the user's side, the raw input included in the rule."""
        return max(self.minimum_depth, 1 if self.forbid_raw_input else 0)

    def may_leave(self, depths: FloatArray) -> BoolArray:
        """Return after which cuts the user's side may stop; after the last nothing needs to leave."""
        allowed = np.asarray(depths >= self.depth)
        allowed[-1] = True
        return allowed
