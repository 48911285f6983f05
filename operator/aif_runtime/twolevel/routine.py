"""The states of a routine, and what leads from one to the next; pure, time is an argument ([NET4AI])."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final


class Phase(StrEnum):
    """What a routine is at."""

    PENDING = "Pending"
    INVITING = "Inviting"
    """Servers and terminals are invited, or there are too few consents yet."""

    RUNNING = "Running"
    """Terminals and servers exchange data."""

    AGGREGATING = "Aggregating"
    """All servers have completed the round; the global function averages."""

    PAUSED = "Paused"
    """A group has fewer than k live terminals: nothing flows."""

    RESTARTING = "Restarting"
    """The next epoch begins: new streams, tickets and pseudonyms."""

    COMPLETED = "Completed"
    FAILED = "Failed"


MOVES: Final[Mapping[Phase, frozenset[Phase]]] = {
    Phase.PENDING: frozenset({Phase.INVITING, Phase.COMPLETED, Phase.FAILED}),
    Phase.INVITING: frozenset({Phase.RUNNING, Phase.RESTARTING, Phase.COMPLETED, Phase.FAILED}),
    Phase.RUNNING: frozenset({Phase.AGGREGATING, Phase.PAUSED, Phase.RESTARTING, Phase.COMPLETED, Phase.FAILED}),
    Phase.AGGREGATING: frozenset({Phase.RUNNING, Phase.PAUSED, Phase.RESTARTING, Phase.COMPLETED, Phase.FAILED}),
    Phase.PAUSED: frozenset({Phase.RESTARTING, Phase.COMPLETED, Phase.FAILED}),
    Phase.RESTARTING: frozenset({Phase.INVITING, Phase.COMPLETED, Phase.FAILED}),
    Phase.COMPLETED: frozenset(),
    Phase.FAILED: frozenset(),
}
"""Where each state may lead."""

FINAL: Final = frozenset({Phase.COMPLETED, Phase.FAILED})


@dataclass(frozen=True, slots=True)
class Routine:
    """A routine as it stands.

    Attributes:
        phase: What it is at.
        epoch: Grows with each invitation of all.
        since: When the phase began, seconds.
        reason: Why it waits, paused or failed, in a word; empty otherwise.
        message: The same in a sentence.
    """

    phase: Phase = Phase.PENDING
    epoch: int = 0
    since: float = 0.0
    reason: str = ""
    message: str = ""

    def moved(self, phase: Phase, now: float, reason: str = "", message: str = "") -> Routine:
        """Return the routine in another phase; ValueError where that is no legal move."""
        if phase not in MOVES[self.phase]:
            raise ValueError(f"a routine does not go from {self.phase} to {phase}")
        epoch = self.epoch + 1 if phase is Phase.INVITING else self.epoch
        return replace(self, phase=phase, epoch=epoch, since=now, reason=reason, message=message)

    def waiting(self, reason: str, message: str) -> Routine:
        """Return the routine in the same phase, with why it waits."""
        return replace(self, reason=reason, message=message)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the routine manager sees.

    Attributes:
        now: Seconds.
        k: Least number of live terminals per group.
        deadline: When the routine has failed, seconds.
        finished: Whether the global function said stop.
        absent: Roles without which nothing works that are not there.
        candidates: Consenting terminals that there are for each group.
        invited: Whether all invitations of this epoch were accepted.
        live: Live terminals per group, as the forwarding plane tells.
        broken: Why this epoch cannot go on; empty where it can.
        impossible: Why no epoch can; empty where one can.
        completed: Whether every server has completed its round.
        joiners: Whether terminals wait that a group has room for.
    """

    now: float
    k: int
    deadline: float
    finished: bool = False
    absent: tuple[str, ...] = ()
    candidates: Mapping[str, int] = field(default_factory=dict)
    invited: bool = False
    live: Mapping[str, int] = field(default_factory=dict)
    broken: str = ""
    impossible: str = ""
    completed: bool = False
    joiners: bool = False

    @property
    def too_few(self) -> str:
        """Which group has fewer than k live terminals; empty where none has."""
        return next((group for group, count in self.live.items() if count < self.k), "")

    @property
    def lacking(self) -> str:
        """Which group has fewer than k candidates; empty where none has."""
        return next((group for group, count in self.candidates.items() if count < self.k), "")


def advance(routine: Routine, seen: Seen) -> Routine:
    """Return the routine after what was seen: at most one move."""
    if routine.phase in FINAL:
        return routine
    if seen.finished:
        return routine.moved(Phase.COMPLETED, seen.now)
    if seen.impossible:
        return routine.moved(Phase.FAILED, seen.now, "InvalidSpec", seen.impossible)
    if seen.now > seen.deadline:
        return routine.moved(Phase.FAILED, seen.now, routine.reason or "DeadlineExceeded", routine.message)
    return _STEPS[routine.phase](routine, seen)


def _begin(routine: Routine, seen: Seen) -> Routine:
    return routine.moved(Phase.INVITING, seen.now)


def _inviting(routine: Routine, seen: Seen) -> Routine:
    if seen.broken:
        return routine.moved(Phase.RESTARTING, seen.now, "ClientLost", seen.broken)
    return _ready(routine, seen)


def _ready(routine: Routine, seen: Seen) -> Routine:
    if seen.absent:
        return routine.waiting("ClientLost", f"{', '.join(seen.absent)} is not there")
    if seen.lacking:
        count = seen.candidates[seen.lacking]
        return routine.waiting(
            "WaitingForConsent", f"{count} terminals consented for {seen.lacking}, {seen.k} are needed"
        )
    if not seen.invited:
        return routine.waiting("", "")
    if seen.too_few:
        return routine.waiting("KAnonymityNotReached", f"fewer than {seen.k} terminals of {seen.too_few} are live")
    return routine.moved(Phase.RUNNING, seen.now)


def _running(routine: Routine, seen: Seen) -> Routine:
    if seen.too_few:
        message = f"{seen.live[seen.too_few]} terminals of {seen.too_few} are live, {seen.k} are needed"
        return routine.moved(Phase.PAUSED, seen.now, "KAnonymityNotReached", message)
    if seen.broken:
        return routine.moved(Phase.RESTARTING, seen.now, "ClientLost", seen.broken)
    if routine.phase is Phase.AGGREGATING:
        if seen.joiners:
            return routine.moved(Phase.RESTARTING, seen.now, "", "terminals have joined")
        return routine if seen.completed else routine.moved(Phase.RUNNING, seen.now)
    return routine.moved(Phase.AGGREGATING, seen.now) if seen.completed else routine


def _paused(routine: Routine, seen: Seen) -> Routine:
    if seen.lacking:
        return routine
    return routine.moved(Phase.RESTARTING, seen.now, "", "enough terminals consent again")


_STEPS: Final[Mapping[Phase, Callable[[Routine, Seen], Routine]]] = {
    Phase.PENDING: _begin,
    Phase.INVITING: _inviting,
    Phase.RUNNING: _running,
    Phase.AGGREGATING: _running,
    Phase.PAUSED: _paused,
    Phase.RESTARTING: _begin,
}
