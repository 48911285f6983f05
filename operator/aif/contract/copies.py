"""What is known of each copy of a service that moves, so that the new one is judged beside the old one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from aif.api.aiservice import AIService
from aif.contract.alarms import Alarms
from aif.contract.limits import Limit, Sense, requests_for
from aif.contract.profiles import Profile, Signal
from aif.contract.watch import Answers, Judged, Promise, Question, Watch, promises_of

FAILURES: Final = "answered"
"""Name of what every copy owes, promised or not: that it answers."""

SUCCEEDING: Final = 0.99
"""Share of its requests that a new copy must answer, where no availability is promised."""

WINDOWS: Final = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600)
"""Windows in seconds in which fresh copies are looked at: few, so that all that move share their questions."""

_ANSWERS: Final = Limit(
    FAILURES, Sense.SHARE, SUCCEEDING, 1e-6, 0.0, 1.0, hard=True, least_requests=requests_for(SUCCEEDING)
)


@dataclass(frozen=True, slots=True)
class CopyLook:
    """What is known of one copy.

    Attributes:
        began: Since when its samples count, in seconds since 1970: all of them are of the same phase of the move.
        window_seconds: How long that was.
        requests: Requests that came meanwhile; None where unknown.
        judged: Its promises, and beside them that it answers.
    """

    began: float
    window_seconds: int
    requests: float | None
    judged: tuple[Judged, ...]


@dataclass(frozen=True, slots=True)
class Mover:
    """A service that moves.

    Attributes:
        service: The service.
        copies: Its copies, with what the way to the users of each adds, in seconds.
        window_seconds: How long they may be looked back at.
    """

    service: AIService
    copies: Mapping[str, float]
    window_seconds: int


def window_of(service: AIService, seconds: float) -> int | None:
    """Return the window for copies that have served for ``seconds``; None where that is too short to say anything."""
    longest = min(float(service.spec.evaluation.fast_window_seconds), seconds)
    return max((window for window in WINDOWS if window <= longest), default=None)


def tells_copies_apart(service: AIService, profiles: Mapping[str, Profile]) -> bool:
    """Tell whether the metric profile of ``service`` knows one copy from another."""
    profile = profiles.get(service.spec.metrics.profile)
    return profile is not None and profile.per_copy


class CopyWatch:
    """The copies of all services that move, as they stand at one look."""

    def __init__(self, movers: Sequence[Mover], profiles: Mapping[str, Profile]) -> None:
        self._rows = [
            (mover, copy, promise)
            for mover in movers
            for copy, way in mover.copies.items()
            for promise in promises_of_copy(mover, copy, way, profiles)
        ]
        self._watch = Watch([promise for _, _, promise in self._rows])

    def questions(self) -> frozenset[Question]:
        """Return what has to be asked for all of them."""
        return self._watch.questions()

    def judge(self, answers: Answers, now: float) -> dict[str, dict[str, CopyLook]]:
        """Return what is known of each copy, by the uid of its service."""
        judged, _ = self._watch.judge(answers, Alarms.quiet(len(self._rows), now), now)
        found: dict[str, dict[str, CopyLook]] = {}
        for (mover, copy, _), each in zip(self._rows, judged, strict=True):
            looks = found.setdefault(mover.service.metadata.uid, {})
            before = looks.get(copy)
            looks[copy] = _added(before, each) if before else _first(mover.window_seconds, each, now)
        return found


def promises_of_copy(mover: Mover, copy: str, way: float, profiles: Mapping[str, Profile]) -> Iterator[Promise]:
    """Yield what one copy is watched for: what its metric profile tells of the promises, and that it answers."""
    windows = (mover.window_seconds, mover.window_seconds)
    meta = mover.service.metadata
    own = [
        replace(promise, who=(*promise.who, copy), windows=windows)
        for promise in promises_of(mover.service, profiles, way)
        # What the profile has no query for, no copy can ever show: it holds up none.
        if promise.profile is not None and promise.signal in promise.profile.queries
    ]
    yield from own
    if own and all(promise.signal is not Signal.SUCCESS_SHARE for promise in own):
        who = (meta.namespace, meta.name, copy)
        yield replace(own[0], who=who, limit=_ANSWERS, signal=Signal.SUCCESS_SHARE)


def _first(window: int, judged: Judged, now: float) -> CopyLook:
    return CopyLook(now - window, window, _requests(window, judged), (judged,))


def _added(look: CopyLook, judged: Judged) -> CopyLook:
    more = _requests(look.window_seconds, judged)
    requests = look.requests if look.requests is not None else more
    return replace(look, requests=requests, judged=(*look.judged, judged))


def _requests(window: int, judged: Judged) -> float | None:
    return None if judged.rate is None else round(judged.rate * window, 6)
