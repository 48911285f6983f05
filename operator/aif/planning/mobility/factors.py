"""How a user group moves from site to site: the factors of its path, learned from where it has been ([EDGE]).

The path is a chain. Its state is the way that the group took into the site, and how long it has stayed; one factor says
how a stay ends, one where the group goes then, and `mobility.path` adds one per reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from aif.errors import InvalidSpec
from aif.planning.arrays import BoolArray, FloatArray, IntArray

UNREAD: Final = -1
"""A reading that is missing."""

AGES: Final = 48
"""Steps of a stay that are told apart by default; what lasts longer ends at the rate of the last one."""

MOST_WAYS: Final = 4000
"""Ways that are told apart at most: what follows what is a table of ways by ways."""

PRIOR: Final = 2.0
"""How many stays what is known in general counts for, beside those that were seen in particular."""


@dataclass(frozen=True, slots=True, eq=False)
class Mobility:
    """The factors of a path over n sites and E ways, with A ages of a stay.

    A way leads from one site to another; the first n ways stand for being at a site without a known origin.

    Attributes:
        origin: Site that each way comes from, its own where the origin is not known, [E].
        site: Site that each way leads to, [E].
        leaving: Probability that a stay ends after this step, by way and age, [E, A].
        following: Probability of each way being the next one once a stay ends, [E, E]; a row of zeros where no
            neighbour of the site is known, and then the stay never ends.
        departures: How many stays at each site were seen to end, [n].
    """

    origin: IntArray
    site: IntArray
    leaving: FloatArray
    following: FloatArray
    departures: IntArray

    @property
    def sites(self) -> int:
        """Return the number of sites."""
        return len(self.departures)

    @property
    def ages(self) -> int:
        """Return how many steps of a stay are told apart."""
        return int(self.leaving.shape[1])

    def by_site(self, values: FloatArray) -> FloatArray:
        """Return figures of ways, [E, ...], added up by the site that they lead to, [n, ...]."""
        sums = np.zeros((self.sites, *values.shape[1:]))
        np.add.at(sums, self.site, values)
        return sums


@dataclass(slots=True, eq=False)
class _Stays:
    """Stays in the order in which they were seen; `nexts` is -1 where the end was not seen."""

    ways: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    nexts: list[int] = field(default_factory=list)


def learn(
    histories: Iterable[ArrayLike],
    sites: int,
    neighbours: Iterable[tuple[int, int]] = (),
    ages: int = AGES,
    prior: float = PRIOR,
) -> Mobility:
    """Return the factors of a group's path, from its earlier paths.

    Each factor is a mean under Dirichlet priors that leads from the general to the particular: from all sites to the
    site to the way for how long it stays, from all neighbours to the site to the way for where it goes. A reading that
    is missing ends a path, and the next one begins a new one: nothing is guessed across the gap.

    Args:
        histories: Sites that were read, a step apart, each [t]; -1 where there was no reading.
        sites: n; each site that was read is one of 0..n-1.
        neighbours: Pairs of sites between which a group may go, beside those between which it was seen to go.
        ages: A, at least 1.
        prior: How many stays the general counts for, above 0.

    Raises:
        InvalidSpec: A site does not exist, or a figure is out of bounds.
    """
    if sites < 1 or ages < 1 or not 0.0 < prior < np.inf:
        raise InvalidSpec("sites", "must be at least 1, as must be ages; prior must be greater than 0")
    runs = [run for history in histories for run in _runs(_judged(history, sites))]
    seen = {(a, b) for run in runs for (a, _), (b, _) in pairwise(run)}
    pairs = sorted({pair for a, b in (*seen, *_known(neighbours, sites)) for pair in ((a, b), (b, a)) if a != b})
    if sites + len(pairs) > MOST_WAYS:
        raise InvalidSpec("history", f"has {sites + len(pairs)} ways between sites; tell at most {MOST_WAYS} apart")
    origin = np.array([*range(sites), *(pair[0] for pair in pairs)], dtype=np.int64)
    site = np.array([*range(sites), *(pair[1] for pair in pairs)], dtype=np.int64)
    stays = _stays(runs, {pair: sites + place for place, pair in enumerate(pairs)})
    ended = np.array(stays.nexts, dtype=np.int64) >= 0
    departures = np.bincount(site[np.array(stays.ways, dtype=np.int64)[ended]], minlength=sites).astype(np.int64)
    following = _following(stays, origin, site, prior)
    leaving = _leaving(stays, site, sites, ages, prior) * (following.sum(axis=1, keepdims=True) > 0.0)
    return Mobility(origin, site, leaving, following, departures)


def judged_readings(readings: ArrayLike, sites: int, name: str = "readings") -> IntArray:
    """Return readings as whole numbers.

    Raises:
        InvalidSpec: One is neither a site nor -1.
    """
    array = np.atleast_1d(np.asarray(readings))
    if array.size == 0:
        return np.zeros(0, dtype=np.int64)
    whole = array.astype(np.int64) if array.dtype.kind in "iu" else None
    if whole is None or array.ndim != 1 or whole.min() < UNREAD or whole.max() >= sites:
        raise InvalidSpec(name, f"must hold the numbers of sites from 0 to {sites - 1}, or -1 for none")
    return whole


def _judged(history: ArrayLike, sites: int) -> IntArray:
    return judged_readings(history, sites, "history")


def _known(neighbours: Iterable[tuple[int, int]], sites: int) -> list[tuple[int, int]]:
    pairs = [(int(a), int(b)) for a, b in neighbours]
    if any(not 0 <= end < sites for pair in pairs for end in pair):
        raise InvalidSpec("neighbours", f"must be pairs of sites from 0 to {sites - 1}")
    return pairs


def _runs(readings: IntArray) -> list[list[tuple[int, int]]]:
    """Return the paths between gaps, each a list of sites with the steps that the group stayed."""
    runs: list[list[tuple[int, int]]] = [[]]
    edges = np.flatnonzero(np.diff(readings, prepend=UNREAD - 1, append=UNREAD - 1))
    for begin, end in pairwise(edges.tolist()):
        if readings[begin] == UNREAD:
            runs.append([])
        else:
            runs[-1].append((int(readings[begin]), end - begin))
    return [run for run in runs if run]


def _stays(runs: Sequence[list[tuple[int, int]]], ways: dict[tuple[int, int], int]) -> _Stays:
    stays = _Stays()
    for run in runs:
        sites = [site for site, _ in run]
        taken = [sites[0], *(ways[pair] for pair in pairwise(sites))]
        stays.ways += taken
        stays.steps += [steps for _, steps in run]
        stays.nexts += [*taken[1:], UNREAD]
    return stays


def _following(stays: _Stays, origin: IntArray, site: IntArray, prior: float) -> FloatArray:
    count = len(site)
    fits: BoolArray = np.asarray(site[:, None] == origin[None, :])
    fits[:, origin == site] = False
    seen = np.zeros((count, count))
    ended = [(way, after) for way, after in zip(stays.ways, stays.nexts, strict=True) if after >= 0]
    np.add.at(seen, tuple(np.array(ended, dtype=np.int64).reshape(-1, 2).T), 1.0)
    of_site = np.zeros((int(site.max()) + 1, count))
    np.add.at(of_site, site, seen)
    exits = fits.sum(axis=1, keepdims=True)
    base = fits / np.maximum(exits, 1)
    general = _mean(of_site[site] * fits, base, prior)
    return np.asarray(_mean(seen, general, prior) * fits)


def _mean(seen: FloatArray, general: FloatArray, prior: float) -> FloatArray:
    return np.asarray((seen + prior * general) / (seen.sum(axis=1, keepdims=True) + prior))


def _leaving(stays: _Stays, site: IntArray, sites: int, ages: int, prior: float) -> FloatArray:
    """Return the hazards; a stay whose end was not seen, or whose beginning was not, counts as far as it was seen."""
    ended, lasted = np.zeros((len(site), ages)), np.zeros((len(site), ages))
    for way, steps, after in zip(stays.ways, stays.steps, stays.nexts, strict=True):
        survived = steps - 1
        lasted[way, : min(survived, ages)] += 1.0
        lasted[way, -1] += max(survived - ages, 0)
        if after >= 0:
            place = min(survived, ages - 1)
            lasted[way, place] += 1.0
            ended[way, place] += 1.0
    ends_of, lasts_of = np.zeros((sites, ages)), np.zeros((sites, ages))
    np.add.at(ends_of, site[sites:], ended[sites:])
    np.add.at(lasts_of, site[sites:], lasted[sites:])
    mean = ended.sum() / (lasted.sum() + 1.0)
    of_all = _hazard(ends_of.sum(axis=0), lasts_of.sum(axis=0), mean, prior)
    hazard = _hazard(ended, lasted, _hazard(ends_of, lasts_of, of_all, prior)[site], prior)
    # How long a stay without a known origin has lasted is not known either, so its end is as likely in each step.
    totals = [part[:sites].sum(axis=1) + of.sum(axis=1) for part, of in ((ended, ends_of), (lasted, lasts_of))]
    hazard[:sites] = _hazard(totals[0], totals[1], mean, prior)[:, None]
    return hazard


def _hazard(ended: FloatArray, lasted: FloatArray, general: FloatArray | float, prior: float) -> FloatArray:
    return np.asarray((ended + prior * general) / (lasted + prior))
