"""The model that a training job learns: one of the runtime's, or one of the image's own by the name of a function."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import ConfigDict, Field

from aif.api.base import ApiModel, cel, exactly_one_of
from aif.api.quantity import Demand

ModelName = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
EntryPoint = Annotated[
    str,
    Field(
        min_length=1,
        max_length=128,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*$",
    ),
]
"""A function of a module of Python, such as ``my_models.waves:made``."""


class Backend(StrEnum):
    """What computes a built-in model."""

    AUTO = "Auto"
    NUMPY = "NumPy"
    PYTORCH = "PyTorch"


_ONE_MODEL: Final = exactly_one_of("name", "entryPoint")
_MODEL_RULES: Final = cel(
    (
        "has(self.name) || (self.backend == 'Auto' && (!has(self.hidden) || self.hidden.size() == 0))",
        "backend and hidden are of built-in models: leave them out where entryPoint is given",
    ),
    (
        "self.backend != 'NumPy' || !has(self.name) || self.name == 'blood-pressure' || self.name.startsWith('mlp-')",
        "backend NumPy has only mlp-N and blood-pressure: leave it out, or set it to PyTorch",
    ),
)
_RULES: Final = "x-kubernetes-validations"


class LearnedModel(ApiModel):
    """The model that learns: a built-in one, or one of your image."""

    model_config = ConfigDict(json_schema_extra=_ONE_MODEL | {_RULES: [*_ONE_MODEL[_RULES], *_MODEL_RULES[_RULES]]})

    name: ModelName | None = None
    """Name of a built-in model: mlp-N, blood-pressure, cnn, vgg-16 or resnet-50."""

    entry_point: EntryPoint | None = None
    """Function of your image that returns the model and the data set, such as own_model:made."""

    backend: Backend = Backend.AUTO
    """What computes a built-in model; Auto is NumPy where it has the model, and PyTorch otherwise."""

    hidden: Annotated[list[Annotated[int, Field(ge=1, le=16_384)]], Field(max_length=63)] = Field(default_factory=list)
    """Widths of the hidden layers of mlp-N; without it 128, and each further one half of it, down to 32."""

    size_bytes: Demand | None = None
    """Bytes of all its numbers; needed for a bound on transfer or storage where the model is not built in."""

    flops_per_example: Demand | None = None
    """FLOP of one pass forward; needed for a bound on time or energy where the model is not built in."""

    @property
    def title(self) -> str:
        """Return its name, or that of the function that returns it."""
        return self.name or self.entry_point or ""
