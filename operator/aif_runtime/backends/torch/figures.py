"""What each operation of a module costs, counted by PyTorch itself on tensors without numbers."""

from __future__ import annotations

import copy
import operator
from math import prod
from typing import Any, Final

import torch
from torch import fx, nn
from torch.utils.flop_counter import FlopCounterMode

from aif_runtime.backends.torch.cutting import one_example, operations
from aif_runtime.learning.learner import INPUT, LayerFigures

Shape = tuple[int, ...]
_PICTURE: Final = 3
_KINDS: Final[tuple[tuple[str, str], ...]] = (
    ("Conv", "Conv"),
    ("Linear", "Linear"),
    ("Norm", "Norm"),
    ("Pool", "Pool"),
    ("Flatten", "Flatten"),
    ("ReLU", "Activation"),
    ("Dropout", "Activation"),
    ("Sum", "Add"),
)
_FUNCTIONS: Final[dict[Any, str]] = {torch.flatten: "Flatten", operator.add: "Add", torch.relu: "Activation"}


class _Counting(fx.Interpreter):
    """Runs a graph, and notes the shape and the operations of each node."""

    def __init__(self, module: nn.Module, graph: fx.Graph) -> None:
        super().__init__(module, graph=graph)
        self.noted: dict[str, tuple[Shape, int]] = {}

    def run_node(self, n: fx.Node) -> Any:  # noqa: ANN401 - as in the base class
        """Run one node."""
        with FlopCounterMode(display=False) as counter:
            result = super().run_node(n)
        if isinstance(result, torch.Tensor):
            self.noted[n.name] = (tuple(result.shape[1:]), int(counter.get_total_flops()))
        return result


def counted(model: nn.Module, graph: fx.Graph, shape: Shape) -> dict[str, tuple[Shape, int]]:
    """Return the shape of one example's output and the operations of each node, by its name."""
    bare = copy.deepcopy(model).to("meta").eval()
    counting = _Counting(bare, graph)
    with torch.no_grad():
        counting.run(one_example(shape, "meta"))
    return counting.noted


def figures(model: nn.Module, graph: fx.Graph, noted: dict[str, tuple[Shape, int]]) -> tuple[LayerFigures, ...]:
    """Return what each operation costs, the input first."""
    modules = dict(model.named_modules())
    found: list[LayerFigures] = []
    for node in operations(graph):
        shape, flop = noted[node.name]
        module = modules.get(str(node.target)) if node.op == "call_module" else None
        parameters = sum(parameter.numel() for parameter in module.parameters()) if module else 0
        inputs = tuple(one.name for one in node.all_input_nodes if one.op != "get_attr")
        rows = shape[1] if len(shape) == _PICTURE else 1
        found.append(LayerFigures(node.name, _kind(node, module), inputs, flop, prod(shape), parameters, rows))
    return tuple(found)


def _kind(node: fx.Node, module: nn.Module | None) -> str:
    if node.op == "placeholder":
        return INPUT
    if module is None:
        return _FUNCTIONS.get(node.target, getattr(node.target, "__name__", str(node.target)))
    name = type(module).__name__
    return next((kind for part, kind in _KINDS if part in name), name)
