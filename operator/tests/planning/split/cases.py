"""Random models, platforms and links for tests of the split planner."""

from __future__ import annotations

from hypothesis import strategies as st

from aif.planning.kpi.inference import Channel, Platform
from aif.planning.models.chain import Hop, Limits, Side
from aif.planning.models.graph import Layer, ModelGraph
from aif.planning.split.chain import Objective

amounts = st.integers(0, 20).map(float)
rates = st.integers(1, 20).map(float)


@st.composite
def graphs(draw: st.DrawFn, most: int = 8) -> ModelGraph:
    """Return a model of a few layers that read any of those before; what nothing reads, the last layer does."""
    count = draw(st.integers(2, most))
    read: set[str] = set()
    layers = [Layer("x", "Input", (), 0.0, draw(amounts))]
    for index in range(1, count):
        before = [layer.name for layer in layers]
        inputs = draw(st.sets(st.sampled_from(before), min_size=1, max_size=3))
        if index == count - 1:
            inputs |= set(before) - read
        read |= inputs
        flop, elements, parameters = draw(amounts), draw(amounts), float(draw(st.integers(0, 2)))
        layers.append(Layer(f"l{index}", "Conv", tuple(sorted(inputs)), flop, elements, parameters))
    return ModelGraph("random", tuple(layers))


def chains(most: int = 7) -> st.SearchStrategy[ModelGraph]:
    """Return models in which each layer reads the one before."""

    def chain(figures: list[tuple[float, float, int]]) -> ModelGraph:
        layers = [Layer("l0", "Input", (), 0.0, figures[0][1])]
        for index, (flop, elements, parameters) in enumerate(figures[1:]):
            layers.append(Layer(f"l{index + 1}", "Conv", (f"l{index}",), flop, elements, float(parameters)))
        return ModelGraph("chain", tuple(layers))

    return st.lists(st.tuples(amounts, amounts, st.integers(0, 2)), min_size=2, max_size=most).map(chain)


def sides(name: str = "side", *, bounded: bool = False) -> st.SearchStrategy[Side]:
    """Return platforms; ``bounded`` ones have little memory."""
    memory = st.integers(20, 400).map(float) if bounded else st.just(float("inf"))
    return st.builds(lambda rate, watts, size: Side(name, Platform(rate, watts), size), rates, rates, memory)


hops = st.builds(
    lambda rate, watts, delay: Hop(Channel(rate, watts), delay), rates, rates, st.sampled_from((0.0, 1.0, 7.0))
)
objectives = st.sampled_from(Objective)
limits = st.builds(Limits, st.booleans(), st.integers(0, 2))
