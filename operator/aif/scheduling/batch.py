"""Pending services of one tick, decided together: whose turn it is, and who makes way for whom.

The most urgent come first; among them, the namespace with the least so far; in it, the service with the fewest nodes to
choose from. Each takes its best node. One that finds none may have others of its kind make way, where these find
another place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from aif.api.aiservice import AIService
from aif.domain.policy import Policy
from aif.scheduling.board import Board, Entry
from aif.scheduling.ejection import make_way
from aif.scheduling.fairness import Shares
from aif.scheduling.joint import place_jointly
from aif.scheduling.node_table import NodeTable
from aif.scheduling.selection import Selection


@dataclass(frozen=True, slots=True)
class Batch:
    """What was decided for several services together.

    Attributes:
        selections: The decision per uid, in the order in which they were taken.
    """

    selections: Mapping[str, Selection]


def decide(
    services: Sequence[AIService],
    table: NodeTable,
    policy: Policy,
    priorities: Mapping[str, int],
    *,
    barred: Mapping[str, Collection[str]] = MappingProxyType({}),
    repair: bool = True,
    jointly: bool = True,
) -> Batch:
    """Return the decisions for ``services``, none of which counts on what another one takes.

    Of the services of one priority at least as many find a place as if each had taken its best node in turn.

    Args:
        services: Services without a place.
        table: The nodes; what ``services`` hold must not be counted.
        policy: What the administrator configured.
        priorities: Value of each PriorityClass; a service that names none, or an unknown one, has that of ``""`` or 0.
        barred: Nodes that are left out, by the uid of the service.
        repair: Whether a service that finds no place may have others make way.
        jointly: Whether, then, all of one priority are placed anew together, where more of them find a place so.
    """
    board, shares = Board(table, policy), Shares(table.room)
    entries = [
        board.enter(service, _priority(service, priorities), shares, barred.get(service.metadata.uid, ()))
        for service in services
    ]
    taken: list[Entry] = []
    for priority in sorted({entry.priority for entry in entries}, reverse=True):
        level = [entry for entry in entries if entry.priority == priority]
        turns = _take_turns(level, board, shares)
        if repair:
            make_way(level, board)
        if repair and jointly:
            place_jointly(turns, board, lambda rest: make_way(rest, board))
        taken += turns
    return Batch({entry.uid: entry.selection for entry in taken if entry.selection is not None})


def _priority(service: AIService, priorities: Mapping[str, int]) -> int:
    return priorities.get(service.spec.priority_class_name or "", priorities.get("", 0))


def _take_turns(entries: Sequence[Entry], board: Board, shares: Shares) -> list[Entry]:
    """Have each of ``entries`` take its best node; return them in the order of their turns."""
    queues: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in sorted(entries, key=lambda entry: entry.order, reverse=True):
        queues[entry.namespace].append(entry)
    turns: list[Entry] = []
    while queues:
        namespace = min(queues, key=lambda name: (shares.of(name), name))
        entry = queues[namespace].pop()
        if not queues[namespace]:
            del queues[namespace]
        board.put(entry, entry.contest.select())
        shares.take(entry.claims)
        turns.append(entry)
    return turns
