"""The ways to move a service that `bench_mobility.py` compares: each follows a group's readings, but for the oracle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from mobility_scenario import STEP, Floats, Ints, Journey

from aif.planning.mobility.factors import Mobility, learn
from aif.planning.mobility.moves import Terms, Verdict, Worth, decide, worth
from aif.planning.mobility.path import followed, read, unread

ALARM: Final = 2
"""Steps from the beginning of a breach to its alarm."""
NOBODY: Final = -1

Rule = Callable[[int, int, int], int]
"""Answers step, present node and steps in breach with the node to move to, -1 for none."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A group, the nodes in question, and what a move takes.

    Attributes:
        history, journey: What was read before, and what is to be served.
        breach: By site and node, [n, J].
        distance: Hops by site and node, [n, J].
        neighbours: Pairs of sites.
        terms: What a move takes.
        begin: Node on which the service stands first.
    """

    history: Ints
    journey: Journey
    breach: Floats
    distance: Ints
    neighbours: list[tuple[int, int]]
    terms: Terms
    begin: int

    def nearest(self, site: int) -> int:
        """The node with the fewest hops."""
        return int(np.argmin(self.distance[site]))


def reactive(case: Case, alarm: int = ALARM) -> Rule:
    """Moves to the nearest node of the site that was read last, once in breach for so many steps."""
    known = last_known(case.journey.reading)

    def rule(step: int, host: int, late: int) -> int:
        site = int(known[step])
        if site < 0 or late <= alarm or not case.breach[site, host]:
            return NOBODY
        return case.nearest(site)

    return rule


def last_known(readings: Ints) -> Ints:
    """The last reading that is not missing, for each step."""
    place = np.maximum.accumulate(np.where(readings >= 0, np.arange(len(readings)), 0))
    return np.asarray(readings[place])


def ahead(case: Case, model: Callable[[Case], Mobility]) -> Rule:
    """Moves by the forecast of ``model``; where that is not known, on the alarm."""
    learned, fallback = model(case), reactive(case)
    found: Worth = worth(learned, case.breach, case.terms, case.begin)
    belief = read(learned, unread(learned), int(case.journey.reading[0]))

    def rule(step: int, host: int, late: int) -> int:
        decision = decide(learned, beliefs[step], found, host)
        if decision.verdict is Verdict.UNKNOWN:
            return fallback(step, host, late)
        return decision.host if decision.verdict is Verdict.MOVE else NOBODY

    beliefs = [belief]
    for reading in case.journey.reading[1:].tolist():
        beliefs.append(followed(learned, beliefs[-1], reading))
    return rule


def by_history(case: Case) -> Mobility:
    """The factor graph."""
    return learn([case.history], len(case.breach), case.neighbours)


def by_chance(case: Case) -> Mobility:
    """Stays as they were seen, and every neighbour alike."""
    learned = by_history(case)
    return replace(learned, following=(learned.following > 0.0) / np.maximum(exits(learned), 1))


def exits(model: Mobility) -> Floats:
    """How many ways lead on from each, [E, 1]."""
    return np.asarray((model.following > 0.0).sum(axis=1, keepdims=True), dtype=np.float64)


def by_last_site(case: Case) -> Mobility:
    """Stays as they were seen, and where the group went last time; where it never was, every neighbour alike."""
    learned, chance = by_history(case), by_chance(case)
    sites = last_known(case.history)
    after = {int(a): int(b) for a, b in pairwise(sites) if a != b}
    following = chance.following.copy()
    for way, site in enumerate(learned.site.tolist()):
        if site in after:
            following[way] = (learned.origin == site) & (learned.site == after[site])
            following[way, : learned.sites] = 0.0
    return replace(learned, following=following)


def by_site(case: Case) -> Mobility:
    """Factors that know the site alone: those of its way without an origin, and stays of the site."""
    learned = by_history(case)
    return replace(learned, following=learned.following[learned.site])


def oracle(case: Case) -> Rule:
    """The least of breach and cost for the path that comes, by dynamic programming backwards."""
    terms, cost = case.terms, case.breach[case.journey.serving] * STEP
    steps, hosts = cost.shape
    sums = np.concatenate([np.zeros((1, hosts)), np.cumsum(cost, axis=0)])
    value = np.zeros((steps + 1, hosts))
    choice = np.full((steps, hosts), NOBODY)
    for step in range(steps - 1, -1, -1):
        end = min(step + terms.move_steps, steps)
        moved = terms.cost_seconds + sums[end] - sums[step] + value[end].min()
        value[step] = cost[step] + value[step + 1]
        moves = moved < value[step]
        choice[step, moves] = int(value[end].argmin())
        value[step, moves] = moved[moves]
    return lambda step, host, _late: int(choice[step, host])


CONTESTANTS: Final[dict[str, Callable[[Case], Rule]]] = {
    "reactive": reactive,
    "on handover": lambda case: reactive(case, 0),
    "random": lambda case: ahead(case, by_chance),
    "last site": lambda case: ahead(case, by_last_site),
    "first order": lambda case: ahead(case, by_site),
    "predictive": lambda case: ahead(case, by_history),
    "oracle": oracle,
}
