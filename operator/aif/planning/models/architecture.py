"""Describing a convolutional network layer by layer; figures follow from the shapes.

Two operations per multiply-accumulate of convolutions and linear layers. Biases, normalisation, activations, pooling
and additions count none, as operation counters have it.
"""

from __future__ import annotations

from math import prod
from typing import Final

from aif.planning.models.graph import Layer, ModelGraph, Window

Shape = tuple[int, ...]
"""Channels, rows and columns, or the length of a vector."""

INPUT: Final = "x"


class Architecture:
    """A network under construction: each method adds a layer after the one added last, or after ``source``."""

    def __init__(self, name: str, shape: Shape) -> None:
        self.name = name
        self.last = INPUT
        self._layers: list[Layer] = []
        self._shapes: dict[str, Shape] = {}
        self._add(INPUT, "Input", (), shape)

    def shape(self, name: str = "") -> Shape:
        """Return the shape of a layer's output; of the last one where no name is given."""
        return self._shapes[name or self.last]

    def conv(
        self,
        name: str,
        channels: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        *,
        groups: int = 1,
        bias: bool = True,
        source: str = "",
    ) -> str:
        """Add a convolution with a square kernel; return its name."""
        source = source or self.last
        wide, rows, columns = self._shapes[source]
        window = Window(kernel, stride, padding)
        shape = (channels, _extent(rows, window), _extent(columns, window))
        weights = channels * (wide // groups) * kernel * kernel
        flop = 2.0 * weights * shape[1] * shape[2]
        return self._add(name, "Conv", (source,), shape, flop, weights + (channels if bias else 0), window)

    def norm(self, name: str) -> str:
        """Add a batch normalisation."""
        return self._add(name, "Norm", (self.last,), self.shape(), parameters=2 * self.shape()[0], window=Window(1))

    def activation(self, name: str) -> str:
        """Add an activation, or another function of each number by itself."""
        window = Window(1) if len(self.shape()) > 1 else None
        return self._add(name, "Activation", (self.last,), self.shape(), window=window)

    def pool(
        self, name: str, kernel: int, stride: int, padding: int = 0, *, ceil: bool = False, source: str = ""
    ) -> str:
        """Add a pooling; with ``ceil`` an output row that reads beyond the edge counts too."""
        source = source or self.last
        channels, rows, columns = self._shapes[source]
        window = Window(kernel, stride, padding)
        shape = (channels, _extent(rows, window, ceil=ceil), _extent(columns, window, ceil=ceil))
        return self._add(name, "Pool", (source,), shape, window=window)

    def adaptive_pool(self, name: str, size: int) -> str:
        """Add a pooling to ``size`` rows and columns; one to the shape that is already there reads row by row."""
        channels, rows, _ = self.shape()
        return self._add(name, "Pool", (self.last,), (channels, size, size), window=Window(1) if rows == size else None)

    def flatten(self, name: str = "flatten") -> str:
        """Add the step from rows to a vector."""
        return self._add(name, "Flatten", (self.last,), (prod(self.shape()),))

    def linear(self, name: str, size: int) -> str:
        """Add a fully connected layer with biases."""
        (wide,) = self.shape()
        return self._add(name, "Linear", (self.last,), (size,), 2.0 * wide * size, wide * size + size)

    def add(self, name: str, *sources: str) -> str:
        """Add the sum of layers of one shape."""
        return self._add(name, "Add", sources, self._shapes[sources[0]], window=Window(1))

    def concat(self, name: str, *sources: str) -> str:
        """Add the channels of several layers, one behind the other."""
        channels = sum(self._shapes[source][0] for source in sources)
        return self._add(name, "Concat", sources, (channels, *self._shapes[sources[0]][1:]), window=Window(1))

    def graph(self) -> ModelGraph:
        """Return what was described."""
        return ModelGraph(self.name, tuple(self._layers))

    def _add(
        self,
        name: str,
        kind: str,
        inputs: tuple[str, ...],
        shape: Shape,
        flop: float = 0.0,
        parameters: float = 0.0,
        window: Window | None = None,
    ) -> str:
        rows = shape[1] if len(shape) > 1 else 1
        self._layers.append(Layer(name, kind, inputs, flop, float(prod(shape)), float(parameters), rows, window))
        self._shapes[name] = shape
        self.last = name
        return name


def _extent(size: int, window: Window, *, ceil: bool = False) -> int:
    """Return how many outputs a window finds along an edge; none begins in the padding behind it."""
    reach = size + 2 * window.padding - window.kernel
    found = (-(-reach // window.stride) if ceil else reach // window.stride) + 1
    return found - (ceil and (found - 1) * window.stride >= size + window.padding)
