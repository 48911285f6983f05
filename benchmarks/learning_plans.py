"""What the planner brings to learning: joint allocation and cuts, held against the goals of learning."""

from __future__ import annotations

from typing import Final

import bench_allocation
import bench_planner
import numpy as np
from learning_peers import Row
from tests.planning.split.test_split import ways, worth

from aif.planning.models.chain import Encoding, Limits
from aif.planning.models.graph import Layer, ModelGraph
from aif.planning.split.graph import best_graph_cut

__all__ = ["PLANS"]

_TASKS: Final = 1000
_GRAPHS: Final = 400


def allocation() -> list[Row]:
    """Allocate beside the geometric programme, and many tasks at once."""
    worst = max(row["difference"] for row in bench_allocation.difference())
    took = bench_allocation.speed(_TASKS, rounds=15)["milliseconds"]
    return [
        Row("allocation", "within 1e-6 of the geometric programme", f"{worst:.1e}", worst <= 1e-6),  # noqa: PLR2004 - the goal
        Row("allocationTime", "1,000 tasks: <= 1 ms", f"{took:.2f} ms", took <= 1.0),
    ]


def a_graph(number: int) -> ModelGraph:
    """Return a made-up model of a few layers, each of which reads some of those before."""
    draw = np.random.default_rng([number, 7])
    count = int(draw.integers(2, 10))
    read: set[int] = set()
    layers = [Layer("l0", "Input", (), 0.0, float(draw.integers(1, 21)))]
    for index in range(1, count):
        inputs = set(draw.choice(index, size=min(index, int(draw.integers(1, 4))), replace=False).tolist())
        if index == count - 1:
            inputs |= set(range(index)) - read
        read |= inputs
        flop, elements = draw.integers(0, 21, size=2).astype(float)
        layers.append(Layer(f"l{index}", "Conv", tuple(f"l{one}" for one in sorted(inputs)), flop, elements))
    return ModelGraph("made-up", tuple(layers))


def exact() -> list[Row]:
    """Cut made-up models, and go through every way to cut them."""
    same = 0
    for number, rates in enumerate(bench_planner.drawn(_GRAPHS)):
        graph, case = a_graph(number), bench_planner.case(rates / rates.min())
        best = min(worth(graph, case, inside) for inside in ways(graph))
        same += bool(np.isclose(best_graph_cut(graph, case).value, best, rtol=1e-9))
    said = f"{same} of {_GRAPHS}"
    return [Row("exactCut", "the least of all ways to cut, gone through", said, same == _GRAPHS)]


def cuts() -> list[Row]:
    """Cut where raw data may not leave, and in graphs beside SciPy's maximum flow."""
    found = {model: bench_planner.inside(model, Encoding(), bench_planner.FORBID) for model in ("vgg16", "resnet50")}
    free = {model: bench_planner.inside(model, Encoding(), Limits()) for model in found}
    more = all(found[model] > free[model] for model in found)
    said = ", ".join(f"{model} {free[model]} -> {found[model]} of 24" for model in found)
    apart = bench_planner.agreement()
    return [
        Row("interiorCut", "raw input forbidden: more cuts inside", said, more),
        Row("leastCut", "as SciPy's, which rounds: within 1e-5", f"{apart:.1e}", apart <= 1e-5),  # noqa: PLR2004 - the goal
    ]


PLANS: Final = (allocation, cuts, exact)
