"""Which learner a model is built with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Any, Final, Protocol, Self

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


@dataclass(frozen=True, slots=True)
class Place:
    """Which of several workers this process is.

    Attributes:
        rank: Its number; the first, 0, writes and tells.
        size: How many there are.
        address: Where they find one another: a host and port at which the first listens; empty where torchrun says it.
    """

    rank: int = 0
    size: int = 1
    address: str = ""

    @classmethod
    def of_torchrun(cls, environ: Mapping[str, str]) -> Self:
        """Return what the variables of torchrun say; one worker alone where there are none."""
        return cls(int(environ.get("RANK", "0")), int(environ.get("WORLD_SIZE", "1")))


class Workers(Protocol):
    """This process among those that learn together."""

    def agreed(self, *, done: bool) -> bool:
        """Return what the first worker says."""

    def alike(self, value: float) -> bool:
        """Return whether all workers give the same value."""

    def leave(self) -> None:
        """Leave the others."""


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


def joined(learner: Learner, place: Place) -> Workers | None:
    """Let a learner learn together with the others where there are several workers; return them, once all are there.

    Raises:
        InvalidRole: The learner is none of PyTorch's.
    """
    if place.size < 2:  # noqa: PLR2004 - one worker learns alone
        return None
    if not hasattr(learner, "join"):
        raise InvalidRole("model.backend: several workers learn together only with PyTorch")
    workers: Workers = torch_part("workers").Workers(place)
    learner.join(workers)
    return workers
