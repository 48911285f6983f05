"""Built-in models by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from aif_runtime.learning.data import Task
from aif_runtime.learning.errors import InvalidRole
from aif_runtime.learning.learner import Plan
from aif_runtime.learning.mlp import Mlp

_WIDEST: Final = 128
_NARROWEST: Final = 32
_DEEPEST: Final = 64
PRESSURE: Final = "blood-pressure"
_PRESSURE_HIDDEN: Final = (64, 32)


def known(name: str) -> bool:
    """Return whether a model is a perceptron: `mlp-N`, or the regressor `blood-pressure`."""
    return name == PRESSURE or name.startswith("mlp-")


def widths(name: str, hidden: Sequence[int], task: Task) -> tuple[int, ...]:
    """Return the widths of the perceptron ``mlp-N`` with N layers of numbers, or of ``blood-pressure`` with three.

    Without ``hidden`` the first hidden layer has 128 outputs, each further one half of it, down to 32; that of
    ``blood-pressure`` has 64.

    Raises:
        InvalidRole: The name is none of a built-in model, or does not fit ``hidden``.
    """
    if name == PRESSURE:
        name, hidden = "mlp-3", hidden or _PRESSURE_HIDDEN
    found = re.fullmatch(r"mlp-(\d{1,2})", name)
    layers = int(found[1]) if found else 0
    if not 1 <= layers <= _DEEPEST:
        raise InvalidRole(
            f"model.name: there is no built-in model {name!r}; there are mlp-1 to mlp-{_DEEPEST}, {PRESSURE}"
        )
    if hidden and len(hidden) != layers - 1:
        raise InvalidRole(f"model.hidden: {name} has {layers - 1} hidden layers, {len(hidden)} widths are given")
    inner = tuple(hidden) or tuple(max(_NARROWEST, _WIDEST >> index) for index in range(layers - 1))
    return (task.features, *inner, task.outputs)


def built(name: str, hidden: Sequence[int], task: Task, seed: int, plan: Plan | None = None) -> Mlp:
    """Return the model with its first numbers: the same for the same seed."""
    return Mlp(widths(name, hidden, task), task.loss, seed, plan)
