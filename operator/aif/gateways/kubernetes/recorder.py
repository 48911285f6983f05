"""Events on objects (events.k8s.io/v1): repeated ones become a series, and no object can flood the cluster."""

from __future__ import annotations

from aif.domain.actions import Emit
from aif.gateways.exposition import Exposition
from aif.gateways.kubernetes.writer import Writer


class Recorder:
    """Writes events; a failure is counted and logged, never raised."""

    def __init__(self, writer: Writer, *, instance: str, metrics: Exposition) -> None:
        raise NotImplementedError

    async def emit(self, event: Emit) -> None:
        """Write ``event``, or count it into the series of its like."""
        raise NotImplementedError
