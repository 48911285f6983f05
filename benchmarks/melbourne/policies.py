"""Who places the services: the operator, and peers written anew from their public description."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aif.api.base import Tier
from aif.domain.policy import RAN_FIRST, Policy
from aif.planning.demands import translate
from aif.planning.placement.packing import Mix, Requests, Room
from aif.scheduling.batch import decide
from aif.scheduling.cycle import Contest, select
from aif.scheduling.fleet import Fleet
from aif.scheduling.judgement import Judgement
from aif.scheduling.ledger import Ledger
from aif.scheduling.node_table import NodeTable
from aif.scheduling.plugins import FILTERS
from aif.scheduling.selection import Selection
from melbourne.network import GPU
from melbourne.replay import NOWHERE, Placement, Replay
from melbourne.traces import Floats

Flags = NDArray[np.bool_]
Ladder = tuple[frozenset[Tier], ...]
RESOURCES: Final = ("cpu", "memory", GPU, "pods")
NOW: Final = datetime(2030, 1, 1, tzinfo=UTC)
ALL_AT_ONCE: Final[Ladder] = (frozenset(Tier),)
CORE_ONLY: Final[Ladder] = (frozenset({Tier.CORE, Tier.CLOUD}),)
FILTERED: Final = "contract filter + "
TIERS: Final = {"core only": ("Core",), "cloud only": ("Cloud",), "edge only": ("Edge",)}
SAMPLE: Final = 100
"""Nodes that kube-scheduler scores of a cluster of this size."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What a peer knows when it places a service.

    Attributes:
        free, size: What is free on each node and what it has, shape (n, resources).
        wanted: What the service takes.
        rows: Nodes with room and the labels that are asked for.
        rtt: Round trip from the users to each node.
        limit: Latency target.
        held: Services on each node.
        mix: What all services ask for of accelerators.
    """

    free: Floats
    size: Floats
    wanted: Floats
    rows: NDArray[np.int64]
    rtt: Floats
    limit: float
    held: Floats
    mix: Mix

    @property
    def left(self) -> Floats:
        """Return the share of each resource that stays free on ``rows``."""
        size = self.size[self.rows]
        return np.asarray((self.free[self.rows] - self.wanted) / np.where(size > 0.0, size, np.inf))


Score = Callable[[State, np.random.Generator], Floats]


def kube(state: State, draw: np.random.Generator) -> Floats:
    """kube-scheduler by default: LeastAllocated and BalancedAllocation over cores and memory, on a sample."""
    left = state.left[:, :2]
    score = 100.0 * left.mean(axis=1) + 100.0 * (1.0 - np.abs(left[:, 0] - left[:, 1]) / 2.0)
    if len(score) > SAMPLE:
        score[np.roll(np.arange(len(score)), int(draw.integers(len(score))))[SAMPLE:]] = -np.inf
    return np.asarray(score)


def most_allocated(state: State, _: np.random.Generator) -> Floats:
    """MostAllocated over cores, memory and accelerators."""
    return np.asarray(-np.where(state.size[state.rows] > 0.0, state.left, 0.0)[:, :3].sum(axis=1))


def best_fit(state: State, _: np.random.Generator) -> Floats:
    """The node on which the least is left, in units of the largest one."""
    return np.asarray(-((state.free[state.rows] - state.wanted) / state.size.max(axis=0))[:, :3].sum(axis=1))


def dot_product(state: State, _: np.random.Generator) -> Floats:
    """The smallest product of what is free and what is asked for (Tetris)."""
    scale = state.size.max(axis=0) ** 2
    return np.asarray(-(state.free[state.rows] * state.wanted / scale)[:, :3].sum(axis=1))


def fragmentation(state: State, _: np.random.Generator) -> Floats:
    """Fragmentation gradient descent (FGD) over what all services ask for."""
    before, after = (_room(free) for free in (state.free[state.rows], state.free[state.rows] - state.wanted))
    return np.round(state.mix.fragmentation(before) - state.mix.fragmentation(after), 9)


def spread(state: State, _: np.random.Generator) -> Floats:
    """The node with the fewest services."""
    return -state.held[state.rows]


def random(state: State, draw: np.random.Generator) -> Floats:
    """Any node with room."""
    return draw.random(len(state.rows))


def nearest(state: State, _: np.random.Generator) -> Floats:
    """The node of least round trip from the users."""
    return -state.rtt[state.rows]


def network_aware(state: State, draw: np.random.Generator) -> Floats:
    """As Diktyo: nodes whose round trip alone breaks the target are out, then the lowest network cost, in classes."""
    rtt = state.rtt[state.rows]
    return np.where(rtt <= state.limit, -10.0 * np.floor(rtt / 2e-3), -1e9) + kube(state, draw) / 200.0


SCORES: Final[Mapping[str, Score]] = {
    "kube-scheduler": kube,
    "most allocated": most_allocated,
    "best fit": best_fit,
    "dot product": dot_product,
    "FGD": fragmentation,
    "spread": spread,
    "random": random,
    "nearest": nearest,
    "network-aware": network_aware,
    "edge only": kube,
    "core only": kube,
    "cloud only": kube,
    FILTERED + "kube-scheduler": kube,
    FILTERED + "best fit": best_fit,
    FILTERED + "nearest": nearest,
    FILTERED + "random": random,
}


class Table:
    """A network as the operator and as the peers see it."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        network = replay.network
        self.services = [one.service for one in replay.asked]
        self.nodes = {node.metadata.name: row for row, node in enumerate(network.nodes)}
        hosts = [network.hosts[node.spec.node_name or ""] for node in network.nodes]
        self.size = np.array([[host.allocatable.get(name, 0.0) for name in RESOURCES] for host in hosts])
        self.wanted = [
            [np.array([translate(one, v).total.get(name, 0.0) for name in RESOURCES]) for v in one.variants]
            for one in self.services
        ]
        self.rank = np.array([node.spec.security_level.rank for node in network.nodes])
        self.tier = np.array([str(node.spec.tier) for node in network.nodes])
        self.rtt = np.array(
            [[replay.way(at, row).rtt for row in range(len(self.nodes))] for at in range(len(self.services))]
        )
        self.table = NodeTable.build(network.nodes, network.hosts, (), Ledger(), NOW)
        self.mix = Mix.of(self._requests())

    def _requests(self) -> Requests:
        rows = np.array([row[0] for row in self.wanted])
        one = np.ones(len(rows))
        return Requests(rows[:, 0], np.where(rows[:, 2] > 0.0, 1.0, 0.0), rows[:, 2].astype(np.int64), one)

    def contract_filter(self, policy: Policy) -> list[list[Flags]]:
        """Return, per service and variant, the nodes that the operator's filters let through while all are empty."""
        problems = [Contest(one, self.table, policy).problems for one in self.services]
        return [[Judgement.of(problem, FILTERS).fits for problem in ways] for ways in problems]


def peer(name: str, table: Table, draw: np.random.Generator) -> Placement:
    """Return where the policy ``name`` places the services, one after the other in a random order.

    It knows what Kubernetes knows: what is requested and free, devices by resource name, and the security level as a
    label. The first variant with a node is taken.
    """
    score, free = SCORES[name], table.size.copy()
    allowed = table.contract_filter(Policy(ladder=ALL_AT_ONCE)) if name.startswith(FILTERED) else None
    tiers = np.isin(table.tier, TIERS[name]) if name in TIERS else np.ones(len(free), dtype=np.bool_)
    node, chosen, held = [NOWHERE] * len(table.services), [0] * len(table.services), np.zeros(len(free))
    for at in draw.permutation(len(table.services)).tolist():
        labels = tiers & (table.rank >= table.services[at].spec.qos.security_level.rank)
        for variant, wanted in enumerate(table.wanted[at]):
            fits = labels & (free >= wanted).all(axis=1)
            rows = np.flatnonzero(fits if allowed is None else fits & allowed[at][variant])
            if len(rows):
                limit = table.replay.asked[at].limit
                state = State(free, table.size, wanted, rows, table.rtt[at], limit, held, table.mix)
                node[at], chosen[at] = int(rows[score(state, draw).argmax()]), variant
                free[node[at]] -= wanted
                held[node[at]] += 1.0
                break
    return Placement(node, chosen)


def in_turn(table: Table, draw: np.random.Generator, ladder: Ladder = RAN_FIRST) -> Placement:
    """Return where the operator places the services as they come one by one, in a random order, none ever moved."""
    ledger, network = Ledger(), table.replay.network
    fleet, policy = Fleet(ledger), Policy(ladder=ladder)
    for compute_node in network.nodes:
        host = compute_node.spec.node_name or ""
        fleet.update_node(host, network.hosts[host])
        fleet.update_compute_node(compute_node.metadata.name, compute_node)
    selections: dict[str, Selection] = {}
    for at in draw.permutation(len(table.services)).tolist():
        service = table.services[at]
        found = select(service, fleet.table(NOW), policy)
        selections[service.metadata.uid] = found
        ledger.settle(service.metadata.uid, [choice.claim for choice in found.choices], network.hosts, ())
    return placed(table, selections)


def together(table: Table, draw: np.random.Generator, ladder: Ladder = RAN_FIRST, *, jointly: bool = True) -> Placement:
    """Return where the operator places the services where they wait together."""
    services = [table.services[at] for at in draw.permutation(len(table.services))]
    return placed(table, decide(services, table.table, Policy(ladder=ladder), {}, jointly=jointly).selections)


def placed(table: Table, selections: Mapping[str, Selection]) -> Placement:
    """Return what ``selections`` say as rows."""
    node, variant = [NOWHERE] * len(table.services), [0] * len(table.services)
    for at, service in enumerate(table.services):
        if (choice := selections[service.metadata.uid].chosen) is not None:
            node[at] = table.nodes[choice.node]
            variant[at] = [one.name for one in service.variants].index(choice.variant.name)
    return Placement(node, variant)


def _room(free: Floats) -> Room:
    devices = free[:, RESOURCES.index(GPU)]
    most = int(devices.max(initial=0.0))
    return Room(free[:, 0], (np.arange(most) < devices[:, None]).astype(np.float64), np.zeros(len(free), np.int64))


OURS: Final[Mapping[str, Callable[[Table, np.random.Generator], Placement]]] = {
    "aif, together": together,
    "aif, together, in turn": partial(together, jointly=False),
    "aif, one by one": in_turn,
    "aif, together, no ladder": partial(together, ladder=ALL_AT_ONCE),
    "aif, one by one, no ladder": partial(in_turn, ladder=ALL_AT_ONCE),
}


def place(name: str, table: Table, draw: np.random.Generator) -> Placement:
    """Return where the policy ``name`` places the services."""
    return OURS[name](table, draw) if name in OURS else peer(name, table, draw)


POLICIES: Final[Sequence[str]] = (*OURS, *SCORES)
