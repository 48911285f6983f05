"""kopf as the operator runs it."""

from __future__ import annotations

import asyncio
import getpass
from typing import Any

import kopf
import pytest

from aif.gateways.exposition import Exposition
from aif.handlers import kopf_edge


def a_registry() -> kopf.OperatorRegistry:
    """A registry whose API server is nowhere."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    def login(**_: Any) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server="http://127.0.0.1:9")

    return registry


async def test_kopf_starts_where_the_user_of_the_process_has_no_name(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 65532")

    impatient = kopf_edge.settings()
    impatient.networking.error_backoffs = ()
    monkeypatch.setattr(kopf_edge, "settings", lambda: impatient)
    monkeypatch.setattr(getpass, "getuser", nobody)
    stop, metrics = asyncio.Event(), Exposition()
    async with asyncio.timeout(30):
        await kopf_edge.supervise(a_registry, ("default",), stop, metrics, stop.set)
    assert stop.is_set()
    assert "uid not found" not in caplog.text
