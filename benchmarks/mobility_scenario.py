"""User groups that move between real radio sites by habit: the scenario of `bench_mobility.py`.

Places that groups visit are drawn from the user positions. A group goes round its places in a usual order, mostly; from
one to the next it follows the street grid, mostly by the same corner; it pauses at each. It is served by the nearest
site, and handed over once another one is nearer by a margin. What is drawn is drawn from a seed.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from math import cos, radians
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEP: Final = 5.0
"""Seconds between readings."""

PLACES: Final = 5
USUAL_ORDER: Final = 0.85
"""Probability of the usual next place; else it is any of the others."""
USUAL_CORNER: Final = 0.85
"""Probability of the usual corner on the way there."""
SPEED: Final = (3.0, 9.0)
"""Metres per second, uniform by group: a bicycle to a tram."""
SPREAD: Final = 0.15
"""Relative spread of the speed from one way to the next."""
PAUSE: Final = (60.0, 0.5)
"""Seconds, and spread of the logarithm."""
MARGIN: Final = 30.0
"""Metres by which another site must be nearer."""
MISSING: Final = 0.01
WRONG: Final = 0.01
"""Shares of readings that are missing, and that name a site that is a neighbour of the true one."""
BLOCKS: Final = 5
"""A node stands at every fifth site."""
METRES_PER_DEGREE: Final = 111_195.0


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Radio sites with their neighbours, and the nodes that stand at some of them.

    Attributes:
        places: Metres east and north, [n, 2].
        near: Which sites are neighbours, [n, n].
        hops: Least number of hops between sites, [n, n].
        hosts: Sites that have a node, [J].
    """

    places: Floats
    near: NDArray[np.bool_]
    hops: Ints
    hosts: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Journey:
    """A group's path.

    Attributes:
        serving: Site that serves it, per step, [t].
        reading: What was read of that, -1 where nothing was, [t].
    """

    serving: Ints
    reading: Ints


def positions(path: Path, latitude: str, longitude: str) -> Floats:
    """Metres east and north of the places in a file of degrees, [n, 2]."""
    with path.open(newline="", encoding="utf-8") as file:
        degrees = np.array([(float(row[latitude]), float(row[longitude])) for row in csv.DictReader(file)])
    north = degrees[:, 0] * METRES_PER_DEGREE
    return np.column_stack([degrees[:, 1] * METRES_PER_DEGREE * cos(radians(-37.8136)), north])


def network(places: Floats) -> Network:
    """Neighbours are sites with no third one nearer to both (relative neighbourhood graph); nodes lie far apart."""
    distance = np.linalg.norm(places[:, None] - places[None, :], axis=2)
    between = np.maximum(distance[:, None, :], distance[None, :, :]).min(axis=2)
    near = (distance <= between) & ~np.eye(len(places), dtype=np.bool_)
    hops = np.where(near, 1, len(places)).astype(np.int64)
    np.fill_diagonal(hops, 0)
    for middle in range(len(places)):
        hops = np.minimum(hops, hops[:, middle, None] + hops[None, middle, :])
    hosts = [int(np.argmin(hops.sum(axis=1)))]
    while len(hosts) < len(places) // BLOCKS:
        hosts.append(int(np.argmax(hops[hosts].min(axis=0))))
    return Network(places, near, hops, np.sort(np.array(hosts)))


def journeys(net: Network, spots: Floats, steps: int, draw: np.random.Generator) -> Journey:
    """A group's path of so many steps."""
    stops = spots[draw.choice(len(spots), PLACES, replace=False)]
    corners = draw.integers(0, 2, (PLACES, PLACES))
    speed = draw.uniform(*SPEED)
    at, track, walked = 0, [np.repeat(stops[:1], 1, axis=0)], 0
    while walked < steps:
        usual = (at + 1) % PLACES
        others = [place for place in range(PLACES) if place not in {at, usual}]
        to = usual if draw.random() < USUAL_ORDER else int(draw.choice(others))
        corner = corners[at, to] if draw.random() < USUAL_CORNER else 1 - corners[at, to]
        pace = speed * draw.lognormal(0.0, SPREAD) * STEP
        pause = np.repeat(stops[at : at + 1], max(1, round(draw.lognormal(np.log(PAUSE[0]), PAUSE[1]) / STEP)), axis=0)
        track += [pause, along(stops[at], stops[to], int(corner), pace)]
        walked += len(track[-1]) + len(track[-2])
        at = to
    return watched(net, np.concatenate(track)[:steps], draw)


def along(begin: Floats, end: Floats, corner: int, pace: float) -> Floats:
    """Points on the way over a corner, ``pace`` metres apart."""
    turn = np.array([end[0], begin[1]]) if corner else np.array([begin[0], end[1]])
    legs = [
        np.linspace(a, b, max(1, round(float(np.linalg.norm(b - a)) / pace)), endpoint=False)
        for a, b in ((begin, turn), (turn, end))
    ]
    return np.concatenate(legs)


def watched(net: Network, track: Floats, draw: np.random.Generator) -> Journey:
    """Which site serves a group on its track, and what is read of it."""
    distance = np.linalg.norm(track[:, None] - net.places[None, :], axis=2)
    nearest = distance.argmin(axis=1)
    serving: Ints = nearest.astype(np.int64)
    for step in range(1, len(track)):
        before = serving[step - 1]
        if distance[step, before] - distance[step, nearest[step]] <= MARGIN:
            serving[step] = before
    reading = serving.copy()
    for step in np.flatnonzero(draw.random(len(track)) < WRONG):
        reading[step] = draw.choice(np.flatnonzero(net.near[serving[step]]))
    reading[draw.random(len(track)) < MISSING] = -1
    return Journey(serving, reading)
