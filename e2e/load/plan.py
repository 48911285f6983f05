"""What load is asked for."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Client(StrEnum):
    """How a client uses connections."""

    NEW = "new"
    """A new connection for each request."""

    KEEPALIVE = "keepalive"
    """A pool of connections that stay open."""

    STREAM = "stream"
    """A new connection for each stream of server-sent events."""


class Arrivals(StrEnum):
    """How requests of a lane follow one another."""

    EVEN = "even"
    """A period apart."""

    POISSON = "poisson"
    """At random, as those of many users that know nothing of each other; the same each time."""


@dataclass(frozen=True, slots=True)
class Lane:
    """The load of one kind of clients on one address: so many requests a second."""

    client: Client
    url: str
    rate: float


@dataclass(frozen=True, slots=True)
class Plan:
    """All the load.

    `seconds`: None until a signal comes. A request, or the pause before a chunk, may last `timeout` s. `most_open`:
    what is due while so many are open is not sent, and counts as failed: a generator that falls behind shall say so.
    """

    lanes: tuple[Lane, ...]
    seconds: float | None
    timeout: float = 10.0
    pool: int = 16
    pool_idle_seconds: float = 4.0
    chunks: int = 10
    interval: float = 0.1
    most_open: int = 5000
    arrivals: Arrivals = Arrivals.EVEN


def lanes(urls: Sequence[str], clients: Sequence[Client], rate: float, streams: float) -> tuple[Lane, ...]:
    """Share `rate` requests a second, and `streams` streams a second, evenly over addresses and kinds of clients."""
    plain = [client for client in clients if client is not Client.STREAM]
    each = rate / (len(plain) * len(urls)) if plain else 0.0
    rates = {client: streams / len(urls) if client is Client.STREAM else each for client in clients}
    return tuple(Lane(client, url, rates[client]) for url in urls for client in clients if rates[client])


def due(lane: Lane, offset: float, seconds: float | None, arrivals: Arrivals = Arrivals.EVEN) -> Iterator[float]:
    """Yield when the requests of a lane are due, in seconds from the start.

    `offset` is the part of the period before the first one, and draws those at random.
    """
    period, draw = 1.0 / lane.rate, random.Random(f"{lane}{offset}")  # noqa: S311 - no secret
    at = offset * period
    while seconds is None or at < seconds:
        yield at
        at += period if arrivals is Arrivals.EVEN else draw.expovariate(lane.rate)
