"""What answers that are no success mean."""

from __future__ import annotations

import orjson
import pytest

from aif.errors import ApiError, Conflict, Denied, Forbidden, NotFound, Rejected, Unavailable
from aif.gateways.kubernetes.answers import error_of, retry_after

RBAC = (
    'deployments.apps "plates" is forbidden: User "system:serviceaccount:aif-system:aif-operator" cannot patch '
    'resource "deployments" in API group "apps" in the namespace "shop"'
)
QUOTA = 'deployments.apps "plates" is forbidden: exceeded quota: compute, requested: cpu=8, used: cpu=4, limited: cpu=8'
POLICY = "deployments.apps \"plates\" is forbidden: ValidatingAdmissionPolicy 'no-latest' with binding 'all' denied"
WEBHOOK = 'admission webhook "policy.example.org" denied the request: not today'
TERMINATING = "unable to create new content in namespace shop because it is being terminated"


def an_error(status: int, message: str = "", headers: dict[str, str] | None = None) -> ApiError:
    """Return what an answer with a Kubernetes Status means."""
    return error_of(status, headers or {}, orjson.dumps({"kind": "Status", "message": message}), "PATCH /apis/x")


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        pytest.param(404, "", NotFound, id="not found"),
        pytest.param(409, "the object has been modified", Conflict, id="conflict"),
        pytest.param(410, "too old resource version", ApiError, id="expired"),
        pytest.param(403, RBAC, Forbidden, id="a right is missing"),
        pytest.param(403, QUOTA, Denied, id="quota"),
        pytest.param(403, TERMINATING, Denied, id="namespace goes"),
        pytest.param(422, POLICY, Denied, id="policy"),
        pytest.param(400, WEBHOOK, Denied, id="webhook"),
        pytest.param(422, "spec.replicas: Invalid value: -1", Rejected, id="invalid"),
        pytest.param(400, "strict decoding error", Rejected, id="bad request"),
        pytest.param(302, "", Rejected, id="a redirection is never followed"),
        pytest.param(401, "Unauthorized", Unavailable, id="credentials"),
        pytest.param(429, "", Unavailable, id="too many requests"),
        pytest.param(500, "etcdserver: request timed out", Unavailable, id="internal error"),
        pytest.param(504, "", Unavailable, id="time-out"),
        pytest.param(599, "", Unavailable, id="an unknown failure of the server"),
    ],
)
def test_an_answer_means_one_kind_of_error(status: int, message: str, kind: type[ApiError]) -> None:
    error = an_error(status, message)
    assert type(error) is kind
    assert error.status == status
    assert "PATCH /apis/x" in error.message


@pytest.mark.parametrize(
    ("message", "rule"),
    [(QUOTA, "compute"), (POLICY, "no-latest"), (WEBHOOK, "policy.example.org"), (TERMINATING, "")],
)
def test_a_denial_names_what_said_no(message: str, rule: str) -> None:
    error = an_error(403, message)
    assert isinstance(error, Denied)
    assert error.rule == rule


def test_a_missing_right_is_told_as_what_to_add_to_the_role() -> None:
    assert "add the verb patch on deployments to the operator's role" in an_error(403, RBAC).message


def test_the_server_says_how_long_to_wait() -> None:
    error = an_error(429, headers={"Retry-After": "7"})
    assert isinstance(error, Unavailable)
    assert error.retry_after == 7.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("Sun, 06 Nov 1994 08:49:37 GMT", 0.0, id="a date that has passed"),
        pytest.param("Fri, 31 Dec 2100 23:59:59 GMT", 300.0, id="a date far away"),
        pytest.param("86400", 300.0, id="a day"),
    ],
)
def test_a_wait_is_at_most_five_minutes_however_it_is_given(text: str, seconds: float) -> None:
    assert retry_after({"Retry-After": text}) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1", "1e9", "\N{SUPERSCRIPT TWO}"])
def test_a_wait_that_cannot_be_read_is_no_wait(text: str) -> None:
    assert retry_after({"Retry-After": text}) is None


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"\xff\xfe", b"", b"[1]", b"null"])
def test_a_body_that_is_no_status_breaks_nothing(body: bytes) -> None:
    assert isinstance(error_of(502, {}, body, "GET /"), Unavailable)


def test_a_large_foreign_body_is_quoted_in_part() -> None:
    assert len(error_of(502, {}, b"x" * 10**6, "GET /").message) < 1100
