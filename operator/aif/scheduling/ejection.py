"""Repair of a batch: services that stand in the way of another one move to their next best node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

from aif.scheduling.board import Board, Entry
from aif.scheduling.problem import Problem
from aif.scheduling.usage import added

TRIALS: Final = 16
"""On how many nodes room is sought for one service."""

VICTIMS: Final = 4
"""How many services may make way for one."""

_ROUNDING: Final = 1e-9

_ROUNDS: Final = 2
"""How often those without a place are looked at; a move may make room for one that was looked at before."""


def make_way(entries: Sequence[Entry], board: Board) -> None:
    """Find places for those of ``entries`` that have none, by moving others of them that find another place.

    Nobody loses a place: each step adds one to the number of services placed, or changes nothing.
    """
    for _ in range(_ROUNDS):
        without = [entry for entry in entries if not entry.placed]
        if not [entry for entry in without if _seek(entry, board)]:
            return


def _seek(entry: Entry, board: Board) -> bool:
    """Tell whether ``entry`` was placed, at once or after others made way."""
    selection = entry.contest.select()
    if selection.choices:
        board.put(entry, selection)
        return True
    trials = (victims for victims in _trials(entry, board) if all(board.may_leave(victim) for victim in victims))
    return any(_try(entry, victims, board) for victims in islice(trials, TRIALS))


def _trials(entry: Entry, board: Board) -> list[list[Entry]]:
    """Return who would have to leave some node so that ``entry`` has room there, the fewest and smallest first."""
    guests = [
        (node, [mover for mover in movers if mover.priority <= entry.priority])
        for node, movers in board.movable().items()
        if entry.possible[board.table.room.rows[node]]
    ]
    problems = entry.contest.problems
    groups = [
        victims for at, movers in guests for problem in problems if (victims := _victims(problem, at, movers, board))
    ]
    return sorted(groups, key=lambda group: (len(group), sum(victim.size for victim in group), group[0].uid))


def _victims(problem: Problem, node: str, guests: Sequence[Entry], board: Board) -> list[Entry]:
    """Return those of ``guests`` that hold what is lacking on ``node``; none where they are too many."""
    row, room = board.table.room.rows[node], board.table.room
    short = {resource: amount - float(room.free_of(resource)[row]) for resource, amount in problem.demand.total.items()}
    lacking = {resource: amount for resource, amount in short.items() if amount > 0.0}
    alone = [guest for guest in guests if _frees([guest], node, lacking)]
    if alone:
        return [min(alone, key=lambda guest: (guest.size, guest.uid))]
    largest = sorted(guests, key=lambda guest: (-guest.size, guest.uid))
    groups = (largest[:count] for count in range(2, min(VICTIMS, len(largest)) + 1))
    return next((group for group in groups if _frees(group, node, lacking)), [])


def _frees(guests: Sequence[Entry], node: str, lacking: Mapping[str, float]) -> bool:
    held = added(*(claim.resources for guest in guests for claim in guest.claims if claim.node == node))
    return all(held.get(resource, 0.0) >= amount * (1.0 - _ROUNDING) for resource, amount in lacking.items())


def _try(entry: Entry, victims: Sequence[Entry], board: Board) -> bool:
    """Place ``entry`` where ``victims`` stand, and them elsewhere; where one of them finds no place, undo it all."""
    version = board.version
    before, refused = [(victim, victim.selection) for victim in victims], entry.selection
    for victim in victims:
        board.lift(victim)
    moved: list[Entry] = []
    for mover in (entry, *sorted(victims, key=lambda victim: victim.order)):
        found = mover.contest.select()
        if not found.choices or (mover is not entry and found.shortfall > _shortfall(mover)):
            break
        board.put(mover, found)
        moved.append(mover)
    else:
        return True
    for mover in moved:
        board.lift(mover)
    for victim, selection in before:
        if selection is not None:
            board.put(victim, selection)
    entry.selection = refused
    board.at_version(version)
    return False


def _shortfall(entry: Entry) -> int:
    return entry.selection.shortfall if entry.selection else 0
