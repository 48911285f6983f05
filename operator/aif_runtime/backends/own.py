"""Models and data of one's own: a function of one's image returns both."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from aif_runtime.backends.choosing import torch_part
from aif_runtime.learning.data import Dataset, Split
from aif_runtime.learning.errors import InvalidRole
from aif_runtime.learning.learner import Learner, Plan

EntryPoint = Callable[[Split], tuple[Any, Dataset]]


def own(entry_point: str, split: Split) -> tuple[Any, Dataset]:
    """Return the model and the data set of a function, such as ``my_module:my_function``.

    The function is given the seed and how data are divided. The model is a module of PyTorch, or a learner; it must be
    the same for the same seed. Every role calls the function, also those that are to see no data: data are to be read
    when a client's are asked for.

    Raises:
        InvalidRole: There is no such function, or it returns something else.
    """
    module_name, _, name = entry_point.partition(":")
    try:
        function: EntryPoint = getattr(import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        raise InvalidRole(f"model.entryPoint: {entry_point} cannot be had: {error}") from error
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(split.seed)
    found: Any = function(split)
    if not isinstance(found, tuple) or len(found) != 2 or not hasattr(found[1], "task"):  # noqa: PLR2004 - a pair
        raise InvalidRole(f"model.entryPoint: {entry_point} must return a pair: the model, and the data set")
    return cast("tuple[Any, Dataset]", found)


def own_learner(entry_point: str, split: Split, plan: Plan) -> Learner:
    """Return the model of an entry point as a learner; InvalidRole as for `own`."""
    model, dataset = own(entry_point, split)
    if not hasattr(model, "bottom"):
        return cast("Learner", torch_part("learner").TorchLearner(model, dataset.task, plan))
    learner = cast("Learner", model)
    learner.plan = plan
    return learner
