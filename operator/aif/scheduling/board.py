"""The nodes while a batch is decided: what is free now, and who of the batch stands where."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from aif.api.aiservice import AIService
from aif.domain.policy import Policy
from aif.planning.arrays import BoolArray, IntArray
from aif.planning.demands import Demand
from aif.scheduling.cycle import Contest
from aif.scheduling.fairness import Shares
from aif.scheduling.ledger import Claim
from aif.scheduling.node_table import NodeTable
from aif.scheduling.selection import Selection

_NEARLY: Final = 1.0 - 1e-9


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
        self._leavers: dict[str, tuple[int, bool]] = {}
        self._movable: tuple[int, Mapping[str, Sequence[Entry]]] = (-1, {})

    def enter(self, service: AIService, priority: int, shares: Shares, barred: Collection[str] = ()) -> Entry:
        """Return an entry for ``service``, for which the nodes ``barred`` are left out."""
        # Whoever leaves nodes out shares the room with all others.
        contest = Contest(service, self.table.besides(barred) if barred else self.table, self._policy)
        return Entry(contest, priority, contest.fitting(), shares.dominant(contest.problem(0).demand.total))

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

    def movable(self) -> Mapping[str, Sequence[Entry]]:
        """Return who of the batch has room on another node, contract aside, by the node where it stands.

        Where all nodes are full there are none, and nothing need be tried.
        """
        if self._movable[0] != self._version:
            movers = {node: [guest for guest in guests if self._roomy(guest)] for node, guests in self._guests.items()}
            self._movable = self._version, {node: guests for node, guests in movers.items() if guests}
        return self._movable[1]

    def may_leave(self, entry: Entry) -> bool:
        """Tell whether ``entry`` would fit on a node where it does not stand."""
        version, found = self._leavers.get(entry.uid, (-1, False))
        if version != self._version:
            found = bool((entry.contest.fitting() & self._elsewhere(entry)).any())
            self._leavers[entry.uid] = self._version, found
        return found

    def _elsewhere(self, entry: Entry) -> BoolArray:
        others = entry.possible.copy()
        others[[self.table.room.rows[claim.node] for claim in entry.claims]] = False
        return others

    def _roomy(self, entry: Entry) -> bool:
        rows = np.flatnonzero(self._elsewhere(entry))
        return any(self._has_room(problem.demand, rows) for problem in entry.contest.problems)

    def _has_room(self, demand: Demand, rows: IntArray) -> bool:
        """Tell whether one of ``rows`` has what Kubernetes accounts for, which is quickly told."""
        room = self.table.room
        enough = [room.free_of(resource).take(rows) >= amount * _NEARLY for resource, amount in demand.total.items()]
        return bool(np.logical_and.reduce(enough).any())
