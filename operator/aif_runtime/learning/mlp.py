"""A multi-layer perceptron in NumPy: the learner that needs nothing but numbers.

Layers are `fc1`, `relu1`, `fc2` ... ; the model may be cut after each, and before the first. Both halves run the very
operations of the whole, so that training over a cut gives the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.random import default_rng

from aif_runtime.learning.arrays import Array, Arrays, Floats, fit
from aif_runtime.learning.errors import InvalidRole
from aif_runtime.learning.exporting import perceptron
from aif_runtime.learning.learner import INPUT, OUTPUT, LayerFigures, Plan
from aif_runtime.learning.losses import FUNCTIONS, Loss

_INITIAL: Final = 977


@dataclass(slots=True)
class Stack:
    """Some layers of a model in their order, with the numbers and the momentum of the whole.

    Attributes:
        layers: Names of the layers; those that begin with `fc` have numbers.
        state: Numbers of the whole model; shared with it.
        velocity: What momentum remembers; shared with the whole model.
        plan: How a step is made; shared by value.
        anchor: Numbers that the proximal term holds on to.
        masks: Where numbers are pruned away: 0 there, else 1.
    """

    layers: tuple[str, ...]
    state: Arrays
    plan: Plan
    velocity: Arrays = field(default_factory=dict)
    anchor: Arrays = field(default_factory=dict)
    masks: Arrays = field(default_factory=dict)
    _inputs: list[Floats] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """Full names of the numbers of these layers."""
        return [f"{layer}.{part}" for layer in self.layers if layer.startswith("fc") for part in ("weight", "bias")]

    def forward(self, x: Floats) -> Floats:
        """Return what comes out above; keep what went into each layer."""
        self._inputs = []
        for layer in self.layers:
            self._inputs.append(x)
            if layer.startswith("fc"):
                x = x @ self.state[f"{layer}.weight"].T + self.state[f"{layer}.bias"]
            else:
                x = np.maximum(x, np.float32(0))
        return x

    def backward(self, gradient: Floats, *, to_the_input: bool) -> tuple[Arrays, Floats]:
        """Return the gradients of the numbers, and that of the input where it is asked for."""
        gradients: Arrays = {}
        for index, (layer, x) in reversed(list(enumerate(zip(self.layers, self._inputs, strict=True)))):
            if not layer.startswith("fc"):
                gradient = np.where(x > 0, gradient, np.float32(0))
                continue
            gradients[f"{layer}.weight"] = gradient.T @ x
            gradients[f"{layer}.bias"] = gradient.sum(axis=0)
            if index or to_the_input:
                gradient = gradient @ self.state[f"{layer}.weight"]
        return gradients, gradient

    def step(self, gradients: Mapping[str, Array]) -> None:
        """Make one step of gradient descent with momentum: v = m·v + g, w = w - η·v."""
        rate, momentum = np.float32(self.plan.learning_rate), np.float32(self.plan.momentum)
        for name, plain in gradients.items():
            gradient = self._penalised(name, plain)
            before = self.velocity.get(name)
            self.velocity[name] = gradient if before is None else momentum * before + gradient
            self.state[name] = self.state[name] - rate * self.velocity[name]
            if name in self.masks:
                self.state[name] *= self.masks[name]

    def _penalised(self, name: str, gradient: Array) -> Array:
        if self.plan.l1 and name.endswith("weight"):
            gradient = gradient + np.float32(self.plan.l1) * np.sign(self.state[name])
        if self.plan.proximal and name in self.anchor:
            gradient = gradient + np.float32(self.plan.proximal) * (self.state[name] - self.anchor[name])
        return gradient


@dataclass(slots=True)
class _Half:
    """Some of a model's layers."""

    stack: Stack

    @property
    def state(self) -> Arrays:
        """Numbers of these layers."""
        return {name: self.stack.state[name] for name in self.stack.names}

    @property
    def velocity(self) -> Arrays:
        """What momentum remembers of these layers."""
        return {name: self.stack.velocity[name] for name in self.stack.names if name in self.stack.velocity}

    def load(self, state: Mapping[str, Array]) -> None:
        """Take over the numbers of these layers."""
        self.stack.state.update(fit({name: state[name] for name in self.stack.names if name in state}, self.state))

    def remember(self, velocity: Mapping[str, Array]) -> None:
        """Take over what momentum remembers."""
        for name in self.stack.names:
            self.stack.velocity.pop(name, None)
        self.stack.velocity.update({name: velocity[name] for name in self.stack.names if name in velocity})


@dataclass(slots=True)
class MlpBottom(_Half):
    """The layers up to a cut."""

    def forward(self, x: Floats) -> Floats:
        """Return the activations at the cut."""
        return self.stack.forward(x)

    def backward(self, gradient: Floats) -> None:
        """Learn from the gradient at the cut."""
        self.stack.step(self.stack.backward(gradient, to_the_input=False)[0])


@dataclass(slots=True)
class MlpTop(_Half):
    """The layers above a cut, and the loss."""

    shape: tuple[int, ...]
    loss: Loss

    def learn(self, activations: Floats, y: Array) -> tuple[Floats, float]:
        """Make one step; return the gradient at the cut and the loss."""
        loss, gradient = FUNCTIONS[self.loss](self.stack.forward(activations), y)
        gradients, below = self.stack.backward(gradient, to_the_input=True)
        self.stack.step(gradients)
        return below, loss


class Mlp:
    """A perceptron with the widths of its inputs, hidden layers and outputs, such as (64, 128, 64, 10)."""

    def __init__(self, widths: tuple[int, ...], loss: Loss, seed: int, plan: Plan | None = None) -> None:
        self._widths = widths
        self._loss = loss
        count = len(widths) - 1
        layers = [name for index in range(1, count) for name in (f"fc{index}", f"relu{index}")]
        self._stack = Stack((*layers, f"fc{count}"), initial(widths, seed), plan or Plan())

    @property
    def widths(self) -> tuple[int, ...]:
        """Widths of the inputs, hidden layers and outputs."""
        return self._widths

    @property
    def state(self) -> Arrays:
        """All numbers by full name."""
        return dict(self._stack.state)

    @property
    def plan(self) -> Plan:
        """How a step is made."""
        return self._stack.plan

    @plan.setter
    def plan(self, plan: Plan) -> None:
        self._stack.plan = plan

    def load(self, state: Mapping[str, Array]) -> None:
        """Take over numbers; the proximal term holds on to them from now on."""
        self._stack.state.update(fit(state, self._stack.state))
        self._stack.anchor.update(self._stack.state)

    @property
    def velocity(self) -> Arrays:
        """What momentum remembers, by full name."""
        return dict(self._stack.velocity)

    def remember(self, velocity: Mapping[str, Array]) -> None:
        """Take over what momentum remembers."""
        self._stack.velocity.clear()
        self._stack.velocity.update(velocity)

    def forget(self) -> None:
        """Let momentum forget."""
        self._stack.velocity.clear()

    def hold(self, masks: Mapping[str, Array]) -> None:
        """Keep the numbers at 0 where a mask is 0; with an empty mapping all are free."""
        self._stack.masks.clear()
        self._stack.masks.update(masks)
        for name, mask in masks.items():
            self._stack.state[name] = self._stack.state[name] * mask

    def learn(self, x: Floats, y: Array) -> float:
        """Make one step; return the loss before it."""
        loss, gradient = FUNCTIONS[self._loss](self._stack.forward(x), y)
        self.descend(gradient)
        return loss

    def outputs(self, x: Floats) -> Floats:
        """Return the outputs, and keep what `descend` needs."""
        return self._stack.forward(x)

    def descend(self, gradient: Floats) -> None:
        """Make one step from the gradient of the outputs."""
        self._stack.step(self._stack.backward(gradient, to_the_input=False)[0])

    def predict(self, x: Floats) -> Floats:
        """Return the outputs, shape [examples, outputs]."""
        return self._stack.forward(x)

    def loss(self, outputs: Floats, y: Array) -> float:
        """Return the mean loss of outputs."""
        return FUNCTIONS[self._loss](outputs, y)[0]

    @property
    def cuts(self) -> tuple[str, ...]:
        """Input, every layer but the last, Output."""
        return (INPUT, *self._stack.layers[:-1], OUTPUT)

    def bottom(self, cut: str) -> MlpBottom:
        """Return the half below ``cut``."""
        return MlpBottom(self._part(0, self._place(cut)))

    def top(self, cut: str) -> MlpTop:
        """Return the half above ``cut``."""
        place = self._place(cut)
        width = self.layers[place].elements
        return MlpTop(self._part(place, len(self._stack.layers)), (width,), self._loss)

    def _place(self, cut: str) -> int:
        if cut == self._stack.layers[-1]:
            return len(self._stack.layers)
        if cut not in self.cuts:
            raise InvalidRole(f"cut: the model cannot be cut at {cut!r}; it can at {', '.join(self.cuts)}")
        return self.cuts.index(cut)

    def _part(self, start: int, end: int) -> Stack:
        return replace(self._stack, layers=self._stack.layers[start:end], _inputs=[])

    @property
    def layers(self) -> tuple[LayerFigures, ...]:
        """What each layer costs, the input first."""
        found = [LayerFigures("x", INPUT, (), 0, self._widths[0], 0)]
        width = self._widths[0]
        for name in self._stack.layers:
            if name.startswith("fc"):
                rows, columns = self._stack.state[f"{name}.weight"].shape
                width = rows
                found.append(
                    LayerFigures(name, "Linear", (found[-1].name,), 2 * rows * columns, rows, rows * columns + rows)
                )
            else:
                found.append(LayerFigures(name, "Activation", (found[-1].name,), 0, width, 0))
        return tuple(found)

    def exported(self) -> bytes:
        """Return the model as ONNX."""
        return perceptron(self._stack.state, self._widths, sum(layer.flop for layer in self.layers))


def initial(widths: tuple[int, ...], seed: int) -> Arrays:
    """Return the first numbers of a perceptron: the same for the same seed."""
    generator = default_rng([seed, _INITIAL])
    state: Arrays = {}
    for index, (inputs, outputs) in enumerate(pairwise(widths), start=1):
        spread = np.sqrt(2.0 / inputs)
        state[f"fc{index}.weight"] = generator.normal(0.0, spread, (outputs, inputs)).astype(np.float32)
        state[f"fc{index}.bias"] = np.zeros(outputs, dtype=np.float32)
    return state
