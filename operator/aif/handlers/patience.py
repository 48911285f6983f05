"""Holds back statuses that may wait, so that of states that follow each other closely only the last is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from aif.domain.actions import WriteStatus
from aif.handlers.keys import WorkKey
from aif.reconcile.snapshot import Decision


class Patience:
    """Since when a status of each key waits to be written."""

    def __init__(self, clock: Callable[[], float], again_after: Callable[[WorkKey, float], None]) -> None:
        self._clock = clock
        self._again_after = again_after
        self._due: dict[WorkKey, float] = {}

    def hold_back(self, key: WorkKey, decision: Decision) -> Decision:
        """Return ``decision`` without the write of its status while that may wait; then ``key`` is looked at again."""
        if not any(isinstance(action, WriteStatus) for action in decision.actions):
            self.forget(key)
            return decision
        now = self._clock()
        due = self._due[key] = min(self._due.get(key, float("inf")), now + decision.leeway)
        if due <= now:
            self.forget(key)
            return decision
        self._again_after(key, due - now)
        urgent = tuple(action for action in decision.actions if not isinstance(action, WriteStatus))
        return replace(decision, actions=urgent)

    def forget(self, key: WorkKey) -> None:
        """Say that nothing of ``key`` waits."""
        self._due.pop(key, None)
