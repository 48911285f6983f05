"""The nodes while a batch is decided: what is free now, and who of the batch stands where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from aif.api.aiservice import AIService
from aif.domain.policy import Policy
from aif.planning.arrays import BoolArray
from aif.scheduling.cycle import Contest
from aif.scheduling.fairness import Shares
from aif.scheduling.ledger import Claim
from aif.scheduling.node_table import NodeTable
from aif.scheduling.selection import Selection


@dataclass(slots=True, eq=False)
class Entry:
    """A service of the batch.

    Attributes:
        contest: It against all nodes, as they are now.
        priority: Value of its PriorityClass; the highest comes first.
        possible: Which nodes could take all of it when the batch began.
        size: Largest share that it asks for of all nodes together.
        selection: What was decided; None before its turn.
    """

    contest: Contest
    priority: int
    possible: BoolArray
    size: float
    selection: Selection | None = None
    alternatives: tuple[int, bool] = field(default=(-1, False))
    """Whether it would fit elsewhere too, with the version of the board for which that was found."""

    @property
    def uid(self) -> str:
        """Return the uid of the service."""
        return self.contest.service.metadata.uid

    @property
    def namespace(self) -> str:
        """Return the namespace of the service."""
        return self.contest.service.metadata.namespace

    @property
    def order(self) -> tuple[int, float, str, str]:
        """Return its place among those of its namespace: the tightest first, then the largest."""
        return int(np.count_nonzero(self.possible)), -self.size, self.contest.service.metadata.name, self.uid

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Return what it holds."""
        return () if self.selection is None else tuple(choice.claim for choice in self.selection.choices)

    @property
    def placed(self) -> bool:
        """Tell whether some of its replicas have a place."""
        return bool(self.claims)


class Board:
    """A table whose room is the batch's own, so that holding and dropping costs no copy."""

    def __init__(self, table: NodeTable, policy: Policy) -> None:
        self.table = replace(table, room=table.room.copy())
        self._policy = policy
        self._guests: dict[str, list[Entry]] = {}
        self._version = 0
        self._changes = 0

    def enter(self, service: AIService, priority: int, shares: Shares) -> Entry:
        """Return an entry for ``service``."""
        contest = Contest(service, self.table, self._policy)
        return Entry(contest, priority, contest.fitting(), shares.dominant(contest.problem(0).demand.total))

    def guests(self, node: str) -> Sequence[Entry]:
        """Return who of the batch stands on ``node``."""
        return tuple(self._guests.get(node, ()))

    def put(self, entry: Entry, selection: Selection) -> None:
        """Have ``entry`` hold what was selected."""
        entry.selection = selection
        for claim in entry.claims:
            self.table.room.hold(claim)
            self._guests.setdefault(claim.node, []).append(entry)
        self._changed()

    def lift(self, entry: Entry) -> None:
        """Take ``entry`` off its nodes."""
        for claim in entry.claims:
            self.table.room.release(claim)
            self._guests[claim.node].remove(entry)
        self._changed()

    def _changed(self) -> None:
        self._changes += 1
        self._version = self._changes

    def at_version(self, version: int) -> None:
        """Take note that everything stands again as it did at ``version``."""
        self._version = version

    @property
    def version(self) -> int:
        """Return the number of the present state; each change makes a new one."""
        return self._version

    def may_leave(self, entry: Entry) -> bool:
        """Tell whether ``entry`` would fit on a node where it does not stand."""
        version, found = entry.alternatives
        if version != self._version:
            own = [self.table.room.rows[claim.node] for claim in entry.claims]
            elsewhere = entry.contest.fitting()
            elsewhere[own] = False
            found = bool(elsewhere.any())
            entry.alternatives = self._version, found
        return found
