"""What users would see of a placement: every request sent, transferred, queued and computed, one after the other.

It shares no code with the planner's prediction, and knows what that does not: bursts, requests of unequal size, jitter,
and that services of one site wait for the same uplink. All queues are first come, first served:

* The uplink of a radio site is one server for all services there; a request takes input / rate.
* A copy has as many servers as devices; a request takes the larger of arithmetic / peak and traffic / bandwidth, its
  prompt first and each token after it. On the processor it has the share that its cores are.
* The rest of the way adds its round trip, an exponential delay with the mean of the declared jitter, and what a rate
  below that of the uplink costs. Links of 10 Gbit/s and more are nobody's bottleneck here.

Each queue is monotone: with more traffic nobody is served earlier. So a service that misses its contract alone in the
network, on a given node, misses it there beside others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from heapq import heapreplace
from math import ceil
from typing import Final, NamedTuple

import numpy as np

from melbourne.network import GPU, Network
from melbourne.services import SECONDS, TOLERANCE, Asked
from melbourne.traces import Floats

NOWHERE: Final = -1
QUANTILE: Final = 0.99
KEEPING_UP: Final = 0.95
"""Share of the requests that a service without a latency target has to answer before the replay ends."""


class Way(NamedTuple):
    """From the users of one site to one node and back."""

    rtt: float
    jitter: float
    up: float
    down: float
    hops: int
    reliability: float


class Computer(NamedTuple):
    """One server of a copy: FLOP/s, byte/s, and how many there are."""

    peak: float
    bandwidth: float
    servers: int


@dataclass(frozen=True, slots=True)
class Placement:
    """Node and variant of each service; `NOWHERE` where it has none."""

    node: list[int]
    variant: list[int]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the users of one service saw.

    Attributes:
        kept: Whether the contract held.
        latency: Seconds of each request.
    """

    kept: bool
    latency: Floats


class Replay:
    """A network and services, and what happens on any placement."""

    def __init__(self, network: Network, asked: Sequence[Asked], draw: np.random.Generator) -> None:
        self.network, self.asked = network, asked
        self._ways = [_ways(network, site) for site in range(network.sites)]
        self._unsteady = [draw.exponential(1.0, len(one.load.seconds)) for one in asked]

    def way(self, service: int, node: int) -> Way:
        """Return the way of least round trip from the users of ``service`` to ``node``."""
        return self._ways[self.asked[service].site][node]

    def hops(self, start: int, end: int) -> int:
        """Return how many links lie between two nodes, by the fewest."""
        return self._hops(start)[end]

    def seen(self, placement: Placement) -> list[Seen | None]:
        """Return what the users of each service see, all services together; None of one that is nowhere."""
        received = self._received([at for at, node in enumerate(placement.node) if node != NOWHERE])
        return [
            None if node == NOWHERE else self._judged(at, node, variant, received[at])
            for at, (node, variant) in enumerate(zip(placement.node, placement.variant, strict=True))
        ]

    @cache  # noqa: B019 - a replay lives as long as the run
    def _hops(self, start: int) -> dict[int, int]:
        known, frontier = {start: 0}, [start]
        while frontier:
            near = [(other, known[row] + 1) for row in frontier for other in self._linked[row] if other not in known]
            known |= dict(near)
            frontier = list(dict(near))
        return known

    @cached_property
    def _linked(self) -> list[set[int]]:
        names = {node.metadata.name: row for row, node in enumerate(self.network.nodes)}
        linked: list[set[int]] = [set() for _ in names]
        for row, node in enumerate(self.network.nodes):
            for link in node.spec.links:
                if link.to in names:
                    linked[row].add(names[link.to])
                    linked[names[link.to]].add(row)
        return linked

    @cached_property
    def possible(self) -> list[list[Floats]]:
        """Return, per service and variant, 1 for each node on which the contract holds alone in the network, else 0."""
        return [self._alone(at) for at in range(len(self.asked))]

    def _alone(self, at: int) -> list[Floats]:
        received = self._received([at])[at]
        known: dict[tuple[Way, Computer], bool] = {}
        rows = []
        for variant in range(len(self.asked[at].kind.variants)):
            row = np.zeros(len(self.network.nodes))
            for node in range(len(row)):
                computer = self._computer(at, node, variant)
                if computer is not None and self._secure(at, node):
                    key = self.way(at, node), computer
                    if key not in known:
                        known[key] = self._judged(at, node, variant, received).kept
                    row[node] = known[key]
            rows.append(row)
        return rows

    def _received(self, services: Sequence[int]) -> dict[int, Floats]:
        """Return when the radio site has each request of ``services``, which share the uplinks."""
        received: dict[int, Floats] = {}
        for site in {self.asked[at].site for at in services}:
            here = [at for at in services if self.asked[at].site == site]
            sent = np.concatenate([self.asked[at].load.seconds for at in here])
            rate = self._ways[site][site].up
            taking = np.concatenate(
                [np.full(len(self.asked[at].load.seconds), self.asked[at].kind.bits / rate) for at in here]
            )
            order = np.argsort(sent, kind="stable")
            done = np.empty(len(sent))
            done[order] = served(sent[order], taking[order])
            ends = np.cumsum([len(self.asked[at].load.seconds) for at in here])
            received |= dict(zip(here, np.split(done, ends[:-1]), strict=True))
        return received

    def _judged(self, at: int, node: int, variant: int, received: Floats) -> Seen:
        one, way = self.asked[at], self.way(at, node)
        computer = self._computer(at, node, variant)
        if computer is None:
            raise ValueError(f"{one.service.metadata.name} cannot run on node {node}: it has no such device")
        prompt, whole = self._work(at, computer)
        slower = one.kind.bits * (1.0 / way.up - 1.0 / self.way(at, one.site).up)
        done = served_by(received + slower, whole, computer.servers)
        extra = way.rtt + way.jitter * self._unsteady[at]
        if one.kind.limit is None:
            in_time = int(np.count_nonzero(done + extra <= SECONDS))
            return Seen(in_time >= KEEPING_UP * len(done), done + extra - one.load.seconds)
        answered = done - whole + prompt if one.kind.name == "chat" else done + one.kind.answer_bits / way.down
        latency = answered + extra - one.load.seconds
        late = int(np.count_nonzero(latency > one.limit * TOLERANCE))
        return Seen(len(latency) - late >= ceil(QUANTILE * len(latency) - 1e-9), latency)

    def _work(self, at: int, computer: Computer) -> tuple[Floats, Floats]:
        """Return seconds of the prompt and of the whole of each request on one server."""
        kind, load = self.asked[at].kind, self.asked[at].load
        flops, traffic = kind.gflops * 1e9, kind.megabytes * 1e6
        prompt = np.maximum(load.prompt * flops / computer.peak, traffic / computer.bandwidth)
        token = max(flops / computer.peak, traffic / computer.bandwidth)
        return prompt, prompt + load.answer * token

    def _computer(self, at: int, node: int, variant: int) -> Computer | None:
        """Return what serves a request of the service on ``node``; None where the node has no such device."""
        kind = self.asked[at].kind
        wanted, number = kind.variants[variant], "FP16" if kind.name == "chat" else "FP32"
        for device in self.network.nodes[node].spec.capability.devices:
            if device.type == wanted.get("accelerator", "cpu"):
                rate = next(float(one.flops_per_second) for one in device.peak_flops if one.precision == number)
                bandwidth = float(device.memory_bandwidth_bytes_per_second or np.inf)
                if device.type == GPU:
                    return Computer(rate, bandwidth, wanted["count"])
                share = min(1.0, kind.cores / device.count)
                return Computer(share * rate, share * bandwidth, 1)
        return None

    def _secure(self, at: int, node: int) -> bool:
        asked = self.asked[at].service.spec.qos.security_level
        return self.network.nodes[node].spec.security_level.rank >= asked.rank


def served(sent: Floats, taking: Floats) -> Floats:
    """Return when one server has done each of the requests that come at ``sent``, in that order (Lindley)."""
    work = np.cumsum(taking)
    return np.asarray(work + np.maximum.accumulate(sent - (work - taking)))


def served_by(sent: Floats, taking: Floats, servers: int) -> Floats:
    """Return when each is done by the first of ``servers`` that is free."""
    if servers == 1:
        return served(sent, taking)
    free, done = [0.0] * servers, []
    for came, takes in zip(sent.tolist(), taking.tolist(), strict=True):
        end = max(came, free[0]) + takes
        heapreplace(free, end)
        done.append(end)
    return np.array(done)


def _ways(network: Network, site: int) -> list[Way]:
    """Return the way of least round trip from the users of ``site`` to each node (Bellman and Ford)."""
    names = {node.metadata.name: row for row, node in enumerate(network.nodes)}
    hops: list[tuple[int, int, Way]] = []
    best: dict[int, Way] = {}
    for row, node in enumerate(network.nodes):
        for link in node.spec.links:
            there = Way(
                link.rtt_microseconds / 1e6,
                link.jitter_microseconds / 1e6,
                float(link.up_bits_per_second),
                float(link.down_bits_per_second),
                1,
                link.reliability_ppm / 1e6,
            )
            if link.to == "ue":
                if row == site:
                    best[row] = there
            else:
                hops += [(names[link.to], row, there), (row, names[link.to], there)]
    changed = True
    while changed:
        changed = False
        for start, end, hop in hops:
            if start in best and (end not in best or best[start].rtt + hop.rtt < best[end].rtt - 1e-12):
                best[end], changed = _then(best[start], hop), True
    return [best[row] for row in range(len(network.nodes))]


def _then(way: Way, hop: Way) -> Way:
    return Way(
        way.rtt + hop.rtt,
        way.jitter + hop.jitter,
        min(way.up, hop.up),
        min(way.down, hop.down),
        way.hops + hop.hops,
        way.reliability * hop.reliability,
    )
