"""Carries out what was decided, in order."""

from __future__ import annotations

from collections.abc import Sequence

from aif.domain.actions import Action
from aif.domain.cluster import ObjectReference
from aif.gateways.expectations import Written
from aif.gateways.kubernetes.client import Api
from aif.gateways.kubernetes.recorder import Recorder
from aif.gateways.kubernetes.writer import Writer


class Applier:
    """Carries out actions, one after the other; the first failure ends the row."""

    def __init__(self, api: Api, writer: Writer, recorder: Recorder) -> None:
        raise NotImplementedError

    async def carry_out(self, actions: Sequence[Action], regarding: ObjectReference) -> tuple[Written, ...]:
        """Carry out ``actions`` that were decided for ``regarding``, and return what was written.

        Raises:
            Rejected: An action reaches beyond the namespace of ``regarding``, or the API server refuses it.
            Conflict: The world is no longer what the decision was made on.
            NameTaken: An object of that name exists and is somebody else's.
            Unavailable: No answer, or one that says later.
        """
        raise NotImplementedError
