"""The contract of quality of a training job: QoAIS of learning [6GANA], a dimension per class."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aif.api.base import ApiModel, Level
from aif.api.qos import Accuracy, Compute, Dimension
from aif.api.quantity import Capacity


class JobTime(Dimension):
    """The time that learning may take."""

    max_seconds: Annotated[int, Field(ge=1, le=2_592_000)]
    """From the first start to the finished model, the time it was suspended left out."""


class JobTransfer(Dimension):
    """What learning may send over links."""

    max_bytes: Capacity
    """Bytes that all roles together send."""


class JobStorage(Dimension):
    """What learning may keep."""

    max_bytes: Capacity
    """Bytes of checkpoints and of the finished model on their claim."""


class JobEnergy(Dimension):
    """The energy that learning may cost."""

    max_kilojoules: Annotated[int, Field(ge=1, le=1_000_000_000)]
    """Energy of compute and transfer, by the model of the planner."""


class JobQualityOfService(ApiModel):
    """What is promised of a training job; what is left out is not asked for."""

    accuracy: Accuracy | None = None
    """Lowest accuracy of the finished model."""

    time: JobTime | None = None
    """Longest time."""

    transfer: JobTransfer | None = None
    """Most bytes on links."""

    storage: JobStorage | None = None
    """Most bytes on the claim."""

    compute: Compute | None = None
    """Lowest compute rate of a node that learns."""

    energy: JobEnergy | None = None
    """Most energy."""

    security_level: Level = Level.LOW
    """Lowest security level of a node that takes part."""

    data_privacy_level: Level = Level.LOW
    """Low: any node. Medium: only nodes of the own network. High: besides, no raw data leave their terminal."""

    algorithm_privacy_level: Level = Level.LOW
    """Low: any node. Medium: only nodes of the own network. High: besides, no terminal gets the whole model."""
