"""Where a module of PyTorch can be cut, and its two halves; both keep the full names of the numbers."""

from __future__ import annotations

import torch
from torch import fx, nn

from aif_runtime.learning.learner import INPUT, OUTPUT


class Sum(nn.Module):
    """The sum of two ways: an operation with a name of its own, at which a model can be cut."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the sum."""
        return x + y


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, Sum) or super().is_leaf_module(m, module_qualified_name)


def traced(model: nn.Module) -> fx.Graph | None:
    """Return the operations of a model in their order; None where it decides by its numbers what to do."""
    try:
        graph = _Tracer().trace(model)
    except (TypeError, ValueError, RuntimeError, AttributeError, NotImplementedError, fx.proxy.TraceError):
        return None
    return graph if len(graph.find_nodes(op="placeholder")) == 1 else None


def operations(graph: fx.Graph) -> list[fx.Node]:
    """Return the input and all operations, without the mark for the output."""
    return [node for node in graph.nodes if node.op not in {"output", "get_attr"}]


def legal(graph: fx.Graph) -> tuple[str, ...]:
    """Return the operations after which just one tensor is alive: what crosses a cut there is that tensor."""
    nodes = list(graph.nodes)
    place = {node: index for index, node in enumerate(nodes)}
    last = {node: max((place[user] for user in node.users), default=-1) for node in nodes}
    found: list[str] = []
    reach = -1
    for index, node in enumerate(nodes[:-1]):
        if node.op not in {"placeholder", "get_attr"} and reach <= index:
            found.append(node.name)
        if node.op != "get_attr":
            reach = max(reach, last[node])
    return tuple(found)


def halves(model: nn.Module, graph: fx.Graph | None, cut: str) -> tuple[nn.Module, nn.Module]:
    """Return the operations up to a legal cut, and those above it; the numbers are those of the model."""
    if cut == INPUT:
        return nn.Identity(), model
    if cut == OUTPUT or graph is None:
        return model, nn.Identity()
    nodes = list(graph.nodes)
    place = next(index for index, node in enumerate(nodes) if node.name == cut)
    lower, upper = fx.Graph(), fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    for node in nodes[: place + 1]:
        copies[node] = lower.node_copy(node, copies.__getitem__)
    lower.output(copies[nodes[place]])
    copies = {nodes[place]: upper.placeholder("activations")}
    for node in nodes[:place]:
        if node.op == "get_attr":
            copies[node] = upper.node_copy(node, copies.__getitem__)
    for node in nodes[place + 1 :]:
        copies[node] = upper.node_copy(node, copies.__getitem__)
    return fx.GraphModule(model, lower), fx.GraphModule(model, upper)


def one_example(shape: tuple[int, ...], device: str = "cpu") -> torch.Tensor:
    """Return one input of zeros."""
    return torch.zeros((1, *shape), device=device)
