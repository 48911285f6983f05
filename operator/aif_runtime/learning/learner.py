"""What every learner can do: the NumPy one of this package, and PyTorch's behind the same Protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from aif_runtime.learning.arrays import Array, Arrays, Floats

INPUT: Final = "Input"
OUTPUT: Final = "Output"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a learner learns between two messages.

    Attributes:
        learning_rate: Step width of stochastic gradient descent.
        momentum: Share of the last step that is taken again, from 0, below 1.
        batch: Examples per step; 0 for all of them at once.
        epochs: Passes over the data per round.
        l1: λ of the term λ‖w‖₁ in the objective ([EDGE]); 0 for none.
        proximal: μ of the term μ/2·‖w - w_global‖² (FedProx); 0 for none.
    """

    learning_rate: float = 0.05
    momentum: float = 0.9
    batch: int = 32
    epochs: int = 1
    l1: float = 0.0
    proximal: float = 0.0


@dataclass(frozen=True, slots=True)
class LayerFigures:
    """What one operation of a model costs; the fields are those of a table of layers.

    Attributes:
        name: Unique in the model.
        kind: Such as Linear; Input is the raw input.
        inputs: Names of the layers whose output it reads.
        flop: Operations of one inference, two per multiply-accumulate.
        elements: Numbers in its output.
        parameters: Numbers that it learned.
        rows: Rows of its output.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    flop: int
    elements: int
    parameters: int
    rows: int = 1


def shows_data(layers: Sequence[LayerFigures], cut: str) -> bool:
    """Tell whether what crosses a cut is still the data: no layer below it has learned numbers."""
    if cut == INPUT:
        return True
    for layer in layers:
        if layer.parameters:
            return False
        if layer.name == cut:
            return True
    return False


class Bottom(Protocol):
    """The half of a model from the input to the cut."""

    @property
    def state(self) -> Arrays:
        """Its numbers by full name; the arrays are not to be written to."""

    @property
    def velocity(self) -> Arrays:
        """What momentum remembers of its numbers, by full name; empty before the first step."""

    def load(self, state: Mapping[str, Array]) -> None:
        """Take numbers over; those of the other half are left out of account."""

    def remember(self, velocity: Mapping[str, Array]) -> None:
        """Take over what momentum remembers; with an empty mapping it forgets."""

    def forward(self, x: Floats) -> Floats:
        """Return the activations at the cut, and keep what `backward` needs."""

    def backward(self, gradient: Floats) -> None:
        """Learn from the gradient at the cut: one step."""


class Top(Protocol):
    """The half of a model from the cut to the loss."""

    @property
    def state(self) -> Arrays:
        """Its numbers by full name; the arrays are not to be written to."""

    def load(self, state: Mapping[str, Array]) -> None:
        """Take numbers over; those of the other half are left out of account."""

    @property
    def velocity(self) -> Arrays:
        """What momentum remembers of its numbers, by full name; empty before the first step."""

    def remember(self, velocity: Mapping[str, Array]) -> None:
        """Take over what momentum remembers; with an empty mapping it forgets."""

    def learn(self, activations: Floats, y: Array) -> tuple[Floats, float]:
        """Make one step; return the gradient at the cut and the loss before the step."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example's activations."""


class Learner(Protocol):
    """A whole model that can learn, and be cut.

    Attributes:
        plan: How a step is made.
    """

    plan: Plan

    @property
    def state(self) -> Arrays:
        """All numbers by full name; the arrays are not to be written to."""

    def load(self, state: Mapping[str, Array]) -> None:
        """Take over numbers of the same names and shapes; UnfitUpdate where they do not fit."""

    @property
    def velocity(self) -> Arrays:
        """What momentum remembers, by full name; empty before the first step."""

    def remember(self, velocity: Mapping[str, Array]) -> None:
        """Take over what momentum remembers; with an empty mapping it forgets."""

    def forget(self) -> None:
        """Let momentum forget."""

    def hold(self, masks: Mapping[str, Array]) -> None:
        """Keep the numbers at 0 where a mask is 0; with an empty mapping all are free."""

    def learn(self, x: Floats, y: Array) -> float:
        """Make one step; return the loss before it."""

    def outputs(self, x: Floats) -> Floats:
        """Return the outputs, and keep what `descend` needs."""

    def descend(self, gradient: Floats) -> None:
        """Make one step from the gradient of the outputs."""

    def predict(self, x: Floats) -> Floats:
        """Return the outputs, shape [examples, outputs]."""

    def loss(self, outputs: Floats, y: Array) -> float:
        """Return the mean loss of outputs."""

    @property
    def cuts(self) -> tuple[str, ...]:
        """Names of the legal cuts from Input to Output."""

    def bottom(self, cut: str) -> Bottom:
        """Return the half below ``cut``; it shares its numbers with the model."""

    def top(self, cut: str) -> Top:
        """Return the half above ``cut``; it shares its numbers with the model."""

    @property
    def layers(self) -> tuple[LayerFigures, ...]:
        """What each layer costs, the input first."""

    def exported(self) -> bytes:
        """Return the model as ONNX, with one input and one output; InvalidRole where ONNX is not installed."""
