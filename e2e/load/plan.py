"""What load is asked for."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Lane:
    """The load of one kind of clients on one address: so many requests a second, evenly."""

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


def lanes(urls: Sequence[str], clients: Sequence[Client], rate: float, streams: float) -> tuple[Lane, ...]:
    """Share `rate` requests a second, and `streams` streams a second, evenly over addresses and kinds of clients."""
    plain = [client for client in clients if client is not Client.STREAM]
    each = rate / (len(plain) * len(urls)) if plain else 0.0
    rates = {client: streams / len(urls) if client is Client.STREAM else each for client in clients}
    return tuple(Lane(client, url, rates[client]) for url in urls for client in clients if rates[client])


def due(lane: Lane, offset: float, seconds: float | None) -> Iterator[float]:
    """Yield when the requests of a lane are due, in seconds from the start; the first after a part of the period."""
    period, number = 1.0 / lane.rate, 0
    while (at := (number + offset) * period) < (seconds if seconds is not None else float("inf")):
        yield at
        number += 1
