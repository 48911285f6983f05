"""The nodes that fit, best first, with the terms of their scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from aif.planning.arrays import FloatArray, IntArray
from aif.scheduling.plugins import CONTRACT, HOUSEKEEPING, STABILITY
from aif.scheduling.problem import Problem
from aif.scheduling.selection import Term
from aif.scheduling.weights import asked, weights

SHOWN: Final = 5
"""How many candidates are kept as evidence."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """The best rows of the table that fit, best first; equal scores in alphabetical order.

    Attributes:
        rows: The rows.
        totals: Weighted mean of the terms of each, 0..100.
        names: Terms, heaviest first.
        shares: Weight of each term; they add up to 1.
        terms: Score of each term (first axis) for each row.
    """

    rows: IntArray
    totals: FloatArray
    names: tuple[str, ...]
    shares: FloatArray
    terms: FloatArray

    @classmethod
    def of(cls, problem: Problem, rows: IntArray, most: int = SHOWN, first: int | None = None) -> Self:
        """Return the ranking of the best ``most`` of ``rows``, the row ``first`` in front where one is named.

        A term that one node lacks is 0 for it, one that all lack is left out.
        """
        wanted = asked(problem.service)
        plugins = [
            plugin
            for plugin in (*CONTRACT, STABILITY, *HOUSEKEEPING)
            if plugin not in CONTRACT or plugin.name in wanted
        ]
        scores = {plugin.name: plugin.score(problem, rows) for plugin in plugins}
        known = {name: known for name, score in scores.items() if (known := _known(score)) is not None}
        shares = weights(problem.service, problem.policy, known)
        names = tuple(sorted(shares, key=lambda name: (-shares[name], name)))
        weighing = np.array([shares[name] for name in names])
        terms = np.array([known[name] for name in names]).reshape(len(names), len(rows))
        totals = np.round(weighing @ terms, 6)
        order = _best(totals, problem.table.rank.take(rows), most)
        if first is not None:
            front = int(np.flatnonzero(rows == first)[0])
            order = np.concatenate([[front], order[order != front][: most - 1]])
        return cls(rows[order], totals[order], names, weighing, terms[:, order])

    def terms_of(self, place: int) -> tuple[Term, ...]:
        """Return the terms of the row in that place."""
        scores = self.terms[:, place]
        return tuple(
            Term(name, round(float(score)), round(float(share) * 10_000))
            for name, score, share in zip(self.names, scores, self.shares, strict=True)
        )


def _known(score: FloatArray) -> FloatArray | None:
    """Return ``score`` with 0 where it is unknown; None where nobody knows it."""
    unknown = np.isnan(score)
    if not unknown.any():
        return score
    return None if unknown.all() else np.where(unknown, 0.0, score)


def _best(totals: FloatArray, rank: IntArray, most: int) -> IntArray:
    """Return the places of the ``most`` highest totals, the highest first; equal ones by rank."""
    places = np.arange(len(totals))
    if len(totals) > most:
        threshold = np.partition(totals, len(totals) - most)[len(totals) - most]
        places = np.flatnonzero(totals >= threshold)
    order = np.lexsort((rank[places], -totals[places]))
    return np.asarray(places[order[:most]])
