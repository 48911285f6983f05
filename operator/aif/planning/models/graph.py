"""A model as its layers: what each computes, what it hands on, and where the model may be cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from math import isfinite

import numpy as np

from aif.errors import InvalidSpec
from aif.planning.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class Window:
    """Which input rows an output row reads: of a convolution or pooling.

    Attributes:
        kernel: Rows that one output row reads, dilation included.
        stride: Input rows from one output row to the next.
        padding: Rows of zeros above the input.
    """

    kernel: int
    stride: int = 1
    padding: int = 0

    def needed(self, first: int, last: int, rows: int) -> tuple[int, int]:
        """Return the half-open range of input rows, of ``rows`` in all, that output rows ``first`` to ``last`` read.

        ``last`` is exclusive too; an empty range needs an empty range.
        """
        if first >= last:
            return 0, 0
        low = first * self.stride - self.padding
        high = (last - 1) * self.stride - self.padding + self.kernel
        return max(0, low), min(rows, high)


@dataclass(frozen=True, slots=True)
class Layer:
    """One operation of a model.

    Attributes:
        name: Unique in the model.
        kind: Such as Conv, Linear, Pool, Add; Input is the model's raw input.
        inputs: Names of the layers whose output it reads.
        flop: Floating-point operations of one inference, two per multiply-accumulate.
        elements: Numbers in its output.
        parameters: Numbers that it learned.
        rows: Rows of its output, at least 1; 1 where it has none, such as a vector.
        window: Which input rows an output row reads; None where every row reads all of them.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    flop: float
    elements: float
    parameters: float = 0.0
    rows: int = 1
    window: Window | None = None


@dataclass(frozen=True)
class ModelGraph:
    """Layers in an order in which they can be computed; the first is the input, the last the result.

    Raises:
        InvalidSpec: A name stands twice or is unknown, layers form a cycle, or a figure is no finite number from 0.
    """

    name: str
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if len(self.layers) < 2:  # noqa: PLR2004 - an input and something that reads it
            raise InvalidSpec("layers", "must hold an input and at least one layer that reads it")
        _judge_figures(self.layers)
        for field in ("flop", "parameters"):
            if getattr(self.layers[0], field) > 0:
                raise InvalidSpec(
                    f"layers[0].{field}", "must be 0: the first layer is the input, which computes nothing"
                )
        _judge_order(self.layers)

    @property
    def flop(self) -> float:
        """Return the operations of the whole model."""
        return sum(layer.flop for layer in self.layers)

    @property
    def parameters(self) -> float:
        """Return the parameters of the whole model."""
        return sum(layer.parameters for layer in self.layers)

    @cached_property
    def flops(self) -> FloatArray:
        """Return the operations of each layer, shape [layers]."""
        return np.array([layer.flop for layer in self.layers], dtype=np.float64)

    @cached_property
    def elements(self) -> FloatArray:
        """Return the numbers in each layer's output, shape [layers]."""
        return np.array([layer.elements for layer in self.layers], dtype=np.float64)

    @cached_property
    def sources(self) -> tuple[tuple[int, ...], ...]:
        """Return the positions of the layers that each layer reads."""
        position = {layer.name: index for index, layer in enumerate(self.layers)}
        return tuple(tuple(sorted({position[name] for name in layer.inputs})) for layer in self.layers)

    @cached_property
    def readers(self) -> tuple[tuple[int, ...], ...]:
        """Return the positions of the layers that read each layer."""
        readers: list[list[int]] = [[] for _ in self.layers]
        for index, sources in enumerate(self.sources):
            for source in sources:
                readers[source].append(index)
        return tuple(map(tuple, readers))

    @cached_property
    def legal_cuts(self) -> tuple[int, ...]:
        """Return the positions after which one tensor alone is still needed, both ends of the model included."""
        count = len(self.layers)
        last = [max(readers, default=count) for readers in self.readers]
        furthest = accumulate(last, max, initial=0)
        return tuple(index for index, before in zip(range(count), furthest, strict=False) if before <= index)

    @cached_property
    def blocks(self) -> tuple[tuple[int, int, int], ...]:
        """Return the first and last layer of each stretch between two legal cuts with layers inside, and its number."""
        ends = enumerate(pairwise(self.legal_cuts))
        return tuple((first, last, number) for number, (first, last) in ends if last > first + 1)

    @cached_property
    def branches(self) -> dict[int, tuple[tuple[int, ...], ...]]:
        """Return the chains between both ends of each block that consists of chains alone, by its first layer.

        A chain is empty where the last layer reads the first one itself.
        """
        return {
            first: tuple(self._chain(start, last) for start in self.readers[first])
            for first, last, _ in self.blocks
            if all(len(self.sources[at]) == len(self.readers[at]) == 1 for at in range(first + 1, last))
        }

    def _chain(self, start: int, last: int) -> tuple[int, ...]:
        chain: list[int] = []
        while start != last:
            chain.append(start)
            (start,) = self.readers[start]
        return tuple(chain)

    @cached_property
    def depths(self) -> tuple[int, ...]:
        """Return how many layers with parameters lie on the longest way from the input to each layer's output."""
        depths: list[int] = []
        for layer, sources in zip(self.layers, self.sources, strict=True):
            depths.append(max((depths[source] for source in sources), default=0) + (layer.parameters > 0))
        return tuple(depths)


def ordered(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Return ``layers`` in an order in which they can be computed, as near to theirs as possible.

    Raises:
        InvalidSpec: Layers form a cycle, or one reads what does not exist.
    """
    waiting = list(layers)
    names = {layer.name for layer in waiting}
    for index, layer in enumerate(waiting):
        for name in layer.inputs:
            if name not in names:
                raise InvalidSpec(f"layers[{index}].inputs", f"there is no layer {name}")
    done: dict[str, Layer] = {}
    while waiting:
        ready = [layer for layer in waiting if all(name in done for name in layer.inputs)]
        if not ready:
            raise InvalidSpec("layers", f"form a cycle: {', '.join(layer.name for layer in waiting[:5])}")
        done.update((layer.name, layer) for layer in ready)
        waiting = [layer for layer in waiting if layer.name not in done]
    return tuple(done.values())


def _judge_figures(layers: Sequence[Layer]) -> None:
    for index, layer in enumerate(layers):
        if layer.rows < 1:
            raise InvalidSpec(f"layers[{index}].rows", f"must be 1 or greater, not {layer.rows}")
        for field in ("flop", "elements", "parameters"):
            value = getattr(layer, field)
            if not isfinite(value) or value < 0:
                raise InvalidSpec(f"layers[{index}].{field}", f"must be a finite number from 0, not {value}")


def _judge_order(layers: Sequence[Layer]) -> None:
    seen: set[str] = set()
    read: set[str] = set()
    for index, layer in enumerate(layers):
        field = f"layers[{index}]"
        if layer.name in seen:
            raise InvalidSpec(f"{field}.name", f"{layer.name} stands twice")
        if bool(layer.inputs) == (index == 0):
            raise InvalidSpec(f"{field}.inputs", "the first layer reads nothing, every other reads at least one layer")
        for name in layer.inputs:
            if name not in seen:
                known = "comes later or forms a cycle" if any(name == one.name for one in layers) else "does not exist"
                raise InvalidSpec(f"{field}.inputs", f"{name} {known}")
        seen.add(layer.name)
        read.update(layer.inputs)
    unread = [layer.name for layer in layers[:-1] if layer.name not in read]
    if unread:
        raise InvalidSpec("layers", f"nothing reads {', '.join(unread[:5])}; only the last layer is the result")
