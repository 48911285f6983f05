"""The three kinds of clients: each sends one request and says how it ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp

from load.plan import Client, Lane, Plan
from load.tally import Failure

INPUT_SIZE = 64
_BODY = b'{"input":[' + b",".join(b"0.5" for _ in range(INPUT_SIZE)) + b"]}"
_HEADERS = {"Content-Type": "application/json"}
_INFER, _STREAM = "/v1/infer", "/v1/stream"
_COMPLETE, _CUT = b'"reason":"Complete"', b'"reason":"ServerEnds"'


@dataclass(frozen=True, slots=True)
class Ended:
    """How a request ended: `failure` None where it succeeded; `cut` where the server ended a stream in good order."""

    failure: Failure | None = None
    cut: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends the requests of one lane."""

    lane: Lane
    plan: Plan
    session: aiohttp.ClientSession

    async def send(self) -> Ended:
        """Send one request, and never again: what failed has failed."""
        begun = False
        try:
            async with self._request() as answer:
                begun = True
                return await self._read(answer)
        except TimeoutError:
            return Ended(Failure.TIMEOUT, detail=f"answer begun: {begun}")
        except aiohttp.ClientConnectorError as error:
            return Ended(Failure.REFUSED, detail=repr(error.os_error))
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError) as error:
            return Ended(Failure.TRUNCATED if begun else Failure.RESET, detail=repr(error))
        except (aiohttp.ClientError, OSError) as error:
            return Ended(Failure.OTHER, detail=repr(error))

    def _request(self) -> aiohttp.client._RequestContextManager:
        if self.lane.client is Client.STREAM:
            asked = f"{self.lane.url}{_STREAM}?chunks={self.plan.chunks}&interval={self.plan.interval:g}"
            return self.session.get(asked)
        return self.session.post(f"{self.lane.url}{_INFER}", data=_BODY, headers=_HEADERS)

    async def _read(self, answer: aiohttp.ClientResponse) -> Ended:
        body = await answer.read()
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Ended(Failure.SERVER_ERROR, detail=f"{answer.status}: {_start(body)}")
        if answer.status >= HTTPStatus.BAD_REQUEST:
            return Ended(Failure.CLIENT_ERROR, detail=f"{answer.status}: {_start(body)}")
        if self.lane.client is not Client.STREAM or _COMPLETE in body[-200:]:
            return Ended()
        return Ended(cut=True) if _CUT in body[-200:] else Ended(Failure.TRUNCATED, detail="no last event")


@asynccontextmanager
async def sender(lane: Lane, plan: Plan) -> AsyncIterator[Sender]:
    """Yield a sender for one lane; its connections end with it."""
    if lane.client is Client.KEEPALIVE:
        connector = aiohttp.TCPConnector(limit=plan.pool, keepalive_timeout=plan.pool_idle_seconds)
    else:
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
    # A stream may last as long as it lasts, but between two chunks no longer than any answer.
    times = (
        aiohttp.ClientTimeout(sock_connect=plan.timeout, sock_read=plan.timeout + plan.interval)
        if lane.client is Client.STREAM
        else aiohttp.ClientTimeout(total=plan.timeout)
    )
    session = aiohttp.ClientSession(
        connector=connector, timeout=times, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
    )
    async with session:
        yield Sender(lane, plan, session)


def _start(body: bytes) -> str:
    return body[:200].decode(errors="replace")
