"""Dividing layers over peers row by row, with halo exchange: shares that are exactly the best ([MCFN]).

The layers form stages. In each, a peer computes its rows and those around them that later layers of the stage read;
between stages neighbours exchange the rows that are missing. All wait for the slowest at the end of a stage. Then one
peer gathers the rows and computes the rest of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from aif.planning.arrays import FloatArray
from aif.planning.models.chain import Hop, Side
from aif.planning.models.graph import ModelGraph
from aif.planning.split.chain import NoSplit, gain_over
from aif.planning.split.tiling import Stage, layerwise, resolutions, stages, tileable

MOST_GRAINS: Final = 16
"""Parts of the rows that are handed out at most; finer shares gain little and take longer to find."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A node that may compute tiles.

    Attributes:
        side: What computes.
        hop: How it is linked to the others.
    """

    side: Side
    hop: Hop


@dataclass(frozen=True, slots=True)
class VerticalSplit:
    """The best shares.

    Attributes:
        bounds: Grain at which the share of each peer begins, and where the last one ends, [peers + 1].
        grains: How many grains there are.
        stages: Names of the layers at which rows are exchanged.
        rest: Position of the peer that gathers the rows and computes the rest of the model.
        stage_seconds: Time of each stage: its slowest peer.
        rest_seconds: Time of gathering and of the rest.
        gain: How many times faster it is than the best peer alone; None where none can hold the model.
    """

    bounds: tuple[int, ...]
    grains: int
    stages: tuple[str, ...]
    rest: int
    stage_seconds: tuple[float, ...]
    rest_seconds: float
    gain: float | None

    @property
    def seconds(self) -> float:
        """Return the time from the input to the result."""
        return sum(self.stage_seconds) + self.rest_seconds

    @property
    def shares(self) -> tuple[float, ...]:
        """Return the share of the rows of each peer."""
        return tuple(float(share) for share in np.diff(self.bounds) / self.grains)


def best_vertical(graph: ModelGraph, peers: Sequence[Peer], cloud: Peer | None = None) -> VerticalSplit:
    """Return the best shares of ``peers``, the first of which holds the input.

    Stages end where the rows change, or before each layer that reads a halo, or all layers form one: whichever is
    faster. What the peers cannot hold goes to ``cloud``.

    Raises:
        NoSplit: Neither the peers nor they and the cloud can hold the model, or no layer of it reads row by row.
    """
    last = tileable(graph)
    if last == 0:
        raise NoSplit(f"{graph.name}: its first layer does not read row by row, so there is nothing to divide")
    ends = resolutions(graph, last)
    grains = min(MOST_GRAINS, *(graph.layers[cut].rows for cut in ends))
    plans = [
        _Plan.of(graph, stages(graph, cuts, grains), last, grains)
        for cuts in dict.fromkeys((ends, layerwise(graph, last), (last,)))
    ]
    for group in (tuple(peers), (*peers, cloud) if cloud else ()):
        found = [split for plan in plans if group and (split := plan.best(group))]
        if found:
            return min(found, key=lambda split: split.seconds)
    raise NoSplit(f"{graph.name}: the peers cannot hold it together; give them more memory, or name a cloud")


@dataclass(frozen=True, slots=True)
class _Plan:
    """Stages, and the rest of the model behind them: its FLOP and the bytes of its parameters."""

    stages: tuple[Stage, ...]
    grains: int
    rest_flops: float
    rest_bytes: float

    @classmethod
    def of(cls, graph: ModelGraph, stages: tuple[Stage, ...], last: int, grains: int) -> _Plan:
        rest = graph.layers[last + 1 :]
        return cls(stages, grains, sum(layer.flop for layer in rest), sum(4.0 * layer.parameters for layer in rest))

    def best(self, peers: Sequence[Peer]) -> VerticalSplit | None:
        """Return the best shares over every choice of the peer that computes the rest; None where memory ends."""
        best, found, alone = np.inf, None, np.inf
        for rest, peer in enumerate(peers):
            tables = [self._times(index, one, rest) for index, one in enumerate(peers)]
            behind = self.rest_flops / peer.side.rate
            whole = tables[rest][:, 0, self.grains].sum() + behind
            alone = min(alone, float(whole))
            shares = best_shares(tables, best - behind)
            if shares is not None:
                bounds, times = shares
                best, found = float(times.sum()) + behind, (bounds, times, rest, behind)
        if found is None:
            return None
        bounds, times, rest, behind = found
        names = tuple(stage.name for stage in self.stages)
        seconds = tuple(float(one) for one in times[:-1])
        return VerticalSplit(
            bounds, self.grains, names, rest, seconds, float(times[-1]) + behind, gain_over(best, (alone,))
        )

    def _times(self, index: int, peer: Peer, rest: int) -> FloatArray:
        """Return what a peer takes for each tile, [stages + 1, g + 1, g + 1]: each stage, then the gathering."""
        given = [
            self._received(index, peer, place) + stage.flops / peer.side.rate for place, stage in enumerate(self.stages)
        ]
        own = self.stages[-1].output_bits
        gathered = own[0, self.grains] - own if index == rest else own
        times = np.stack((*given, peer.hop.seconds(gathered)))
        return np.where(self._memory(index == rest) <= peer.side.memory_bytes, times, np.inf)

    def _received(self, index: int, peer: Peer, place: int) -> FloatArray:
        """Return the time of the rows that a peer lacks at the beginning of a stage."""
        if place:
            return peer.hop.seconds(self.stages[place].halo_bits)
        return peer.hop.seconds(self.stages[0].input_bits) if index else np.zeros_like(self.stages[0].flops)

    def _memory(self, rest: bool) -> FloatArray:  # noqa: FBT001 - one caller
        """Return the bytes that each tile takes; a peer without a tile holds the rest of the model at most."""
        tiles = sum(stage.parameter_bytes for stage in self.stages) + np.max(
            [s.live_bytes for s in self.stages], axis=0
        )
        order = np.arange(self.grains + 1)
        return np.where(order[:, None] < order, tiles, 0.0) + (self.rest_bytes if rest else 0.0)


def best_shares(tables: Sequence[FloatArray], below: float = np.inf) -> tuple[tuple[int, ...], FloatArray] | None:
    """Return the bounds of contiguous shares for which the sum over stages of the slowest peer is least.

    Peers take their shares in order; of partial assignments that end at the same grain only those stay that no other
    beats in every stage. That is exact, and quick because a peer that is slow in one stage is slow in others too.

    Args:
        tables: For each peer the time of each stage for each share, [stages, g + 1, g + 1].
        below: Only an assignment that is better than this counts.

    Returns:
        Bounds, [peers + 1], and the time of each stage, [stages]; None where there is none.
    """
    grains = tables[0].shape[1] - 1
    frontier: dict[int, tuple[FloatArray, list[tuple[int, ...]]]] = {0: (np.zeros((1, len(tables[0]))), [(0,)])}
    for table in tables:
        reached: dict[int, tuple[FloatArray, list[tuple[int, ...]]]] = {}
        for end in range(grains + 1):
            begins = [begin for begin in frontier if begin <= end]
            times = [np.maximum(frontier[begin][0], table[:, begin, end]) for begin in begins]
            bounds = [(*one, end) for begin in begins for one in frontier[begin][1]]
            if kept := _frontier(np.concatenate(times), below) if times else []:
                reached[end] = (np.concatenate(times)[kept], [bounds[place] for place in kept])
        frontier = reached
    if grains not in frontier:
        return None
    times_there, bounds_there = frontier[grains]
    best = int(times_there.sum(axis=1).argmin())
    return bounds_there[best], times_there[best]


def _frontier(times: FloatArray, below: float) -> list[int]:
    """Return the rows that sum to less than ``below`` and that no other row beats or equals in every column."""
    sums = times.sum(axis=1)
    kept: list[int] = []
    for place in np.argsort(sums, kind="stable").tolist():
        if not sums[place] < below:
            break
        if not kept or not (times[kept] <= times[place]).all(axis=1).any():
            kept.append(place)
    return kept
