"""Services of a batch placed jointly, where turns alone leave somebody without a place.

A linear programme over all whose turn it was says who should stand where; each is then placed by the same filters and
scores as alone. It counts only where more of them find a place so; who would have one by turns goes without last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from aif.planning.arrays import FloatArray, IntArray
from aif.planning.placement.joint import NOWHERE, JointPlacement, Problem, place
from aif.scheduling.board import Board, Entry
from aif.scheduling.explanation import jointly
from aif.scheduling.selection import Selection

MOST: Final = 120_000
"""Services times variants times nodes up to which it is tried: a decision may not hold up the event loop."""

SECONDS: Final = 2.0
"""Time for the solver, far below what a Lease lasts and far above what so many pairs take.

Where it is reached, the same batch may come out otherwise another time.
"""

BEST_SCORE: Final = 100.0

BY_TURNS: Final = 1.3
"""How many services without a place one is worth that has one by turns: between equals, turns decide."""

Fill = Callable[[Sequence[Entry]], object]
"""Finds places for those of some services that have none, and takes none away."""


@dataclass(frozen=True, slots=True, eq=False)
class Spots:
    """Where services may stand, and what it is worth.

    Attributes:
        entries: The services, by uid.
        rows: Nodes that one of them may take.
        problem: The joint placement that is asked for; the ways of a service are its variants.
    """

    entries: tuple[Entry, ...]
    rows: IntArray
    problem: Problem

    @classmethod
    def of(cls, entries: Sequence[Entry], board: Board) -> Spots:
        """Return what is possible for ``entries``, none of which holds anything now.

        An earlier step of the ladder is worth more than any score, and so is an earlier variant on the same step.
        """
        ordered = tuple(sorted(entries, key=lambda entry: entry.uid))
        ways = max(len(entry.contest.service.variants) for entry in ordered)
        score = np.full((len(ordered), ways, len(board.table)), np.nan)
        for number, entry in enumerate(ordered):
            for way in range(len(entry.contest.service.variants)):
                score[number, way] = entry.contest.scores(way)
        rows = np.flatnonzero(~np.isnan(score).all(axis=(0, 1)))
        steps = ordered[0].contest.steps[rows]
        levels = int(steps.max(initial=0)) + 1
        ranks = (levels - 1 - steps) * ways + np.arange(ways)[::-1, None]
        by_turns = np.array([BY_TURNS if entry.placed else 1.0 for entry in ordered])
        demand, capacity = _amounts(ordered, ways, rows, board)
        worth = BEST_SCORE * levels * ways * by_turns
        return cls(ordered, rows, Problem(demand, capacity, score[:, :, rows] + BEST_SCORE * ranks, worth))

    def value(self, board: Board) -> float:
        """Return what it is worth how ``entries`` stand now."""
        places = {int(row): at for at, row in enumerate(self.rows)}
        value, total = self.problem.value, 0.0
        for number, entry in enumerate(self.entries):
            for choice in entry.selection.choices if entry.selection else ():
                worth = value[number, entry.contest.way(choice.variant), places[board.table.room.rows[choice.node]]]
                total += max(0.0, float(worth))
        return total


def place_jointly(entries: Sequence[Entry], board: Board, fill: Fill) -> float | None:
    """Place ``entries`` of one priority anew, all together, where more of them find a place so.

    Args:
        entries: Services that have had their turn, in the order of their turns.
        board: Where they stand.
        fill: What finds places for the rest.

    Returns:
        By which share the placement may be worth less than the best; None where nothing was tried.
    """
    alone = [entry for entry in entries if entry.possible.any() and not _parted(entry)]
    crowded = sum(not entry.placed for entry in alone)
    if not 0 < crowded < len(alone) or _pairs(alone, board) > MOST:
        return None
    before = {entry.uid: entry.selection for entry in alone}
    _lift(alone, board)
    spots = Spots.of(alone, board)
    made = place(spots.problem, SECONDS)
    if _settle(alone, spots, made, board):
        fill(alone)
    if not _better(alone, before):
        _lift(alone, board)
        _restore(alone, before, board)
    gap = max(0.0, 1.0 - spots.value(board) / made.bound) if made.bound > 0.0 else 0.0
    for entry in alone:
        if entry.selection is not None and entry.placed:
            message = jointly(entry.selection.message, len(alone) - 1, gap)
            entry.selection = replace(entry.selection, message=message, joint_gap=gap)
    return gap


def _parted(entry: Entry) -> bool:
    """Tell whether no node took all replicas; such a service stays where it is."""
    return entry.selection is not None and entry.placed and bool(len(entry.claims) > 1 or entry.selection.shortfall)


def _pairs(entries: Sequence[Entry], board: Board) -> int:
    return len(board.table) * sum(len(entry.contest.service.variants) for entry in entries)


def _lift(entries: Sequence[Entry], board: Board) -> None:
    for entry in entries:
        if entry.placed:
            board.lift(entry)


def _restore(entries: Sequence[Entry], before: Mapping[str, Selection | None], board: Board) -> None:
    for entry in entries:
        if (selection := before[entry.uid]) is not None:
            board.put(entry, selection)


def _settle(entries: Sequence[Entry], spots: Spots, made: JointPlacement, board: Board) -> bool:
    """Have each of ``entries`` take the node that was found for it; tell whether one did not fit there after all.

    What the programme does not know, such as rates and the users' links, is judged as each takes its place.
    """
    found = {entry.uid: at for at, entry in enumerate(spots.entries) if made.node[at] != NOWHERE}
    without: list[Entry] = []
    for entry in entries:
        at = found.get(entry.uid)
        taken = None if at is None else entry.contest.take(int(made.way[at]), int(spots.rows[made.node[at]]))
        if taken is None:
            without.append(entry)
        else:
            board.put(entry, taken)
    for entry in without:
        board.put(entry, entry.contest.select())
    return any(entry.uid in found and not entry.placed for entry in without)


def _better(entries: Sequence[Entry], before: Mapping[str, Selection | None]) -> bool:
    """Tell whether more are placed than ``before``; one of which replicas find no place counts as none."""
    now = sum(entry.selection is not None and _whole(entry.selection) for entry in entries)
    return now > sum(selection is not None and _whole(selection) for selection in before.values())


def _whole(selection: Selection) -> bool:
    return bool(selection.choices) and not selection.shortfall


def _amounts(entries: Sequence[Entry], ways: int, rows: IntArray, board: Board) -> tuple[FloatArray, FloatArray]:
    """Return what each service takes in each variant, the first in place of those it lacks; and what is free."""
    totals = [[problem.demand.total for problem in entry.contest.problems] for entry in entries]
    names = sorted({name for ways_of in totals for total in ways_of for name in total})
    demand = np.zeros((len(entries), ways, len(names)))
    for number, ways_of in enumerate(totals):
        for way in range(ways):
            total = ways_of[way] if way < len(ways_of) else ways_of[0]
            demand[number, way] = [total.get(name, 0.0) for name in names]
    free = np.array([board.table.room.free_of(name)[rows] for name in names]).T.reshape(len(rows), len(names))
    # What is endless, such as pods where a Node lists none, is never more than all of them ask for.
    return demand, np.clip(free, 0.0, demand.sum(axis=(0, 1)))
