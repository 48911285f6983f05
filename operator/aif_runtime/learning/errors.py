"""The errors of the learning runtime; people tell them apart by message, callers by class.

::

    LearningError
    +-- InvalidRole          the file or the environment of a role breaks a rule; trying again changes nothing
    |   +-- BackendMissing   what was asked for needs a package that is not installed
    +-- MalformedFrame       bytes from outside are no frame; names what is wrong with them
    +-- UnfitUpdate          numbers from outside do not fit the model
    +-- OutOfOrder           a frame of data was changed, repeated, is old or came the wrong way
    +-- PeerLost             the other side is silent or gone
    +-- PeerRefused          the other side answered that it will not, or cannot
    +-- JobFailed            the job ends here, with the reason that its condition shows
"""

from __future__ import annotations


class LearningError(Exception):
    """Any error that the learning runtime raises on purpose."""


class InvalidRole(LearningError):
    """The file or the environment of a role breaks a rule; the text names both and the field."""


class BackendMissing(InvalidRole):
    """What was asked for needs a package that is not installed; the text says which extra brings it."""


class MalformedFrame(LearningError):
    """Bytes that are no frame; the text says what is wrong with them."""


class UnfitUpdate(LearningError):
    """Numbers that do not fit the model: another shape, not finite, or missing."""


class OutOfOrder(LearningError):
    """A frame of data that was changed, repeated, is of an old epoch, or came the wrong way."""


class PeerLost(LearningError):
    """The other side is silent or gone."""


class PeerRefused(LearningError):
    """The other side answered that it will not, or cannot.

    Attributes:
        reason: CamelCase word, such as ``OldEpoch``.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}" if message else reason)
        self.reason = reason


class JobFailed(LearningError):
    """The job ends here.

    Attributes:
        reason: The reason of the condition Failed, such as ``QuorumNotReached``.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
