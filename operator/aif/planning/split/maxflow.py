"""Least cuts of small networks with real capacities, by Dinic's algorithm.

SciPy's maximum_flow takes 32-bit whole capacities only, and silently answers 0 for wider ones; networkx is some thirty
times slower. Blocks of a model hold a few dozen nodes, on which this takes well below a millisecond.
"""

from __future__ import annotations

from collections import deque
from math import inf
from typing import Final

_NEGLIGIBLE: Final = 1e-15
"""Share of the finite capacities below which a residual is rounding."""


class FlowNetwork:
    """Nodes 0 to n - 1 with directed edges of a capacity in any unit; infinite edges cannot be cut."""

    def __init__(self, nodes: int) -> None:
        self._edges: list[list[int]] = [[] for _ in range(nodes)]
        self._heads: list[int] = []
        self._residual: list[float] = []

    def add(self, tail: int, head: int, capacity: float, back: float = 0.0) -> None:
        """Add an edge, and one of capacity ``back`` in the other direction."""
        self._edges[tail].append(len(self._heads))
        self._edges[head].append(len(self._heads) + 1)
        self._heads += (head, tail)
        self._residual += (capacity, back)

    def least_cut(self, source: int, sink: int) -> list[bool]:
        """Return which nodes stay with the source where least capacity is cut.

        Raises:
            ValueError: An infinite way leads from the source to the sink.
        """
        negligible = _NEGLIGIBLE * sum(capacity for capacity in self._residual if capacity < inf)
        while True:
            levels = self._levels(source, negligible)
            if levels[sink] < 0:
                return [level >= 0 for level in levels]
            places = [0] * len(self._edges)
            while path := self._path((source, sink), levels, places, negligible):
                self._push(path)

    def _levels(self, source: int, negligible: float) -> list[int]:
        """Return how many edges with room lead to each node; -1 where none do."""
        levels = [-1] * len(self._edges)
        levels[source] = 0
        waiting = deque((source,))
        while waiting:
            node = waiting.popleft()
            for edge in self._edges[node]:
                head = self._heads[edge]
                if levels[head] < 0 and self._residual[edge] > negligible:
                    levels[head] = levels[node] + 1
                    waiting.append(head)
        return levels

    def _path(self, ends: tuple[int, int], levels: list[int], places: list[int], negligible: float) -> list[int]:
        """Return the edges of a way up the levels; empty where there is none. What leads nowhere is not tried again."""
        node, sink = ends
        path: list[int] = []
        while node != sink:
            edges = self._edges[node]
            while places[node] < len(edges):
                edge = edges[places[node]]
                if self._residual[edge] > negligible and levels[self._heads[edge]] == levels[node] + 1:
                    path.append(edge)
                    node = self._heads[edge]
                    break
                places[node] += 1
            else:
                if not path:
                    return path
                node = self._heads[path.pop() ^ 1]
                places[node] += 1
        return path

    def _push(self, path: list[int]) -> None:
        room = min(self._residual[edge] for edge in path)
        if room == inf:
            raise ValueError("an infinite way leads from the source to the sink")
        for edge in path:
            self._residual[edge] -= room
            self._residual[edge ^ 1] += room
