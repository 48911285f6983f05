"""Where to cut a model whose layers form any graph: exactly, by least cuts or by going through all ways to cut.

Data crosses the link one way: what reads a layer in the network is in the network too, and a tensor that several layers
there read is sent once. After a legal cut everything depends on one tensor, so that a best cut either is a legal one or
lies within a block between two of them; blocks whose bound is no better than the best so far are left aside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from math import inf
from operator import or_
from typing import Final

import numpy as np

from aif.errors import InvalidInput
from aif.planning.arrays import BoolArray
from aif.planning.models.chain import Encoding, Hop, Limits, Side
from aif.planning.models.graph import ModelGraph
from aif.planning.split.chain import NoSplit, Objective, gain_over
from aif.planning.split.maxflow import FlowNetwork

MOST_WAYS: Final = 100_000
"""Ways to cut one block that are gone through at most, where a limit or the objective rules out least cuts."""


@dataclass(frozen=True, slots=True)
class GraphSplit:
    """The best cut of a graph.

    Attributes:
        user_layers: Positions of the layers on the user's side, the input included.
        sent: Positions of the layers whose output crosses the link.
        value: Seconds, joules, or for throughput seconds from one result to the next.
        gain: How many times better it is than the better of both ends, of those that keep the limits; None where
            neither does.
    """

    user_layers: tuple[int, ...]
    sent: tuple[int, ...]
    value: float
    gain: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """What each layer of a graph costs, in seconds or joules.

    Attributes:
        user: On the user's side, a figure per layer.
        network: In the network; infinite for the input, which is the user's.
        sending: On the link; infinite where the output must not leave the user's side.
    """

    user: list[float]
    network: list[float]
    sending: list[float]

    @classmethod
    def of(cls, graph: ModelGraph, case: Case) -> Prices:
        """Return the prices of ``case``."""
        energy = case.objective is Objective.ENERGY
        flops = graph.flops
        bits = case.encoding.bits(graph)
        user, network, hop = case.user, case.network, case.hop
        sending = bits / hop.rate * hop.watts if energy else hop.seconds(bits)
        if case.limits.depth:
            sending[np.array(graph.depths) < case.limits.depth] = inf
        remote = flops / network.rate * (network.watts if energy else 1.0)
        remote[0] = inf
        return cls((flops / user.rate * (user.watts if energy else 1.0)).tolist(), remote.tolist(), sending.tolist())


@dataclass(frozen=True, slots=True)
class Case:
    """Who may compute, how they are linked, and what is asked for."""

    user: Side
    network: Side
    hop: Hop
    objective: Objective = Objective.LATENCY
    limits: Limits = Limits()  # noqa: RUF009 - frozen
    encoding: Encoding = Encoding()  # noqa: RUF009 - frozen

    @property
    def additive(self) -> bool:
        """Tell whether the objective is a sum over layers that no limit on another sum accompanies."""
        bounds = (self.user.memory_bytes, self.network.memory_bytes, self.limits.latency_seconds, self.limits.joules)
        return self.objective is not Objective.THROUGHPUT and all(bound == inf for bound in bounds)


def best_graph_cut(graph: ModelGraph, case: Case) -> GraphSplit:
    """Return the best way to divide ``graph`` between both sides.

    Raises:
        NoSplit: No way keeps every limit.
        InvalidInput: A block has more than 100,000 ways to cut it, and a limit asks for going through them.
    """
    return _by_least_cut(graph, case) if case.additive else _by_enumeration(graph, case)


def _by_least_cut(graph: ModelGraph, case: Case) -> GraphSplit:
    prices, cuts = Prices.of(graph, case), graph.legal_cuts
    before = np.cumsum(prices.user)[list(cuts)].tolist()
    behind = np.concatenate((np.cumsum(prices.network[:0:-1])[::-1], [0.0]))[list(cuts)].tolist()
    values = [here + prices.sending[cut] + there for cut, here, there in zip(cuts, before, behind, strict=True)]
    values[-1] = before[-1]
    best = int(np.argmin(values))
    value, kept = values[best], tuple(range(cuts[best] + 1))
    for bound, first, last, block in sorted(_bounds(graph, prices, before, behind)):
        if bound >= value:
            break
        chains = graph.branches.get(first)
        inside = _divide(graph, prices, first, last) if chains is None else _divide_chains(prices, first, chains)
        price = before[block] + _worth(graph, prices, inside, last) + behind[block + 1]
        if price < value:
            value, kept = price, (*range(first), *inside)
    return _result(graph, kept, value, (values[0], values[-1]))


def _result(graph: ModelGraph, kept: tuple[int, ...], value: float, ends: tuple[float, float]) -> GraphSplit:
    inside = set(kept)
    sent = tuple(layer for layer in kept if not inside.issuperset(graph.readers[layer]))
    return GraphSplit(kept, sent, value, gain_over(value, ends))


def _bounds(
    graph: ModelGraph, prices: Prices, before: Sequence[float], behind: Sequence[float]
) -> Iterator[tuple[float, int, int, int]]:
    """Yield for each block a bound of what a cut within it costs, its first and last layer, and its number."""
    for first, last, block in graph.blocks:
        least = sum(map(min, prices.user[first + 1 : last], prices.network[first + 1 : last]))
        sending = min(prices.sending[first:last])
        yield before[block] + least + prices.network[last] + sending + behind[block + 1], first, last, block


def _worth(graph: ModelGraph, prices: Prices, inside: Sequence[int], last: int) -> float:
    """Return what the layers of a block cost, its first one left out, where ``inside`` are the user's."""
    here = set(inside)
    first = inside[0]
    computing = sum(
        prices.user[layer] if layer in here else prices.network[layer] for layer in range(first + 1, last + 1)
    )
    return computing + sum(prices.sending[layer] for layer in inside if not here.issuperset(graph.readers[layer]))


def _divide_chains(prices: Prices, first: int, chains: Sequence[Sequence[int]]) -> list[int]:
    """Return the same as `_divide` for a block of chains side by side, each cut once.

    A chain may begin in the network only where the first layer's output is sent, which is paid once for all of them.
    Given whether it is, the chains do not depend on each other.
    """
    sent, unsent, costs = prices.sending[first], 0.0, list[tuple[float, int]]()
    for chain in chains:
        remote = sum(prices.network[layer] for layer in chain)
        least, kept, so_far = inf, 0, remote
        for place, layer in enumerate(chain, start=1):
            so_far += prices.user[layer] - prices.network[layer]
            if so_far + prices.sending[layer] < least:
                least, kept = so_far + prices.sending[layer], place
        unsent += least
        sent += min(remote, least)
        costs.append((remote - least, kept))
    taken = [kept if unsent <= sent or gain > 0.0 else 0 for gain, kept in costs]
    return [first, *sorted(layer for chain, count in zip(chains, taken, strict=True) for layer in chain[:count])]


def _divide(graph: ModelGraph, prices: Prices, first: int, last: int) -> list[int]:
    """Return the layers of a block that are best the user's where ``first`` is, and ``last`` is the network's."""
    layers = range(first, last + 1)
    shared = [layer for layer in layers[:-1] if len(graph.readers[layer]) > 1]
    once = {layer: len(layers) + place for place, layer in enumerate(shared)}
    forbidden = 1.0 + 2.0 * sum(
        price
        for side in (prices.user, prices.network, prices.sending)
        for price in side[first : last + 1]
        if price < inf
    )
    flow = FlowNetwork(len(layers) + len(shared))
    for layer in layers[:-1]:
        if layer > first:
            flow.add(0, layer - first, prices.network[layer])
            flow.add(layer - first, len(layers) - 1, prices.user[layer])
        sending = min(prices.sending[layer], forbidden)
        if layer in once:
            flow.add(layer - first, once[layer], sending)
        for reader in graph.readers[layer]:
            # The way back is infinite: a layer whose reader is the user's is the user's too.
            if layer in once:
                flow.add(once[layer], reader - first, inf)
                flow.add(reader - first, layer - first, inf)
            else:
                flow.add(layer - first, reader - first, sending, inf)
    side = flow.least_cut(0, len(layers) - 1)
    return [layer for layer in range(first, last) if side[layer - first]]


def _by_enumeration(graph: ModelGraph, case: Case) -> GraphSplit:
    judge = _Judge(graph, case)
    best, chosen = inf, 0
    ends = judge.value(1), judge.value((1 << len(graph.layers)) - 1)
    for state in divisions(graph):
        value = judge.value(state)
        if value < best:
            best, chosen = value, state
    if best == inf:
        raise NoSplit("no way to divide the model keeps every limit: relax limits, or give a side more memory")
    return _result(graph, tuple(layer for layer in range(len(graph.layers)) if chosen >> layer & 1), best, ends)


def divisions(graph: ModelGraph) -> Iterator[int]:
    """Yield every set of layers that the user's side may hold, as bits by position.

    Raises:
        InvalidInput: A block has more than 100,000 ways to cut it.
    """
    cuts = graph.legal_cuts
    for first, last in pairwise(cuts):
        prefix = (1 << first + 1) - 1
        states = [prefix]
        for layer in range(first + 1, last):
            sources = reduce(or_, (1 << source for source in graph.sources[layer]))
            states += [state | 1 << layer for state in states if state & sources == sources]
            if len(states) > MOST_WAYS:
                raise InvalidInput(
                    f"{graph.name}: more than {MOST_WAYS:,} ways to cut between {graph.layers[first].name} and "
                    f"{graph.layers[last].name}; leave limits of memory, time and energy away, and Throughput"
                )
        yield from states
    yield (1 << len(graph.layers)) - 1


class _Judge:
    """Values of divisions under all limits; infinite where one is broken."""

    def __init__(self, graph: ModelGraph, case: Case) -> None:
        self._graph, self._case = graph, case
        self._flops = graph.flops
        self._bits = case.encoding.bits(graph)
        self._parameters, self._live = case.encoding.memory(graph)
        self._readers = [reduce(or_, (1 << reader for reader in readers), 0) for readers in graph.readers]
        depths = np.array(graph.depths)
        self._free = depths >= case.limits.depth
        self._layers = range(len(graph.layers))

    def value(self, state: int) -> float:
        """Return what the objective makes small."""
        case = self._case
        inside = np.array([state >> layer & 1 for layer in self._layers], dtype=np.bool_)
        sent = np.array([bool(state >> layer & 1) and self._readers[layer] & ~state != 0 for layer in self._layers])
        if not self._fits(inside) or not self._free[sent].all():
            return inf
        bits = self._bits[sent]
        local, remote = self._flops[inside].sum() / case.user.rate, self._flops[~inside].sum() / case.network.rate
        sending = float(case.hop.seconds(bits).sum())
        joules = local * case.user.watts + remote * case.network.watts + bits.sum() / case.hop.rate * case.hop.watts
        latency = local + sending + remote
        if latency > case.limits.latency_seconds or joules > case.limits.joules:
            return inf
        figures = {Objective.LATENCY: latency, Objective.ENERGY: joules}
        return float(figures.get(case.objective, max(local, sending, remote)))

    def _fits(self, inside: BoolArray) -> bool:
        user, network = self._case.user, self._case.network
        return self._memory(inside) <= user.memory_bytes and self._memory(~inside) <= network.memory_bytes

    def _memory(self, layers: BoolArray) -> float:
        return float(self._parameters[layers].sum() + self._live[layers].max(initial=0.0))
