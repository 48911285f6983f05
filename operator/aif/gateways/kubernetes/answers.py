"""What an answer of the API server that is no success means, as an error of `aif.errors`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import orjson

from aif.errors import ApiError, Conflict, Denied, Forbidden, NotFound, Rejected, Unavailable

_UNAUTHORIZED: Final = re.compile(r'\bUser "[^"]*" cannot (?P<verb>\w+) resource "(?P<resource>[^"]+)"')
_RULES: Final = (
    re.compile(r"exceeded quota: ([^,]+)"),
    re.compile(r"ValidatingAdmissionPolicy '([^']+)'"),
    re.compile(r'admission webhook "([^"]+)"'),
    re.compile(r'violates (PodSecurity "[^"]+")'),
)
_PLAIN: Final = {404: NotFound, 409: Conflict, 410: ApiError}
_LATER: Final = frozenset({408, 429})
_EXCERPT: Final = 1000
LONGEST_WAIT_SECONDS: Final = 300.0
"""A server that asks for more is asked again after this time all the same."""


def error_of(status: int, headers: Mapping[str, str], body: bytes, request: str) -> ApiError:
    """Return the error for an answer with ``status`` to ``request`` (method and path, for the message).

    A body that is no Kubernetes Status, such as a proxy's HTML, is quoted at most 1,000 characters long.
    """
    message = f"{request}: {_message(body) or f'HTTP status {status}'}"
    if status in _PLAIN:
        return _PLAIN[status](message, status=status)
    if status == HTTPStatus.UNAUTHORIZED:
        return Unavailable(f"{message}; the credentials were refused, renew them", status=status)
    if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(message, status=status, retry_after=retry_after(headers))
    return _refusal(message, status)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of the header Retry-After, given as seconds or as a date, 300 at most; None without one."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return min(LONGEST_WAIT_SECONDS, float(text))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return min(LONGEST_WAIT_SECONDS, max(0.0, (moment - datetime.now(moment.tzinfo and UTC)).total_seconds()))


def _refusal(message: str, status: int) -> Rejected:
    if missing := _UNAUTHORIZED.search(message):
        advice = f"add the verb {missing['verb']} on {missing['resource']} to the operator's role"
        return Forbidden(f"{message}; {advice}", status=status)
    rule = _rule(message)
    if rule or status == HTTPStatus.FORBIDDEN:
        return Denied(message, status=status, rule=rule)
    return Rejected(message, status=status)


def _rule(message: str) -> str:
    return next((found[1] for pattern in _RULES if (found := pattern.search(message))), "")


def _message(body: bytes) -> str:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body[:_EXCERPT].decode(errors="replace").strip()
    text = parsed.get("message") if isinstance(parsed, dict) else None
    return str(text or "")
