"""What is asked of Prometheus, and what becomes of each bad answer."""

from __future__ import annotations

import asyncio
import gzip
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from aif.errors import Rejected, Unavailable
from aif.gateways.exposition import Exposition
from aif.gateways.prometheus.breaker import THRESHOLD
from aif.gateways.prometheus.source import Prometheus, Series

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
AT = 1_900_000_000.0


def a_vector(*rows: tuple[dict[str, str], str]) -> dict[str, object]:
    """Return an answer as Prometheus writes it."""
    result = [{"metric": labels, "value": [AT, value]} for labels, value in rows]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def says(body: object, status: int = 200) -> Answer:
    """Return what answers with ``body`` as JSON."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    return answer


def sends(content: bytes, **headers: str) -> Answer:
    """Return what answers with ``content`` as it is."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=content, headers=headers)

    return answer


@asynccontextmanager
async def a_prometheus(answer: Answer, seconds: float = 5.0) -> AsyncIterator[Prometheus]:
    """Give a source whose server answers every query by ``answer``."""
    app = web.Application()
    app.router.add_get("/api/v1/query", answer)
    async with TestServer(app) as server:
        source = Prometheus(str(server.make_url("/")).rstrip("/"), Exposition(), seconds=seconds)
        yield source
        source.close()


async def test_a_vector_is_read_with_labels_and_values() -> None:
    body = a_vector(({"aiservice": "plates"}, "0.25"), ({"aiservice": "cups"}, "NaN"), ({}, "+Inf"))
    async with a_prometheus(says(body)) as source:
        plates, cups, rest = await source.query("up", AT)
    assert plates == Series({"aiservice": "plates"}, 0.25)
    assert math.isnan(cups.value)
    assert rest.value == math.inf


async def test_the_query_and_its_time_are_sent_as_they_are() -> None:
    seen: dict[str, str] = {}

    async def answer(request: web.Request) -> web.Response:
        seen.update(request.query)
        return web.json_response(a_vector())

    async with a_prometheus(answer) as source:
        assert await source.query('up{a="b & c"}', AT) == ()
    assert seen == {"query": 'up{a="b & c"}', "time": "1900000000.000"}


async def test_a_row_that_cannot_be_read_is_left_out() -> None:
    body = a_vector(({"aiservice": "plates"}, "1"))
    body["data"]["result"] += [{"metric": {}}, {"metric": {}, "value": [AT, "one"]}, 7]  # type: ignore[index]
    async with a_prometheus(says(body)) as source:
        assert len(await source.query("up", AT)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(says({"error": "overloaded"}, status=503), id="503"),
        pytest.param(says({}, status=401), id="401"),
        pytest.param(sends(b"<html>Sign in</html>"), id="a page instead"),
        pytest.param(says([]), id="a list instead"),
        pytest.param(says({"status": "success"}), id="success without data"),
        pytest.param(says({"status": "error", "data": {}}), id="an error that looks like success"),
        pytest.param(sends(b" " * (17 * 2**20)), id="too large"),
        pytest.param(sends(gzip.compress(b" " * (64 * 2**20)), **{"Content-Encoding": "gzip"}), id="too large, packed"),
        pytest.param(sends(b"\x00\x01", **{"Content-Encoding": "gzip"}), id="packed badly"),
    ],
)
async def test_an_answer_that_is_of_no_use_is_no_answer(answer: Answer) -> None:
    async with a_prometheus(answer) as source:
        with pytest.raises(Unavailable):
            await source.query("up", AT)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(says({"status": "error", "error": "parse error"}, status=400), id="it cannot be parsed"),
        pytest.param(says({"status": "success", "data": {"resultType": "scalar", "result": [AT, "1"]}}), id="a scalar"),
        pytest.param(says({"status": "success", "data": {"resultType": "matrix", "result": []}}), id="a matrix"),
    ],
)
async def test_a_query_at_fault_is_told_from_a_source_that_fails(answer: Answer) -> None:
    async with a_prometheus(answer) as source:
        for _ in range(THRESHOLD + 1):
            with pytest.raises(Rejected):
                await source.query("up", AT)


async def test_a_redirect_is_not_followed() -> None:
    async def elsewhere(_: web.Request) -> web.Response:
        raise web.HTTPFound("http://169.254.169.254/")

    async with a_prometheus(elsewhere) as source:
        with pytest.raises(Unavailable, match="302"):
            await source.query("up", AT)


async def test_a_server_that_drips_is_left_when_the_time_is_over() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(200):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        return response

    async with a_prometheus(drip, seconds=0.3) as source, asyncio.timeout(5):
        with pytest.raises(Unavailable, match="longer than"):
            await source.query("up", AT)


async def test_a_silent_server_is_left_when_the_time_is_over() -> None:
    async def silent(_: web.Request) -> web.Response:
        await asyncio.sleep(2)
        return web.Response()

    async with a_prometheus(silent, seconds=0.2) as source, asyncio.timeout(10):
        with pytest.raises(Unavailable, match="no answer"):
            await source.query("up", AT)


async def test_a_source_that_fails_again_and_again_is_left_alone() -> None:
    asked = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=500)

    async with a_prometheus(answer) as source:
        for _ in range(THRESHOLD):
            with pytest.raises(Unavailable):
                await source.query("up", AT)
        before = asked
        with pytest.raises(Unavailable, match="left alone"):
            await source.query("up", AT)
        assert asked == before


async def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with a_prometheus(says(a_vector())) as source:
        assert await source.query("up", AT) == ()
