"""Steps of gradient descent on the numbers of a module, and what momentum remembers of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import torch
from torch import nn

from aif_runtime.learning.arrays import Array, Arrays
from aif_runtime.learning.learner import Plan

_MOMENTUM: Final = "momentum_buffer"


def tensor(array: Array) -> torch.Tensor:
    """Return numbers as a tensor in memory of its own."""
    return torch.from_numpy(np.array(array, copy=True))


def numbers(found: torch.Tensor) -> Array:
    """Return a tensor as an array in memory of its own."""
    return np.array(found.detach().cpu().numpy(), copy=True)


class Steps:
    """How the numbers of a model are changed; a half and its whole share it."""

    def __init__(self, model: nn.Module, plan: Plan) -> None:
        self.plan = plan
        self.parameters = dict(model.named_parameters())
        self.anchor: dict[str, torch.Tensor] = {}
        self.masks: dict[str, torch.Tensor] = {}
        self._optimizer = torch.optim.SGD(self.parameters.values(), lr=plan.learning_rate, momentum=plan.momentum)

    def step(self) -> None:
        """Make one step with the gradients there are; numbers without one stay as they are."""
        for name, parameter in self.parameters.items():
            if parameter.grad is not None:
                self._penalise(name, parameter)
        for group in self._optimizer.param_groups:
            group["lr"], group["momentum"] = self.plan.learning_rate, self.plan.momentum
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            for name, mask in self.masks.items():
                self.parameters[name].mul_(mask)

    def _penalise(self, name: str, parameter: torch.Tensor) -> None:
        with torch.no_grad():
            if self.plan.l1 and parameter.ndim > 1:
                parameter.grad += self.plan.l1 * parameter.sign()
            if self.plan.proximal and name in self.anchor:
                parameter.grad += self.plan.proximal * (parameter - self.anchor[name])

    def hold_on(self) -> None:
        """Let the proximal term hold on to the numbers as they are."""
        self.anchor = {name: parameter.detach().clone() for name, parameter in self.parameters.items()}

    def velocity(self, names: Iterable[str]) -> Arrays:
        """Return what momentum remembers of some numbers."""
        state = self._optimizer.state
        known = {name: state.get(self.parameters[name], {}).get(_MOMENTUM) for name in names if name in self.parameters}
        return {name: numbers(found) for name, found in known.items() if found is not None}

    def remember(self, names: Iterable[str], velocity: Mapping[str, Array]) -> None:
        """Take over what momentum remembers of some numbers; it forgets those that are not given."""
        for name in names:
            if name in self.parameters:
                self._optimizer.state.pop(self.parameters[name], None)
                if name in velocity:
                    self._optimizer.state[self.parameters[name]][_MOMENTUM] = tensor(velocity[name])
