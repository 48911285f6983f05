"""Which learner a model is built with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from importlib import import_module
from typing import Any, Final

from aif_runtime.learning import models
from aif_runtime.learning.data import Task
from aif_runtime.learning.errors import InvalidRole
from aif_runtime.learning.learner import Learner, Plan

TORCH: Final = "aif_runtime.backends.torch"
Builder = Callable[[str, Sequence[int], Task, int, Plan | None], Learner]


class Backend(StrEnum):
    """What computes a model."""

    AUTO = "Auto"
    """NumPy for the models that it has, PyTorch for the others."""

    NUMPY = "NumPy"
    TORCH = "PyTorch"


def built(
    backend: Backend, name: str, hidden: Sequence[int], task: Task, seed: int, plan: Plan | None = None
) -> Learner:
    """Return a built-in model with its first numbers: the same for the same seed.

    Raises:
        InvalidRole: There is no such model, or PyTorch is needed and not installed.
    """
    if backend is Backend.NUMPY or (backend is Backend.AUTO and models.known(name)):
        return models.built(name, hidden, task, seed, plan)
    builder: Builder = torch_part("networks").built
    return builder(name, hidden, task, seed, plan)


def torch_part(name: str) -> Any:  # noqa: ANN401 - what PyTorch brings along has no types here
    """Return a module of the package for PyTorch; InvalidRole where that is not installed."""
    try:
        return import_module(f"{TORCH}.{name}")
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise InvalidRole("model: needs PyTorch, which is not installed; install the extra runtime") from error
