"""The operator's own HTTP server: /healthz, /readyz and /metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from aif.gateways.exposition import Exposition

Check: TypeAlias = Callable[[], str]
"""Says what is wrong; empty when nothing is."""


class Health:
    """Checks by name: those that a restart mends (live), and those that say whether the caches are full (ready)."""

    def __init__(self, metrics: Exposition) -> None:
        raise NotImplementedError

    def add_live(self, name: str, check: Check) -> None:
        """Have /healthz fail while ``check`` finds something wrong."""
        raise NotImplementedError

    def add_ready(self, name: str, check: Check) -> None:
        """Have /readyz fail while ``check`` finds something wrong."""
        raise NotImplementedError

    async def serve(self, port: int, started: Callable[[int], None] | None = None) -> None:
        """Serve until cancelled; ``started`` is told the port."""
        raise NotImplementedError

    async def watch_loop(self) -> None:
        """Measure how late the event loop is, until cancelled."""
        raise NotImplementedError
