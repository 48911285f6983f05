"""What can be wrong with a request, each with its HTTP status and the field that is meant."""

from __future__ import annotations

from http import HTTPStatus


class RequestFailed(Exception):
    """A request that is answered by an error.

    InvalidRequest: the client's fault; NoSuchModel: a wrong path; Overloaded: too many wait already.
    """

    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class InvalidRequest(RequestFailed):
    """The body or the query is not what the endpoint takes; `field` names the part."""

    status = HTTPStatus.BAD_REQUEST


class NoSuchModel(RequestFailed):
    """The path names a model that is not served."""

    status = HTTPStatus.NOT_FOUND


class Overloaded(RequestFailed):
    """As many requests wait as may: come again later."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
