"""What the work queue holds."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """A kind of object that is reconciled."""

    SERVICE = "AIService"
    COMPUTE_NODE = "ComputeNode"
    NODE = "Node"
    JOB = "TrainingJob"


class WorkKey(NamedTuple):
    """One object to be looked at."""

    kind: Kind
    namespace: str
    name: str
