"""Starts the operator again whenever it was killed, as a Deployment does."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from operator_process import Operators, Replica

from campaigns.proxy import Proxy

_PAUSE_S: Final = 0.1


class Reviver:
    """Keeps one replica running behind a proxy that may have it killed."""

    def __init__(self, operators: Operators, proxy: Proxy, settings: Mapping[str, str]) -> None:
        """Start replicas of `operators` with `settings`; what strikes is `proxy`."""
        self._operators = operators
        self._proxy = proxy
        self._settings = settings
        self._over = threading.Event()
        self.replica: Replica | None = None

    @contextmanager
    def running(self) -> Iterator[Reviver]:
        """Keep a replica running; it ends with the block."""
        self._proxy.strike, self._proxy.is_alive = self._kill, self._is_alive
        self._operators.redirect = self._proxy.redirect
        self._start()
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()
            if self.replica is not None and self.replica.alive:
                self.replica.end()

    def _start(self) -> None:
        self.replica = self._operators.start(**self._settings)

    def _is_alive(self) -> bool:
        return self.replica is not None and self.replica.alive

    def _kill(self) -> None:
        if self.replica is not None:
            self.replica.process.kill()

    def _watch(self) -> None:
        while not self._over.wait(_PAUSE_S):
            if self.replica is not None and not self.replica.alive:
                self._start()
