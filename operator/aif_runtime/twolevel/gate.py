"""The k-anonymity gate: nothing reaches a server that fewer than k clients are tied to ([NET4AI])."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from aif_runtime.learning.errors import PeerRefused


class Passage(Enum):
    """Whether frames of a group pass."""

    WAITING = auto()
    """Fewer than k have come yet."""

    OPEN = auto()
    """At least k are live."""

    SHUT = auto()
    """There were k, and there are no longer: it takes a new epoch to open again."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a ticket allows.

    Attributes:
        group: Whose server the client may reach.
        pseudonym: How that server knows the client, for this epoch.
        turn: Place of the client in the order of its group.
    """

    group: str
    pseudonym: str
    turn: int = 0


@dataclass(slots=True)
class Gate:
    """Who is live in one epoch.

    Attributes:
        k: Least number of live clients per group.
        grants: What each ticket allows.
    """

    k: int
    grants: Mapping[str, Grant]
    _live: dict[str, set[str]] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)
    _opened: set[str] = field(default_factory=set)
    _shut: set[str] = field(default_factory=set)

    def arrive(self, ticket: str) -> Grant:
        """Count a client as live.

        Raises:
            PeerRefused: There is no such ticket, it was used or revoked, or its group is shut.
        """
        grant = self.grants.get(ticket)
        if grant is None or ticket in self._used:
            raise PeerRefused("UnknownTicket", "the ticket is unknown, used or revoked: wait for an invitation")
        if grant.group in self._shut:
            raise PeerRefused("Shut", "too few clients are left: wait for the next epoch")
        self._used.add(ticket)
        self._live.setdefault(grant.group, set()).add(ticket)
        if len(self._live[grant.group]) >= self.k:
            self._opened.add(grant.group)
        return grant

    def leave(self, ticket: str) -> None:
        """Count a client as gone; below k its group is shut for good."""
        group = self.grants[ticket].group if ticket in self.grants else ""
        self._live.get(group, set()).discard(ticket)
        if group in self._opened and len(self._live[group]) < self.k:
            self._shut.add(group)

    def revoke(self, ticket: str) -> None:
        """Let a ticket be worth nothing, from now on."""
        self._used.add(ticket)
        self.leave(ticket)

    def passage(self, group: str) -> Passage:
        """Say whether frames of a group pass."""
        if group in self._shut:
            return Passage.SHUT
        return Passage.OPEN if group in self._opened else Passage.WAITING

    @property
    def live(self) -> dict[str, int]:
        """How many clients are live per group."""
        groups = sorted({grant.group for grant in self.grants.values()})
        return {group: len(self._live.get(group, ())) for group in groups}
