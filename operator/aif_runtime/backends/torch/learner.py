"""A learner around any module of PyTorch.

Both halves of a cut run the very operations of the whole, on the same numbers in the same order, so that training over
a cut gives the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Final

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from aif_runtime.backends.torch.cutting import halves, legal, traced
from aif_runtime.backends.torch.exporting import exported
from aif_runtime.backends.torch.figures import Shape, counted, figures
from aif_runtime.backends.torch.steps import Steps, numbers, tensor
from aif_runtime.backends.torch.workers import Workers
from aif_runtime.learning.arrays import Array, Arrays, Floats, fit
from aif_runtime.learning.data import Task
from aif_runtime.learning.errors import InvalidRole
from aif_runtime.learning.learner import INPUT, OUTPUT, LayerFigures, Plan
from aif_runtime.learning.losses import FUNCTIONS, Loss

torch.use_deterministic_algorithms(True, warn_only=True)  # noqa: FBT003 - as PyTorch has it

_AT_ONCE: Final = 256
"""Examples that are judged at once; more would take memory for nothing."""


class _Half:
    """Some of a model's operations."""

    def __init__(self, module: nn.Module, steps: Steps) -> None:
        self.module, self.steps = module, steps

    @property
    def state(self) -> Arrays:
        """Its numbers by full name."""
        return {name: numbers(found) for name, found in self.module.state_dict().items()}

    @property
    def velocity(self) -> Arrays:
        """What momentum remembers of its numbers."""
        return self.steps.velocity(self.module.state_dict())

    def load(self, state: Mapping[str, Array]) -> None:
        """Take numbers over; those of the other half are left out of account."""
        own = self.module.state_dict()
        fitting = fit({name: state[name] for name in own if name in state}, views(self.module))
        self.module.load_state_dict({name: tensor(array) for name, array in fitting.items()})

    def remember(self, velocity: Mapping[str, Array]) -> None:
        """Take over what momentum remembers; with an empty mapping it forgets."""
        self.steps.remember(self.module.state_dict(), velocity)


def views(module: nn.Module) -> Arrays:
    """Return the numbers of a module where they are; not to be kept."""
    return {name: found.detach().numpy() for name, found in module.state_dict().items()}


class TorchBottom(_Half):
    """The operations up to a cut."""

    def __init__(self, module: nn.Module, steps: Steps, shape: Shape, crossing: Shape) -> None:
        super().__init__(module, steps)
        self._shape, self._crossing = shape, crossing
        self._activations: torch.Tensor | None = None

    def forward(self, x: Floats) -> Floats:
        """Return the activations at the cut, and keep what `backward` needs."""
        self.module.train()
        self._activations = self.module(tensor(x).reshape(len(x), *self._shape))
        return numbers(self._activations).reshape(len(x), *self._crossing)

    def backward(self, gradient: Floats) -> None:
        """Learn from the gradient at the cut: one step."""
        if self._activations is not None and self._activations.requires_grad:
            self._activations.backward(tensor(gradient).reshape(self._activations.shape))
            self.steps.step()
        self._activations = None


class TorchTop(_Half):
    """The operations above a cut, and the loss."""

    def __init__(self, module: nn.Module, steps: Steps, shape: Shape, crossing: Shape, loss: Loss) -> None:
        super().__init__(module, steps)
        self.shape = crossing
        self._inner, self._loss = shape, loss

    def learn(self, activations: Floats, y: Array) -> tuple[Floats, float]:
        """Make one step; return the gradient at the cut and the loss before the step."""
        self.module.train()
        leaf = tensor(activations).requires_grad_(True)  # noqa: FBT003 - as PyTorch has it
        # A copy: an operation in place must not write to what the gradient is asked of.
        loss = criterion(self._loss, self.module(leaf.clone().reshape(len(leaf), *self._inner)), tensor(y))
        loss.backward()
        self.steps.step()
        return numbers(leaf.grad), loss.item()


def criterion(loss: Loss, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the mean loss over the examples of a batch."""
    return functional.cross_entropy(outputs, y) if loss is Loss.CROSS_ENTROPY else functional.mse_loss(outputs, y)


class TorchLearner:
    """A module that maps [examples, *shape of one input] to [examples, outputs], as a learner."""

    def __init__(self, model: nn.Module, task: Task, plan: Plan | None = None) -> None:
        self.model, self.task = model, task
        self._graph = traced(model)
        self._steps = Steps(model, plan or Plan())
        self._outputs: torch.Tensor | None = None
        self._workers: Workers | None = None
        self._parallel = model

    def join(self, workers: Workers) -> None:
        """Learn together with others from now on: each from its share of every batch."""
        self._workers, self._parallel = workers, workers.parallel(self.model)

    @property
    def plan(self) -> Plan:
        """How a step is made."""
        return self._steps.plan

    @plan.setter
    def plan(self, plan: Plan) -> None:
        self._steps.plan = plan

    @property
    def state(self) -> Arrays:
        """All numbers by full name."""
        return {name: numbers(found) for name, found in self.model.state_dict().items()}

    def load(self, state: Mapping[str, Array]) -> None:
        """Take over numbers; the proximal term holds on to them from now on."""
        self.model.load_state_dict({name: tensor(array) for name, array in fit(state, views(self.model)).items()})
        self._steps.hold_on()

    @property
    def velocity(self) -> Arrays:
        """What momentum remembers, by full name."""
        return self._steps.velocity(self._steps.parameters)

    def remember(self, velocity: Mapping[str, Array]) -> None:
        """Take over what momentum remembers."""
        self._steps.remember(self._steps.parameters, velocity)

    def forget(self) -> None:
        """Let momentum forget."""
        self.remember({})

    def hold(self, masks: Mapping[str, Array]) -> None:
        """Keep the numbers at 0 where a mask is 0; with an empty mapping all are free."""
        self._steps.masks = {name: tensor(mask) for name, mask in masks.items()}
        with torch.no_grad():
            for name, mask in self._steps.masks.items():
                self._steps.parameters[name].mul_(mask)

    def learn(self, x: Floats, y: Array) -> float:
        """Make one step; return the loss before it."""
        weight = 1.0
        if self._workers:
            x, y, weight = self._workers.share(x, y)
        loss = criterion(self.task.loss, self._forward(x), tensor(y)) * weight
        loss.backward()
        self._steps.step()
        return self._workers.mean(loss.item()) if self._workers else loss.item()

    def _forward(self, x: Floats) -> torch.Tensor:
        self.model.train()
        return self._parallel(self._shaped(x))

    def _shaped(self, x: Floats) -> torch.Tensor:
        return tensor(x).reshape(len(x), *self.task.shape)

    def outputs(self, x: Floats) -> Floats:
        """Return the outputs, and keep what `descend` needs."""
        self._outputs = self._forward(x)
        return numbers(self._outputs)

    def descend(self, gradient: Floats) -> None:
        """Make one step from the gradient of the outputs."""
        if self._outputs is not None:
            self._outputs.backward(tensor(gradient))
            self._steps.step()
        self._outputs = None

    def predict(self, x: Floats) -> Floats:
        """Return the outputs, shape [examples, outputs]."""
        self.model.eval()
        with torch.no_grad():
            parts = [
                numbers(self.model(self._shaped(x[at : at + _AT_ONCE]))) for at in range(0, max(1, len(x)), _AT_ONCE)
            ]
        return np.concatenate(parts)

    def loss(self, outputs: Floats, y: Array) -> float:
        """Return the mean loss of outputs."""
        return FUNCTIONS[self.task.loss](outputs, y)[0]

    @cached_property
    def cuts(self) -> tuple[str, ...]:
        """Input, every operation but the last after which one tensor is alive, Output; just two where untraceable."""
        return (INPUT, *(legal(self._graph)[:-1] if self._graph else ()), OUTPUT)

    @cached_property
    def _noted(self) -> dict[str, tuple[Shape, int]]:
        return counted(self.model, self._graph, self.task.shape) if self._graph else {}

    def bottom(self, cut: str) -> TorchBottom:
        """Return the half below ``cut``; it shares its numbers with the model."""
        cut, crossing = self._crossing(cut)
        return TorchBottom(halves(self.model, self._graph, cut)[0], self._steps, self.task.shape, crossing)

    def top(self, cut: str) -> TorchTop:
        """Return the half above ``cut``; it shares its numbers with the model."""
        cut, crossing = self._crossing(cut)
        inner = self.task.shape if cut == INPUT else crossing
        return TorchTop(halves(self.model, self._graph, cut)[1], self._steps, inner, crossing, self.task.loss)

    def _crossing(self, cut: str) -> tuple[str, Shape]:
        """Return the cut, and the shape of what crosses it."""
        if self._graph and cut == legal(self._graph)[-1]:
            cut = OUTPUT
        if cut not in self.cuts:
            raise InvalidRole(f"cut: the model cannot be cut at {cut!r}; it can at {', '.join(self.cuts)}")
        ends: dict[str, Shape] = {INPUT: (self.task.features,), OUTPUT: (self.task.outputs,)}
        return cut, ends.get(cut) or self._noted[cut][0]

    @cached_property
    def layers(self) -> tuple[LayerFigures, ...]:
        """What each operation costs, the input first; just the ends where the model cannot be traced."""
        if self._graph:
            return figures(self.model, self._graph, self._noted)
        parameters = sum(parameter.numel() for parameter in self.model.parameters())
        whole = LayerFigures(OUTPUT, type(self.model).__name__, ("x",), 0, self.task.outputs, parameters)
        return (LayerFigures("x", INPUT, (), 0, self.task.features, 0), whole)

    def exported(self) -> bytes:
        """Return the model as ONNX, with one input and one output."""
        return exported(self.model, self.task.shape, sum(layer.flop for layer in self.layers))
