"""Health, readiness and metrics over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeAlias

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from aif.gateways.exposition import Exposition
from aif.gateways.health import Health, idle
from tests.virtual_time import run

Client: TypeAlias = TestClient[web.Request, web.Application]


@pytest.fixture
def metrics() -> Exposition:
    """Return metrics that nobody counted yet."""
    return Exposition()


@pytest.fixture
def health(metrics: Exposition) -> Health:
    """Return checks that find nothing."""
    return Health(metrics)


@pytest.fixture
async def client(health: Health) -> AsyncIterator[Client]:
    """Return a client of the operator's own HTTP server."""
    async with TestClient(TestServer(health.application())) as made:
        yield made


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_all_is_well_until_a_check_finds_something(client: Client, path: str) -> None:
    assert (await client.get(path)).status == 200


async def test_a_stuck_watch_asks_for_a_restart(health: Health, client: Client) -> None:
    age = 10.0
    health.add_live("watches", idle(lambda: age, 300))
    assert (await client.get("/healthz")).status == 200
    age = 301.0
    answer = await client.get("/healthz")
    assert answer.status == 503
    assert "watches: idle for 301 s" in await answer.text()
    assert (await client.get("/readyz")).status == 200


async def test_a_replica_is_not_ready_before_its_caches_are_full(health: Health, client: Client) -> None:
    finding = "pods not listed"
    health.add_ready("caches", lambda: finding)
    answer = await client.get("/readyz")
    assert (answer.status, await answer.text()) == (503, "caches: pods not listed\n")
    finding = ""
    assert (await client.get("/readyz")).status == 200


async def test_metrics_are_served_in_the_text_format(metrics: Exposition, client: Client) -> None:
    metrics.leader.set(1)
    answer = await client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "aif_leader 1.0" in (await answer.text()).splitlines()


async def test_the_server_listens_on_a_free_port_and_stops_when_cancelled(health: Health) -> None:
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(health.serve(0, port.set_result))
    reader, writer = await asyncio.open_connection("127.0.0.1", await port)
    writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert b"200 OK" in await reader.readline()
    writer.close()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    with pytest.raises(OSError, match=r"[Cc]onnect"):
        await asyncio.open_connection("127.0.0.1", port.result())


def test_a_late_event_loop_is_measured() -> None:
    metrics = Exposition()

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        watching = asyncio.create_task(Health(metrics).watch_loop())
        await asyncio.sleep(0.5)
        loop._jumping.now += 12.0  # type: ignore[attr-defined]  # noqa: SLF001 - the loop stands still for twelve seconds
        await asyncio.sleep(0.1)
        watching.cancel()

    run(scenario())
    assert metrics.registry.get_sample_value("aif_event_loop_lag_seconds") == pytest.approx(11.5)


def test_of_several_watches_the_oldest_counts(metrics: Exposition) -> None:
    metrics.watch_age("pods", lambda: 3.0)
    metrics.watch_age("pods", lambda: 70.0)
    assert metrics.registry.get_sample_value("aif_watch_last_event_age_seconds", {"resource": "pods"}) == 70.0


def test_every_metric_has_the_prefix_and_no_label_names_an_object(metrics: Exposition) -> None:
    for family in metrics.registry.collect():
        assert family.name.startswith("aif_")
    labels = {name for family in metrics.registry.collect() for sample in family.samples for name in sample.labels}
    assert not labels & {"name", "namespace", "uid", "object", "service", "node"}
