"""HTTP to Prometheus with every bound that the client leaves open: time, size, redirects, proxies, kind of answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import orjson
import requests
from urllib3.exceptions import HTTPError

from aif.errors import Rejected, Unavailable

MOST_BYTES: Final = 16 * 2**20
"""Largest answer that is read, unpacked."""

CONNECT_SECONDS: Final = 2.0
_PIECE: Final = 2**16


class BoundedSession(requests.Session):
    """A session whose requests end: each within so many seconds from its start to the last byte of its answer.

    It follows no redirect, and takes neither proxies nor credentials from the environment.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.trust_env = False
        self._seconds = seconds
        self._clock = clock

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        """Send a query and return its answer, read to the end and found to be a vector.

        Raises:
            Rejected: Prometheus says that the query is at fault.
            Unavailable: There was no answer in time, or one that is no vector.
        """
        deadline = self._clock() + self._seconds
        bounds = {"stream": True, "allow_redirects": False, "timeout": (CONNECT_SECONDS, self._seconds)}
        try:
            answer = super().request(method, url, *args, **(options | bounds))
            with answer:
                answer._content = self._read(answer, deadline)  # noqa: SLF001 - `content` would read without bounds
        except (requests.RequestException, HTTPError) as error:  # the latter from what is read
            raise Unavailable(f"no answer from Prometheus ({type(error).__name__}: {error})") from error
        _check(answer)
        return answer

    def _read(self, answer: requests.Response, deadline: float) -> bytes:
        """Return the body; a server that drips is left as soon as the time is over, not at the end of each drop."""
        content = bytearray()
        while piece := answer.raw.read1(_PIECE, decode_content=True):
            content += piece
            if len(content) > MOST_BYTES:
                raise Unavailable(f"the answer of Prometheus is larger than {MOST_BYTES >> 20} MiB")
            if self._clock() > deadline:
                raise Unavailable(f"the answer of Prometheus took longer than {self._seconds:g} s")
        return bytes(content)


def _check(answer: requests.Response) -> None:
    """Let pass what is a vector, which the client would take for granted."""
    told = _parse(answer)
    if answer.status_code in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY):
        raise Rejected(
            f"Prometheus refused the query: {told.get('error', 'without a word')}", status=answer.status_code
        )
    if answer.status_code != HTTPStatus.OK:
        raise Unavailable(f"Prometheus answered {answer.status_code}", status=answer.status_code)
    if told.get("status") != "success" or not isinstance(told.get("data"), dict):
        raise Unavailable("what answers in place of Prometheus is something else: no success, no data")
    if told["data"].get("resultType") != "vector" or not isinstance(told["data"].get("result"), list):
        raise Rejected(f"a query must give a vector, this one gives a {told['data'].get('resultType')}")


def _parse(answer: requests.Response) -> dict[str, Any]:
    try:
        told = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        told = None
    return told if isinstance(told, dict) else {}
