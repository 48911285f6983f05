"""The link between the users and each node: declared to the node itself, or pieced together from site to site."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple, Self

import numpy as np

from aif.api.aiservice import UserEquipment
from aif.api.computenode import USER, ComputeNode, LinkQuality
from aif.planning.arrays import FloatArray, IntArray


class Path(NamedTuple):
    """What lies between two ends, in SI units; up is the direction away from the users."""

    rtt_seconds: float
    jitter_seconds: float
    up_bits_per_second: float
    down_bits_per_second: float
    reliability: float
    watts: float

    @classmethod
    def of(cls, link: LinkQuality) -> Self:
        """Return the path that is just ``link``, from its other end to the node that declares it."""
        return cls(
            link.rtt_microseconds / 1e6,
            link.jitter_microseconds / 1e6,
            float(link.up_bits_per_second),
            float(link.down_bits_per_second),
            link.reliability_ppm / 1e6,
            float(link.watts),
        )

    def reversed(self) -> Path:
        """Return the same path, walked from the node that declares it."""
        return self._replace(up_bits_per_second=self.down_bits_per_second, down_bits_per_second=self.up_bits_per_second)

    def then(self, hop: Path) -> Path:
        """Return this path and ``hop`` behind it.

        Times and powers add up, the slower rate counts, and both must deliver.
        """
        return Path(
            self.rtt_seconds + hop.rtt_seconds,
            self.jitter_seconds + hop.jitter_seconds,
            min(self.up_bits_per_second, hop.up_bits_per_second),
            min(self.down_bits_per_second, hop.down_bits_per_second),
            self.reliability * hop.reliability,
            self.watts + hop.watts,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """The users' paths to n nodes as arrays of n; NaN where a node has none.

    Attributes:
        rtt, jitter: Seconds.
        up, down: bit/s, away from the users and towards them.
        reliability: Share of packets that arrive.
        watts: Power of all links on the path while they send.
        site: Row of the node whose link to the users is the first hop; -1 where the users bring their own link.
    """

    rtt: FloatArray
    jitter: FloatArray
    up: FloatArray
    down: FloatArray
    reliability: FloatArray
    watts: FloatArray
    site: IntArray


class Network:
    """The declared links of all nodes; answers how users reach each node, and remembers the answers."""

    def __init__(self, nodes: Sequence[ComputeNode]) -> None:
        self._names = [node.metadata.name for node in nodes]
        self._rows = {name: row for row, name in enumerate(self._names)}
        self._access = {
            node.metadata.name: Path.of(link) for node in nodes for link in node.spec.links if link.to == USER
        }
        self._hops = _hops(nodes)
        self._known: dict[str | None, Links] = {}

    def links(self, users: UserEquipment | None) -> Links:
        """Return the paths from ``users`` to every node.

        ``ue.link`` holds for every node; else, from the site in ``ue.attachedTo``, the path of least round-trip time
        over declared links in either direction; else each node's own link to the users. A node without any path has
        none: what nobody declared is not taken for free.
        """
        if users is not None and users.link is not None:
            return _links([Path.of(users.link)] * len(self._names), [-1] * len(self._names))
        site = users.attached_to if users is not None else None
        if site not in self._known:
            self._known[site] = self._direct() if site is None else self._from(site)
        return self._known[site]

    def between(self, name: str) -> Links:
        """Return the paths of least round-trip time from the node ``name`` to every node, itself included."""
        key = f"/{name}"  # no name of a node
        if key not in self._known:
            here = Path(0.0, 0.0, np.inf, np.inf, 1.0, 0.0)
            paths = _shortest(name, here, self._hops) if name in self._rows else {}
            self._known[key] = _links([paths.get(other) for other in self._names], [-1] * len(self._names))
        return self._known[key]

    def _direct(self) -> Links:
        return _links([self._access.get(name) for name in self._names], range(len(self._names)))

    def _from(self, site: str) -> Links:
        paths = _shortest(site, self._access[site], self._hops) if site in self._access else {}
        return _links([paths.get(name) for name in self._names], [self._rows.get(site, -1)] * len(self._names))


def _hops(nodes: Iterable[ComputeNode]) -> dict[str, list[tuple[str, Path]]]:
    hops: dict[str, list[tuple[str, Path]]] = defaultdict(list)
    for node in nodes:
        for link in node.spec.links:
            if link.to != USER:
                path = Path.of(link)
                hops[link.to].append((node.metadata.name, path))
                hops[node.metadata.name].append((link.to, path.reversed()))
    return hops


def _shortest(site: str, access: Path, hops: dict[str, list[tuple[str, Path]]]) -> dict[str, Path]:
    """Return the path of least round-trip time to each node that can be reached (Dijkstra)."""
    paths: dict[str, Path] = {}
    frontier = [(access.rtt_seconds, site, access)]
    while frontier:
        _, name, path = heappop(frontier)
        if name not in paths:
            paths[name] = path
            for neighbour, hop in hops.get(name, ()):
                longer = path.then(hop)
                heappush(frontier, (longer.rtt_seconds, neighbour, longer))
    return paths


def _links(paths: Sequence[Path | None], sites: Iterable[int]) -> Links:
    missing = (np.nan,) * len(Path._fields)
    columns = (
        np.array([missing if path is None else path for path in paths], dtype=np.float64).reshape(-1, len(missing)).T
    )
    rtt, jitter, up, down, reliability, watts = columns
    return Links(rtt, jitter, up, down, reliability, watts, np.array(list(sites), dtype=np.int64))
