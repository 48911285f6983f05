"""The errors that `aif` raises; callers tell them apart by class, people by message.

This module knows neither kopf nor a client library: gateways turn what they catch into these classes, and one place in
`aif.handlers` turns these into what kopf understands::

    AifError
    +-- InvalidInput               what was given cannot be used; trying again changes nothing
    |   +-- InvalidSpec            a field of an object breaks a rule
    |   +-- InvalidSetting         a variable of the environment or a flag breaks a rule
    +-- ApiError                   an API server or a metrics source did not do what was asked
        +-- NotFound               the object, or its kind, is not there
        +-- Conflict               someone else wrote first; read again and decide anew
        +-- Rejected               the request itself is at fault; trying it again unchanged is useless
        |   +-- Forbidden          a right is missing
        |   +-- Denied             an admission rule, such as a quota, said no
        |   +-- NameTaken          an object of that name exists and belongs to somebody else
        +-- Unavailable            no answer, or one that says later; the request may be tried again
"""

from __future__ import annotations


class AifError(Exception):
    """Any error that `aif` raises on purpose.

    Attributes:
        message: One sentence that says what is wrong and what to do next.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(AifError):
    """What a user gave cannot be used, and trying again changes nothing."""


class InvalidSpec(InvalidInput):
    """A field of an object breaks a rule.

    Attributes:
        field: Path of the field as the user writes it, such as ``spec.qos.latency.milliseconds``.
        reason: What is wrong with it, without the path.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class InvalidSetting(InvalidInput):
    """A variable of the environment, or a flag, breaks a rule.

    Attributes:
        name: Name of the variable or flag, such as ``AIF_NAMESPACE``.
        reason: What is wrong with its value.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class ApiError(AifError):
    """An API server or a metrics source did not do what was asked.

    Attributes:
        status: HTTP status of the answer, or None where there was no answer.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class NotFound(ApiError):
    """The object, or the kind it is of, is not there."""


class Conflict(ApiError):
    """Someone else wrote first: read again and decide anew."""


class Rejected(ApiError):
    """The request itself is at fault: trying it again unchanged is useless."""


class Forbidden(Rejected):
    """A right is missing; the message names the verb and the resource to add to the role."""


class Denied(Rejected):
    """An admission rule, such as a ResourceQuota or a policy, said no.

    Attributes:
        rule: What said no, as the answer names it: the quota, the policy or the webhook; empty where it names none.
    """

    def __init__(self, message: str, *, status: int | None = None, rule: str = "") -> None:
        super().__init__(message, status=status)
        self.rule = rule


class NameTaken(Rejected):
    """An object of that name exists and belongs to somebody else: it is left alone."""


class Unavailable(ApiError):
    """There was no answer, or one that says later: the request may be tried again.

    Attributes:
        retry_after: Seconds to wait at least, as the server asked; None where it asked for nothing.
    """

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after
