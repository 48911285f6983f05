"""Training jobs that begin with a finished model: one that teaches another, and one that is made smaller."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from aif.api.base import LIST_SET, ApiModel, ObjectName, Percent
from aif.api.quantity import Capacity, amount
from aif.api.trainingjob_learning import VolumePath
from aif.api.trainingjob_model import LearnedModel


class StoredModel(ApiModel):
    """A finished model on a claim."""

    claim_name: ObjectName
    """PersistentVolumeClaim of the own namespace."""

    path: VolumePath
    """File in it, as safetensors."""


class Distillation(ApiModel):
    """From whom the model learns."""

    teacher: StoredModel
    """The finished large model."""

    model: LearnedModel
    """What the large model is."""

    temperature: Capacity = amount("4")
    """How much the teacher's answers are softened."""


class CompressionMethod(StrEnum):
    """How a model is made smaller."""

    L1 = "L1"
    MAGNITUDE = "Magnitude"
    INT8 = "Int8"
    MAGNITUDE_INT8 = "MagnitudeInt8"


class Compression(ApiModel):
    """What is made smaller, and how."""

    source: StoredModel
    """The finished model; spec.model says what it is."""

    methods: Annotated[list[CompressionMethod], Field(min_length=1, max_length=4, json_schema_extra=LIST_SET)]
    """What is tried; each writes a model of its own."""

    share_percent: Annotated[Percent, Field(ge=1, le=99)] = 80
    """Share of the weights that pruning by magnitude takes away."""

    threshold: Capacity = amount("10m")
    """After training with training.l1, weights up to this are taken away."""
