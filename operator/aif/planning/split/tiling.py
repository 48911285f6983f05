"""Tiles of a model: which rows of every layer a piece of the output needs, and what computing it costs ([MCFN])."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from aif.errors import InvalidSpec
from aif.planning.arrays import FloatArray
from aif.planning.models.chain import Encoding
from aif.planning.models.graph import ModelGraph

Rows = tuple[int, int]
"""A half-open range."""

_FLOAT_BYTES = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A run of layers between two legal cuts of which every node computes a tile, halo rows included.

    All arrays have shape [g + 1, g + 1] for g grains of rows: row a, column b is the tile of grains a to b - 1.

    Attributes:
        name: The layer at the end.
        flops: FLOP of the tile.
        halo_bits: Input rows that the tile reads beyond those of the same grains.
        input_bits: All input rows that it reads.
        output_bits: Its own output rows.
        live_bytes: Most bytes that one of its layers reads and writes.
        parameter_bytes: Parameters of the layers.
    """

    name: str
    flops: FloatArray
    halo_bits: FloatArray
    input_bits: FloatArray
    output_bits: FloatArray
    live_bytes: FloatArray
    parameter_bytes: float


def tileable(graph: ModelGraph) -> int:
    """Return the last legal cut up to which every layer reads row by row; 0 where not even the first layer does."""
    first = next((i for i, layer in enumerate(graph.layers) if i and layer.window is None), len(graph.layers))
    return max(cut for cut in graph.legal_cuts if cut < first)


def resolutions(graph: ModelGraph, last: int) -> tuple[int, ...]:
    """Return the legal cuts up to ``last`` behind which the rows change, and ``last``: natural ends of stages."""
    cuts = [cut for cut in graph.legal_cuts if 0 < cut <= last]
    rows = [graph.layers[cut].rows for cut in cuts]
    return tuple(cut for place, cut in enumerate(cuts) if place + 1 == len(cuts) or rows[place] != rows[place + 1])


def layerwise(graph: ModelGraph, last: int) -> tuple[int, ...]:
    """Return the legal cuts up to ``last`` just before the next layer that reads more than one row, and ``last``."""
    cuts = [cut for cut in graph.legal_cuts if 0 < cut <= last]
    wide = [any(_widens(graph, layer) for layer in range(cut + 1, after + 1)) for cut, after in pairwise(cuts)]
    return (*(cut for cut, reads_more in zip(cuts[:-1], wide, strict=True) if reads_more), cuts[-1])


def _widens(graph: ModelGraph, layer: int) -> bool:
    window = graph.layers[layer].window
    return window is not None and window.kernel > window.stride


def stages(graph: ModelGraph, ends: Sequence[int], grains: int, encoding: Encoding | None = None) -> tuple[Stage, ...]:
    """Return the stages of ``graph`` that end at the legal cuts ``ends``, for tiles of whole grains.

    Raises:
        InvalidSpec: An end is no legal cut, ends are out of order or behind what can be tiled, or a stage has fewer
            rows than there are grains.
    """
    legal, last = set(graph.legal_cuts), tileable(graph)
    for index, (before, end) in enumerate(pairwise((0, *ends))):
        field = f"stages[{index}]"
        if end not in legal or end <= before or end > last:
            raise InvalidSpec(
                field, f"must be a legal cut behind the one before, {graph.layers[last].name} at the latest"
            )
        if graph.layers[end].rows < grains:
            raise InvalidSpec(field, f"has {graph.layers[end].rows} rows, fewer than {grains} grains")
    bits = (encoding or Encoding()).bits(graph)
    parameters, _ = (encoding or Encoding()).memory(graph)
    return tuple(_stage(graph, first, end, grains, (bits, parameters)) for first, end in pairwise((0, *ends)))


def rows_of(grain: int, grains: int, rows: int) -> int:
    """Return the row at which a grain begins."""
    return grain * rows // grains


def needed_rows(graph: ModelGraph, first: int, last: int, rows: Rows) -> dict[int, Rows]:
    """Return the rows of the layers from ``first`` to ``last``, both legal cuts, that ``rows`` of the last one need."""
    needed = {last: rows}
    for layer in range(last, first, -1):
        window, wanted = graph.layers[layer].window, needed.get(layer, (0, 0))
        if window is None:
            raise InvalidSpec(f"layers[{layer}].window", f"{graph.layers[layer].name} does not read row by row")
        for source in graph.sources[layer]:
            low, high = window.needed(*wanted, graph.layers[source].rows)
            known = needed.get(source, (0, 0))
            needed[source] = (low, high) if known[0] == known[1] else (min(low, known[0]), max(high, known[1]))
    return needed


def _stage(graph: ModelGraph, first: int, last: int, grains: int, amounts: tuple[FloatArray, FloatArray]) -> Stage:
    bits, parameters = amounts
    shape = (5, grains + 1, grains + 1)
    tables = np.zeros(shape)
    for begin in range(grains):
        for end in range(begin + 1, grains + 1):
            tables[:, begin, end] = _tile(graph, (first, last), (begin, end, grains), bits)
    flops, halo, inputs, outputs, live = tables
    weights = float(parameters[first + 1 : last + 1].sum())
    return Stage(graph.layers[last].name, flops, halo, inputs, outputs, live, weights)


def _tile(graph: ModelGraph, ends: Rows, tile: tuple[int, int, int], bits: FloatArray) -> tuple[float, ...]:
    """Return FLOP, halo, input and output in bits, and bytes alive, of a tile."""
    first, last = ends
    begin, end, grains = tile

    def own(layer: int) -> Rows:
        rows = graph.layers[layer].rows
        return rows_of(begin, grains, rows), rows_of(end, grains, rows)

    needed = needed_rows(graph, first, last, own(last))
    share = {layer: (high - low) / graph.layers[layer].rows for layer, (low, high) in needed.items()}
    flops = sum(share[layer] * graph.layers[layer].flop for layer in range(first + 1, last + 1))
    live = max(
        sum(share[one] * graph.layers[one].elements for one in (layer, *graph.sources[layer]))
        for layer in range(first + 1, last + 1)
    )
    (low, high), (own_low, own_high) = needed[first], own(first)
    halo = max(0, own_low - low) + max(0, high - own_high)
    per_row = bits[first] / graph.layers[first].rows
    # What crosses here is the tensor of a stage's end, never the result of the model, which is neglected.
    return flops, halo * per_row, (high - low) * per_row, share[last] * bits[last], live * _FLOAT_BYTES
